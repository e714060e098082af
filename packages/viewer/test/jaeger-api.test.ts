/** Jaeger's query API: the same replies as a real Jaeger gave for the same request, and searches. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import type { Viewer } from '../src/index.ts';
import { comparable } from './comparable.ts';
import { OTHER_TRACE, post, type SpanSketch, START_MS, send, TRACE, testViewer, traceId } from './sending.ts';

interface Recording {
  recordedFrom: string;
  request: unknown;
  replies: Record<string, unknown>;
}

const recording: Recording = JSON.parse(readFileSync(new URL('fixtures/jaeger-replies.json', import.meta.url), 'utf8'));

for (const [path, expected] of Object.entries(recording.replies)) {
  test(`${recording.recordedFrom} answered ${path} alike`, async (t) => {
    const viewer = await testViewer(t);
    await post(`${viewer.otlpUrl}/v1/traces`, JSON.stringify(recording.request));
    const reply = await fetch(viewer.url + path);
    assert.deepEqual(comparable(await reply.json()), comparable(expected));
    assert.equal(reply.headers.get('content-type'), 'application/json');
  });
}

const STATUSES: ReadonlyArray<readonly [string, number]> = [
  ['/api/services', 200],
  ['/api/operations', 400],
  ['/api/traces', 400],
  ['/api/traces/zz', 400],
  [`/api/traces/${'a'.repeat(33)}`, 400],
  ['/api/traces/123', 404],
  ['/api/traces?service=a&limit=0', 400],
  ['/api/traces?service=a&limit=1', 200],
  ['/api/traces?service=a&limit=100000', 200],
  ['/api/traces?service=a&limit=100001', 400],
  ['/api/traces?service=a&start=x', 400],
  ['/api/traces?service=a&minDuration=5', 400],
  ['/api/traces?service=a&tags=x', 400],
  ['/api/traces?service=a&tags=%7B%22k%22:1%7D', 400],
  ['/api/traces?service=a&colour=red', 200],
  ['/api/traces?traceID=zz', 400],
];
for (const [path, status] of STATUSES) {
  test(`GET ${path} is ${status}, in Jaeger's envelope`, async (t) => {
    const viewer = await testViewer(t);
    const reply = await fetch(viewer.url + path);
    assert.equal(reply.status, status);
    const body = (await reply.json()) as { errors: Array<{ code: number }> | null };
    assert.deepEqual(Object.keys(body), ['data', 'total', 'limit', 'offset', 'errors']);
    assert.equal(body.errors?.[0]?.code, status === 200 ? undefined : status);
  });
}

const START_US = START_MS * 1000;
/** Three traces: A (newest), B, and C, which has another service and an error. */
const SPANS: readonly SpanSketch[] = [
  {
    traceId: traceId(0xa),
    name: 'GET /a',
    kind: 2,
    startMs: 2000,
    durationMs: 300,
    attributes: { 'http.route': '/a', n: 5, ok: true, ratio: 0.5 },
  },
  { traceId: traceId(0xb), name: 'GET /b', kind: 2, startMs: 1000, durationMs: 20 },
  { traceId: traceId(0xc), name: 'GET /c', kind: 2, startMs: 0, durationMs: 50 },
  { traceId: traceId(0xc), name: 'SELECT', kind: 3, startMs: 10, durationMs: 5, service: 'db', statusCode: 2 },
];
const SEARCHES: ReadonlyArray<readonly [string, string]> = [
  ['service=shop', 'a b c'],
  ['service=db', 'c'],
  ['service=shop&limit=2', 'a b'],
  ['service=shop&operation=GET%20/b', 'b'],
  ['service=shop&operation=SELECT', ''],
  ['service=db&operation=SELECT', 'c'],
  ['service=shop&minDuration=50ms', 'a c'],
  ['service=shop&minDuration=50.001ms', 'a'],
  ['service=shop&maxDuration=50ms', 'b c'],
  ['service=shop&maxDuration=49999us', 'b'],
  ['service=shop&minDuration=20ms&maxDuration=0.05s', 'b c'],
  [`service=shop&start=${START_US + 1_000_000}`, 'a b'],
  [`service=shop&start=${START_US + 1_000_001}`, 'a'],
  [`service=shop&end=${START_US}`, 'c'],
  [`service=shop&end=${START_US - 1}`, ''],
  [`service=shop&end=${START_US + 2_000_000}&lookback=1s`, 'a b'],
  [`service=shop&end=${START_US + 2_000_000}&lookback=custom`, 'a b c'],
  ['service=shop&tag=http.route:/a', 'a'],
  ['service=shop&tag=n:5&tag=ok:true&tag=ratio:0.5', 'a'],
  ['service=shop&tag=n:6', ''],
  ['service=shop&tags=%7B%22n%22:%225%22%7D', 'a'],
  ['service=shop&tag=span.kind:server', 'a b c'],
  ['service=db&tag=error:true', 'c'],
  ['service=shop&tag=error:true', ''],
  ['service=shop&tag=error:false', 'a b c'],
  ['service=shop&tag=otel.scope.name:test&limit=1', 'a'],
  ['service=shop&tag=service.name:shop', 'a b c'],
  [`traceID=${traceId(0xb)}`, 'b'],
  ['traceID=b&traceID=a&traceID=b', 'a b'],
];
for (const [query, expected] of SEARCHES) {
  test(`GET /api/traces?${query} finds ${expected === '' ? 'nothing' : expected}, newest first`, async (t) => {
    const viewer = await testViewer(t);
    await send(viewer, ...SPANS);
    const { data } = await search(viewer, query);
    assert.equal(data.map(({ traceID }) => traceID.replace(/^0+/, '')).join(' '), expected);
  });
}

test('a search answers whole traces, not only the spans that match', async (t) => {
  const viewer = await testViewer(t);
  await send(viewer, ...SPANS);
  const { data } = await search(viewer, 'service=db');
  assert.deepEqual(
    data[0]?.spans.map(({ operationName }) => operationName),
    ['GET /c', 'SELECT'],
  );
});

test('an event is found by its name and by its attributes', async (t) => {
  const viewer = await testViewer(t);
  await post(`${viewer.otlpUrl}/v1/traces`, JSON.stringify(recording.request));
  assert.equal((await search(viewer, 'service=gateway&tag=event:exception')).data.length, 1);
  assert.equal((await search(viewer, 'service=gateway&tag=exception.type:E')).data.length, 1);
  assert.equal((await search(viewer, 'service=gateway&tag=event:other')).data.length, 0);
});

test('integers beyond 2^53 stay exact, and what JSON cannot write comes as text', async (t) => {
  const viewer = await testViewer(t);
  const attributes = [
    { key: 'big', value: { intValue: '9223372036854775807' } },
    { key: 'nan', value: { doubleValue: 'NaN' } },
  ];
  const span = { traceId: TRACE, spanId: '0000000000000001', attributes };
  await post(`${viewer.otlpUrl}/v1/traces`, JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans: [span] }] }] }));
  const { data } = (await (await fetch(`${viewer.url}/api/traces/${TRACE}`)).json()) as {
    data: Array<{ spans: Array<{ tags: unknown }> }>;
  };
  assert.deepEqual(data[0]?.spans[0]?.tags, [
    { key: 'big', type: 'int64', value: '9223372036854775807' },
    { key: 'nan', type: 'float64', value: 'NaN' },
  ]);
});

test('a short trace id means one with zeros in front', async (t) => {
  const viewer = await testViewer(t);
  await send(viewer, { traceId: traceId(0xabc) });
  assert.equal((await fetch(`${viewer.url}/api/traces/abc`)).status, 200);
  assert.equal((await fetch(`${viewer.url}/api/traces/ABC`)).status, 200);
});

test('a service name with a slash is one part of the path', async (t) => {
  const viewer = await testViewer(t);
  await send(viewer, { service: 'shop/orders', name: 'work' });
  const reply = await fetch(`${viewer.url}/api/services/${encodeURIComponent('shop/orders')}/operations`);
  assert.deepEqual(((await reply.json()) as { data: unknown }).data, ['work']);
});

test('a trace that lost spans says so', async (t) => {
  const viewer = await testViewer(t, { maxSpans: 1 });
  await send(viewer, { traceId: TRACE });
  await send(viewer, { traceId: OTHER_TRACE });
  await send(viewer, { traceId: TRACE, spanId: 'aaaaaaaaaaaaaaaa' });
  const { data } = (await (await fetch(`${viewer.url}/api/traces/${TRACE}`)).json()) as {
    data: Array<{ warnings: unknown }>;
  };
  assert.deepEqual(data[0]?.warnings, ['earlier spans of this trace were evicted']);
});

test('an unchanged trace is answered with 304 to whom knows it, a changed one anew', async (t) => {
  const viewer = await testViewer(t);
  await send(viewer, {});
  const url = `${viewer.url}/api/traces/${TRACE}`;
  const etag = (await fetch(url)).headers.get('etag') ?? '';
  assert.equal((await fetch(url, { headers: { 'if-none-match': etag } })).status, 304);
  await send(viewer, { traceId: OTHER_TRACE });
  assert.equal((await fetch(url, { headers: { 'if-none-match': etag } })).status, 304);
  await send(viewer, { spanId: 'aaaaaaaaaaaaaaaa' });
  assert.equal((await fetch(url, { headers: { 'if-none-match': etag } })).status, 200);
});

test('the newest traces are summed up for the list', async (t) => {
  const viewer = await testViewer(t);
  await send(viewer, ...SPANS);
  const { traces } = (await (await fetch(`${viewer.url}/api/clew/search?service=db&limit=5`)).json()) as {
    traces: unknown;
  };
  assert.deepEqual(traces, [
    {
      traceId: traceId(0xc),
      root: { service: 'shop', operation: 'GET /c', statusCode: 0 },
      startNs: `${START_MS}000000`,
      durationNs: 50e6,
      spanCount: 2,
      errorCount: 1,
      services: [
        { name: 'db', count: 1, errorCount: 1 },
        { name: 'shop', count: 1, errorCount: 0 },
      ],
    },
  ]);
});

const LIST_STATUSES: ReadonlyArray<readonly [string, number]> = [
  ['limit=1', 200],
  ['limit=1000', 200],
  ['limit=0', 400],
  ['limit=1001', 400],
  ['limit=x', 400],
  ['colour=red', 400],
];
for (const [query, status] of LIST_STATUSES) {
  test(`GET /api/clew/search?${query} is ${status}`, async (t) => {
    const viewer = await testViewer(t);
    const reply = await fetch(`${viewer.url}/api/clew/search?${query}`);
    assert.equal(reply.status, status);
    const body = (await reply.json()) as { error?: { code: string } };
    assert.equal(body.error?.code, status === 200 ? undefined : 'parameter');
  });
}

async function search(
  viewer: Viewer,
  query: string,
): Promise<{ data: Array<{ traceID: string; spans: Array<{ operationName: string }> }> }> {
  const reply = await fetch(`${viewer.url}/api/traces?${query}`);
  assert.equal(reply.status, 200);
  return (await reply.json()) as Awaited<ReturnType<typeof search>>;
}
