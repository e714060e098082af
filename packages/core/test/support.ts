/** A provider with collected spans, and a misbehaving backend, for the tests of the core. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import { gunzipSync } from 'node:zlib';
import type { StartTracingOptions } from '../src/start-options.ts';
import { startTracing, type Tracing } from '../src/start-tracing.ts';

/** A request that the backend took. */
export interface Received {
  atMs: number;
  path: string;
  headers: IncomingMessage['headers'];
  body: Buffer;
}

/** An OTLP receiver on a real socket, whose answers a test decides. */
export interface Backend {
  url: string;
  received: Received[];
  /** How the next requests are answered; default 200 with an empty body. */
  respond: (response: ServerResponse, count: number, request: Received) => void;
  server: Server;
}

export async function startBackend(t: TestContext): Promise<Backend> {
  const backend: Backend = {
    url: '',
    received: [],
    respond: (response) => response.end(),
    server: createServer((request, response) => void take(backend, request, response)),
  };
  backend.server.listen(0, '127.0.0.1');
  await new Promise((resolve) => backend.server.once('listening', resolve));
  backend.url = `http://127.0.0.1:${(backend.server.address() as AddressInfo).port}`;
  t.after(() => {
    backend.server.closeAllConnections();
    backend.server.close();
  });
  return backend;
}

async function take(backend: Backend, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const raw = Buffer.concat(chunks);
  const body = request.headers['content-encoding'] === 'gzip' ? gunzipSync(raw) : raw;
  const received = { atMs: performance.now(), path: request.url ?? '', headers: request.headers, body };
  backend.received.push(received);
  backend.respond(response, backend.received.length, received);
}

/** Tracing that is not registered, shut down with the test; the batch waits are short. */
export function startTest(t: TestContext, options: StartTracingOptions): Tracing {
  const tracing = startTracing({
    serviceName: 'test',
    register: false,
    ...options,
    batch: { scheduledDelayMs: 5, initialBackoffMs: 20, maxBackoffMs: 200, ...options.batch },
  });
  t.after(() => tracing.shutdown());
  return tracing;
}

/** Start and end this many spans in one tick. */
export function makeSpans(tracing: Tracing, count: number, name = 'work'): void {
  const tracer = tracing.provider.getTracer('test');
  for (let i = 0; i < count; i++) tracer.startSpan(name).end();
}

/** What the ledger must add up to. */
export function accountedFor(tracing: Tracing): { accepted: number; sum: number } {
  const [stats] = tracing.stats().exporters;
  if (stats === undefined) throw new Error('no exporter');
  const dropped = Object.values(stats.dropped).reduce((sum, count) => sum + count, 0);
  const { accepted, exported, rejected, queued, inFlight, retrying, spooled } = stats;
  return { accepted, sum: exported + rejected + dropped + queued + inFlight + retrying + spooled };
}

/** Wait until something holds, for 10 seconds at most. */
export async function until(holds: () => boolean, what: string): Promise<void> {
  const deadline = performance.now() + 10_000;
  while (!holds()) {
    if (performance.now() > deadline) throw new Error(`waited 10 s for: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** How many spans an OTLP request holds; a field of `ScopeSpans` each. */
export function countSpans(body: Buffer): number {
  // ExportTraceServiceRequest.resource_spans = 1, ResourceSpans.scope_spans = 2, ScopeSpans.spans = 2.
  return fieldsOf(body, 1).reduce(
    (sum, resource) => sum + fieldsOf(resource, 2).reduce((inner, scope) => inner + fieldsOf(scope, 2).length, 0),
    0,
  );
}

function fieldsOf(bytes: Buffer, wanted: number): Buffer[] {
  const found: Buffer[] = [];
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = bytes[at++] ?? 0;
      value += (byte & 127) * factor;
      if (byte < 128) return value;
    }
  };
  while (at < bytes.length) {
    const tag = varint();
    if ((tag & 7) !== 2) throw new Error(`unexpected wire type ${tag & 7}`);
    const length = varint();
    if (tag >>> 3 === wanted) found.push(bytes.subarray(at, at + length));
    at += length;
  }
  return found;
}
