// Process that receives what the measured servers export. While a server is measured it keeps the
// bodies as they came; it decodes and counts only when asked, which is between two windows.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';

import { answerParent } from '../child.ts';
import { countSpans, type SpanCounts } from './decode.ts';

interface Received extends SpanCounts {
  posts: number;
  bytes: number;
}

/** Bodies not yet decoded, by the first part of their path: each server has a part of its own. */
const waiting = new Map<string, Buffer[]>();
const totals = new Map<string, Received>();

const server = createServer(receive);
server.listen(0, '127.0.0.1', () => {
  answerParent({
    address: () => ({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }), // AddressInfo: it listens on TCP.
    count: ({ key }) => count(String(key)),
  });
});

function receive(request: IncomingMessage, response: ServerResponse): void {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    const key = request.url?.split('/')[1] ?? '';
    const body = Buffer.concat(chunks);
    const bodies = waiting.get(key) ?? [];
    bodies.push(request.headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body);
    waiting.set(key, bodies);
    // An empty ExportTraceServiceResponse: everything was accepted.
    response.writeHead(200, { 'content-type': 'application/x-protobuf', 'content-length': 0 });
    response.end();
  });
}

/** Everything received for `key` since the start. */
function count(key: string): Received {
  const total = totals.get(key) ?? { posts: 0, bytes: 0, spans: 0, servers: {}, serverAttributes: 0 };
  for (const body of waiting.get(key) ?? []) {
    total.posts++;
    total.bytes += body.length;
    countSpans(body, total);
  }
  waiting.delete(key);
  totals.set(key, total);
  return total;
}
