// The server that the measured clients ask: it answers everything alike, and never sleeps while one of them is measured.
import { type AddressInfo, createServer } from 'node:net';

import { answerParent } from '../child.ts';
import { answerAlike } from '../http/answer-alike.ts';
import { Polling } from '../polling.ts';
import { BODY } from './body.ts';

const polling = new Polling();
// Clients wait for the windows of the others; connecting again is no part of a window.
const server = createServer(answerAlike(BODY, 'Keep-Alive: timeout=60\r\n'));
server.listen(0, '127.0.0.1', () => {
  answerParent({
    address: () => ({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }), // AddressInfo: it listens on TCP.
    poll: () => {
      polling.start();
      return {};
    },
    rest: () => {
      polling.stop();
      return {};
    },
  });
});
