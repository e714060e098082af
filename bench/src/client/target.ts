// The server that the measured clients ask: it answers everything alike.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

import { answerParent } from '../child.ts';
import { BODY } from './body.ts';

const server = createServer((_request, response) => {
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': BODY.length });
  response.end(BODY);
});
server.keepAliveTimeout = 60_000;
server.listen(0, '127.0.0.1', () => {
  answerParent({
    address: () => ({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }), // AddressInfo: it listens on TCP.
  });
});
