/** The third server: takes its time, tells which headers came, and takes spans. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Random } from '../fuzz/random.ts';

const MAX_LATENCY_MS = 20;

export async function startInner(random: Random): Promise<{ url: string; server: Server }> {
  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    request.resume();
    if (request.url === '/v1/traces') {
      request.on('end', () => response.end());
      return;
    }
    setTimeout(() => response.end(JSON.stringify(request.headers)), random.below(MAX_LATENCY_MS));
  };
  const server = createServer({ keepAliveTimeout: 60_000 }, answer).listen(0, '127.0.0.1');
  await once(server, 'listening');
  // A TCP server's address is an object.
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, server };
}
