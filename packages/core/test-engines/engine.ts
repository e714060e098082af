/** The engines that these tests send to, and the trace that they send. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { ROOT_CONTEXT, type Span, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import type { Tracing } from '../src/start-tracing.ts';

/** @returns the URL in an environment variable, without a slash at its end */
export function engineUrl(name: string): string {
  const url = process.env[name];
  assert.ok(url !== undefined && url !== '', `${name} is not set: start the engine of docker-compose.yml and set it`);
  return url.replace(/\/$/, '');
}

/** A service name that no earlier run has used. */
export const service: string = `clew-${randomBytes(4).toString('hex')}`;

/** A server span of this moment and a failed client span below it; both have ended. */
export function makeTrace(tracing: Tracing): { server: Span; client: Span; startSeconds: number } {
  const startSeconds = Math.floor(Date.now() / 1000) - 1;
  const tracer = tracing.provider.getTracer('engine-test', '1.2.3');
  const server = tracer.startSpan('GET /orders/:id', {
    kind: SpanKind.SERVER,
    startTime: [startSeconds, 100_000_000],
    attributes: {
      text: 'grün "x" \\ \u{1f600}',
      truth: true,
      integer: 9007199254740991,
      negative: -5,
      double: 0.1,
      texts: ['a', 'b'],
      numbers: [1, 2.5],
      'http.route': '/orders/:id',
    },
    links: [
      { context: { traceId: 'ab'.repeat(16), spanId: 'cd'.repeat(8), traceFlags: 1 }, attributes: { why: 'retry' } },
    ],
  });
  const client = tracer.startSpan(
    'SELECT orders',
    {
      kind: SpanKind.CLIENT,
      startTime: [startSeconds, 150_000_000],
      attributes: { 'server.address': 'db.internal', 'server.port': 5432, 'db.system.name': 'postgresql' },
    },
    trace.setSpan(ROOT_CONTEXT, server),
  );
  client.addEvent('row read', { rows: 3 }, [startSeconds, 160_000_000]);
  client.setStatus({ code: SpanStatusCode.ERROR, message: 'deadlock detected' });
  client.end([startSeconds, 200_123_000]);
  server.end([startSeconds, 300_000_000]);
  return { server, client, startSeconds };
}

/** Ask until the answer is what is waited for, for 30 seconds at most; backends store a moment after they answered. */
// biome-ignore lint/suspicious/noExplicitAny: each engine answers in its own shape, which the tests spell out.
export async function fetchUntil(url: string, isThere: (body: any) => boolean): Promise<any> {
  const signal = AbortSignal.timeout(30_000);
  for (;;) {
    const response = await fetch(url, { signal });
    const body: unknown = response.ok ? await response.json() : undefined;
    if (!response.ok) await response.body?.cancel();
    if (body !== undefined && isThere(body)) return body;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
