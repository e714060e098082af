// Process with all that is around the service: those who ask it, and the database and the other service that it asks,
// which answer everything alike and at once.
import { type AddressInfo, createServer, type Server } from 'node:net';

import { answerParent } from '../child.ts';
import { answerAlike } from '../http/answer-alike.ts';
import { loadHandlers } from '../http/load.ts';
import { answerPostgres } from './postgres-peer.ts';

const PRICE = JSON.stringify({ id: 7, amount: 1299, currency: 'EUR', discounts: ['spring', 'loyalty'] });

const database = await listening(createServer(answerPostgres));
const target = await listening(createServer(answerAlike(PRICE)));
answerParent({
  ...loadHandlers(),
  addresses: () => ({ databaseUrl: `postgres://bench@${database}/bench`, targetUrl: `http://${target}` }),
});

async function listening(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `127.0.0.1:${(server.address() as AddressInfo).port}`; // AddressInfo: it listens on TCP.
}
