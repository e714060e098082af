// Receives exports of spans and passes each on to several places.
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';

/** Hop-by-hop or computed anew for the next hop. */
const OWN_HEADERS = ['host', 'connection', 'content-length', 'transfer-encoding', 'keep-alive'];

/**
 * Answer exports as the first target does; a later target that fails is told to the user, once, and nobody else.
 *
 * @param targets  full addresses for traces
 */
export async function startTee(targets: [string, ...string[]]): Promise<{ url: string; close: () => Promise<void> }> {
  const [first, ...others] = targets;
  const told = new Set<string>();
  const underWay = new Set<Promise<unknown>>();
  const server = createServer(async (req, res) => {
    const body = await buffer(req);
    for (const target of others) {
      const sending = post(target, req, body).catch((error: Error) => tell(target, error));
      underWay.add(sending);
      void sending.finally(() => underWay.delete(sending));
    }
    const answer = await post(first, req, body).catch(() => undefined);
    res.writeHead(answer?.status ?? 503, { 'content-type': req.headers['content-type'] ?? '' }).end(answer?.body);
  });

  function tell(target: string, error: Error): void {
    if (told.has(target)) return;
    told.add(target);
    console.error(`Traces do not arrive at ${target}: ${reason(error)}. The shop goes on without.`);
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const close = async () => {
    server.close().closeAllConnections();
    await Promise.all(underWay);
  };
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close };
}

async function post(target: string, req: IncomingMessage, body: Buffer): Promise<{ status: number; body: Buffer }> {
  const headers = new Headers();
  for (const [key, value] of Object.entries(req.headers)) {
    if (typeof value === 'string' && !OWN_HEADERS.includes(key)) headers.set(key, value);
  }
  const response = await fetch(target, { method: 'POST', headers, body: new Uint8Array(body) });
  const answer = { status: response.status, body: Buffer.from(await response.arrayBuffer()) };
  if (response.status >= 400) throw new Error(`status ${response.status}`);
  return answer;
}

function reason(error: Error): string {
  return error.cause instanceof Error ? error.cause.message || error.cause.name : error.message;
}
