/**
 * What every HTTP client package promises, on each back end: a CLIENT span below the active one, its ids on the wire,
 * errors and cancellations told apart, and a caller who sees nothing of it.
 */
import assert from 'node:assert/strict';
import test from 'node:test';
import { context, trace, withSpan } from '@clew/core';
import type { CollectedSpan } from '@clew/core/testing';
import { BACKENDS, type BackendKind, startBackend } from './backends.ts';
import { ClientBench, type HttpClientCase, type HttpClientLibrary, startOrigin } from './http-client-bench.ts';
import { HTTP_CLIENT_SIGNAL_CASES, HTTP_CLIENT_SIGNAL_CASES_WITHOUT_PROVIDER } from './http-client-signal-cases.ts';

const CASES: HttpClientCase[] = [
  [
    'a request is a CLIENT span below the active span, and its ids leave in one traceparent',
    async (bench) => {
      const client = bench.client();
      await withSpan('parent', () => client.request(`${bench.origin.url}/items/7?sig=secret&q=1`));
      const span = await bench.take();
      const parent = await bench.backend.take('parent');
      assert.deepEqual([span.traceId, span.parentSpanId], [parent.traceId, parent.spanId]);
      assert.deepEqual(bench.sentIds(), { traceId: span.traceId, spanId: span.spanId });
      const port = Number(new URL(bench.origin.url).port);
      assert.equal(span.name, 'GET');
      assert.deepEqual(pick(span), {
        'http.request.method': 'GET',
        'http.response.status_code': 200,
        'server.address': '127.0.0.1',
        'server.port': port,
        'url.full': `${bench.origin.url}/items/7?sig=REDACTED&q=1`,
      });
      assert.equal(span.status.code, 0);
    },
  ],
  [
    'a request without an active span starts a trace',
    async (bench) => {
      await bench.client().request(bench.origin.url);
      const span = await bench.take();
      assert.equal(span.parentSpanId, undefined);
      assert.equal(bench.sentIds().traceId, span.traceId);
    },
  ],
  [
    '4xx and 5xx are errors named by their status, 3xx is none',
    async (bench) => {
      const client = bench.client();
      for (const [status, type] of [
        [404, '404'],
        [503, '503'],
        [304, undefined],
      ] as const) {
        assert.equal((await client.request(`${bench.origin.url}/status/${status}`)).status, status);
        const span = await bench.take();
        assert.equal(span.attributes['error.type'], type);
        assert.equal(span.status.code, type === undefined ? 0 : 2);
        assert.equal(span.status.message, undefined);
      }
    },
  ],
  [
    'a refused connection and a reset are errors named by their code, recorded once and passed on unchanged',
    async (bench) => {
      const cases = [
        ['http://127.0.0.1:2/', 'ECONNREFUSED'],
        [`${bench.origin.url}/reset`, ['ECONNRESET', 'UND_ERR_SOCKET']],
      ] as const;
      for (const [url, expected] of cases) {
        const expectedError = await bench
          .plainClient()
          .request(url)
          .catch((error: Error) => error);
        const error = await bench
          .client()
          .request(url)
          .catch((thrown: Error) => thrown);
        assert.deepEqual(
          [String(error), (error as Error).constructor],
          [String(expectedError), (expectedError as Error).constructor],
        );
        const span = await bench.take();
        assert.ok(
          [expected].flat().includes(span.attributes['error.type'] as never),
          String(span.attributes['error.type']),
        );
        assert.equal(span.status.code, 2);
        assert.equal(span.events.filter(({ name }) => name === 'exception').length, 1);
        assert.equal(span.attributes['http.response.status_code'], undefined);
        await bench.closeClients();
      }
    },
  ],
  [
    'a caller who cancels gets his reason, and the span has no error',
    async (bench) => {
      const controller = new AbortController();
      const call = bench.client().request(`${bench.origin.url}/silent`, { signal: controller.signal });
      await waitFor(() => bench.origin.received.length === 1);
      controller.abort();
      await assert.rejects(call, { name: 'AbortError' });
      const span = await bench.take();
      assert.deepEqual([span.status.code, span.attributes['error.type'], span.events.length], [0, undefined, 0]);
    },
  ],
  [
    'a timeout signal is the error `timeout`',
    async (bench) => {
      const call = bench.client().request(`${bench.origin.url}/silent`, { signal: AbortSignal.timeout(30) });
      await assert.rejects(call, { name: 'TimeoutError' });
      const span = await bench.take();
      assert.deepEqual([span.status.code, span.attributes['error.type']], [2, 'timeout']);
    },
  ],
  [
    "the caller's headers arrive, are not changed, and an old traceparent is replaced",
    async (bench) => {
      const headers = Object.freeze({ 'x-mine': '1', Traceparent: `00-${'1'.repeat(32)}-${'2'.repeat(16)}-01` });
      await bench.client().request(bench.origin.url, { headers });
      const span = await bench.take();
      assert.equal(bench.origin.received[0]?.['x-mine'], '1');
      assert.deepEqual(bench.sentIds(), { traceId: span.traceId, spanId: span.spanId });
    },
  ],
  [
    'a method that nobody knows is `_OTHER`, and leaves as it is',
    async (bench) => {
      await bench.client().request(bench.origin.url, { method: 'PURGE' });
      const span = await bench.take();
      assert.equal(span.name, 'HTTP');
      assert.equal(span.attributes['http.request.method'], '_OTHER');
      assert.equal(span.attributes['http.request.method_original'], 'PURGE');
    },
  ],
  [
    'interleaved requests keep their own parents',
    async (bench) => {
      const client = bench.client();
      const call = (name: string) =>
        withSpan(name, { root: true }, async () => {
          await client.request(`${bench.origin.url}/${name}`);
          await client.request(`${bench.origin.url}/${name}`);
        });
      await Promise.all(['a', 'b', 'c'].map(call));
      for (const name of ['a', 'b', 'c']) {
        const parent = await bench.backend.take(name);
        for (let i = 0; i < 2; i++) {
          const span = await bench.backend.take((one) => String(one.attributes['url.full']).endsWith(`/${name}`));
          assert.deepEqual([span.traceId, span.parentSpanId], [parent.traceId, parent.spanId]);
        }
      }
    },
  ],
  [
    'hosts outside of propagateTo get no headers, and their requests still have spans',
    async (bench) => {
      await bench.client({ propagateTo: ['*.example.com'] }).request(bench.origin.url);
      await bench.take();
      assert.equal(bench.origin.received[0]?.traceparent, undefined);
      await bench.closeClients();
      await bench.client({ propagateTo: ['127.*'] }).request(bench.origin.url);
      assert.equal(bench.sentIds().spanId, (await bench.take()).spanId);
    },
  ],
  [
    'an ignored request has neither span nor headers',
    async (bench) => {
      await bench.client({ ignore: () => true }).request(bench.origin.url);
      assert.equal(bench.origin.received[0]?.traceparent, undefined);
    },
  ],
  [
    'in a suppressed context a request has neither span nor headers',
    async (bench) => {
      const client = bench.client();
      const suppressed = context.active().setValue(Symbol.for('OpenTelemetry SDK Context Key SUPPRESS_TRACING'), true);
      await context.with(suppressed, () => client.request(bench.origin.url));
      assert.equal(bench.origin.received[0]?.traceparent, undefined);
    },
  ],
  [
    'hooks that throw change nothing',
    async (bench) => {
      const broken = (): never => {
        throw new Error('mine');
      };
      const client = bench.client({ ignore: broken, requestAttributes: broken, responseAttributes: broken });
      assert.deepEqual(await client.request(`${bench.origin.url}/x`), { status: 200, body: 'GET /x' });
      assert.equal((await bench.take()).status.code, 0);
    },
  ],
  [
    'the active span behind a request is the one before it',
    async (bench) => {
      const client = bench.client();
      await withSpan('parent', async (parent) => {
        await client.request(bench.origin.url);
        assert.equal(trace.getActiveSpan(), parent);
      });
      bench.backend.all();
    },
  ],
];

const WITHOUT_PROVIDER: HttpClientCase[] = [
  [
    'a request goes through, with the headers of its caller and no others',
    async (bench) => {
      const traceparent = `00-${'1'.repeat(32)}-${'2'.repeat(16)}-01`;
      const client = bench.client();
      assert.deepEqual(await client.request(`${bench.origin.url}/x`, { headers: { traceparent } }), {
        status: 200,
        body: 'GET /x',
      });
      assert.equal(bench.origin.received[0]?.traceparent, traceparent);
      await client.request(bench.origin.url);
      assert.equal(bench.origin.received[1]?.traceparent, undefined);
    },
  ],
  [
    'errors reach the caller',
    async (bench) => {
      const plain = await bench.plainClient().request('http://127.0.0.1:2/').catch(String);
      assert.equal(await bench.client().request('http://127.0.0.1:2/').catch(String), plain);
    },
  ],
];

/** Run the suite on every back end. Call it at the top level of a test file. */
export function httpClientSuite(name: string, library: HttpClientLibrary): void {
  for (const kind of BACKENDS) {
    const cases =
      kind === 'none'
        ? [...WITHOUT_PROVIDER, ...HTTP_CLIENT_SIGNAL_CASES_WITHOUT_PROVIDER]
        : [...CASES, ...HTTP_CLIENT_SIGNAL_CASES];
    for (const [title, run, sampler = 1] of cases) {
      test(`${name} on ${describeBackend(kind)}: ${title}`, { timeout: 30_000 }, async (t) => {
        const bench = new ClientBench(t, await startOrigin(), startBackend(t, kind, { sampler }), library);
        // Not by t.after: a hook that fails there keeps the ones behind it from running.
        try {
          await run(bench);
        } finally {
          await bench.close();
        }
      });
    }
  }
}

function describeBackend(kind: BackendKind): string {
  return kind === 'none' ? 'no provider' : kind;
}

function pick(span: CollectedSpan): Record<string, unknown> {
  // Who sees the socket may add whose it is.
  const entries = Object.entries(span.attributes).filter(([key]) => !key.startsWith('network.'));
  return Object.fromEntries(entries.toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

async function waitFor(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 2));
}
