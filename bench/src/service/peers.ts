// Process with all that is around the service: those who ask it, and the database and the other service that it asks,
// which answer everything alike and at once.
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';

import { answerParent } from '../child.ts';
import { loadHandlers } from '../http/load.ts';
import { answerPostgres } from './postgres-peer.ts';

const PRICE = JSON.stringify({ id: 7, amount: 1299, currency: 'EUR', discounts: ['spring', 'loyalty'] });
const PRICE_ANSWER = `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ${PRICE.length}\r\n\r\n${PRICE}`;
const END_OF_HEAD = '\r\n\r\n';

const database = await listening(createServer(answerPostgres));
const target = await listening(createServer(answerHttp));
answerParent({
  ...loadHandlers(),
  addresses: () => ({ databaseUrl: `postgres://bench@${database}/bench`, targetUrl: `http://${target}` }),
});

/** Requests without a body, several in one piece or one in several. */
function answerHttp(socket: Socket): void {
  let open = '';
  socket.setNoDelay(true).setEncoding('latin1');
  socket.on('error', () => socket.destroy()); // The service was ended.
  socket.on('data', (text: string) => {
    const heads = (open + text).split(END_OF_HEAD);
    open = heads.pop() ?? '';
    if (heads.length > 0) socket.write(PRICE_ANSWER.repeat(heads.length));
  });
}

async function listening(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `127.0.0.1:${(server.address() as AddressInfo).port}`; // AddressInfo: it listens on TCP.
}
