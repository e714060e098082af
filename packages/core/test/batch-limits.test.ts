import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setClock } from '../src/clock.ts';
import { BatchSpanProcessor } from '../src/export/batch.ts';
import { OtlpHttpTransport } from '../src/export/otlp-http.ts';
import { alwaysOff } from '../src/sampler/always.ts';
import { recordAll } from '../src/sampler/record-all.ts';
import { accountedFor, countSpans, makeSpans, startBackend, startTest, until } from './support.ts';
import { collectMessages } from './support/messages.ts';
import { spansIn } from './support/spool.ts';

const KIB = 1024;
const MIB = 1024 * KIB;

test('a batch is sent when it has 4 MiB, whatever the number of its spans', async (t) => {
  const backend = await startBackend(t);
  const tracing = startTest(t, { endpoint: backend.url, batch: { scheduledDelayMs: 60_000 } });
  const tracer = tracing.provider.getTracer('t');
  const big = (bytes: number): void => tracer.startSpan('big', { attributes: { text: 'x'.repeat(bytes) } }).end();
  for (let i = 0; i < 7; i++) big(512 * KIB);
  assert.equal(tracing.stats().exporters[0]?.inFlight, 0, 'below 4 MiB');
  big(512 * KIB);
  assert.equal(tracing.stats().exporters[0]?.inFlight, 8);
  await until(() => backend.received.length === 1, 'the request');
  assert.equal(countSpans(backend.received[0]?.body ?? Buffer.alloc(0)), 8);
});

test('maxQueueBytes: the span that reaches it is the last one taken, the newer ones are dropped', async (t) => {
  const backend = await startBackend(t);
  const batch = { scheduledDelayMs: 60_000, maxQueueBytes: 10 * KIB };
  const tracing = startTest(t, { endpoint: backend.url, batch });
  const tracer = tracing.provider.getTracer('t');
  for (let i = 0; i < 20; i++) tracer.startSpan(`n${i}`, { attributes: { text: 'x'.repeat(KIB) } }).end();
  await tracing.forceFlush();
  const { exported, dropped } = tracing.stats().exporters[0] ?? assert.fail();
  assert.deepEqual([exported, dropped], [10, { queue_full: 10 }]);
  assert.ok(backend.received[0]?.body.includes('n9'));
});

test('maxQueueSpans: the span that reaches it is the last one taken, wherever in a row it ends', async (t) => {
  const backend = await startBackend(t);
  for (const maxQueueSpans of [1, 63, 64, 65, 100, 128]) {
    const batch = { scheduledDelayMs: 60_000, maxQueueSpans, maxExportBatchSpans: maxQueueSpans };
    const tracing = startTest(t, { endpoint: backend.url, batch });
    // All in one turn of the event loop: nothing is answered meanwhile.
    makeSpans(tracing, maxQueueSpans - 1);
    assert.equal(tracing.stats().exporters[0]?.inFlight, 0, `${maxQueueSpans} spans: not full yet`);
    assert.equal(tracing.stats().exporters[0]?.queued, maxQueueSpans - 1);
    makeSpans(tracing, 1);
    assert.equal(tracing.stats().exporters[0]?.inFlight, maxQueueSpans, `${maxQueueSpans} spans: cut`);
    await tracing.forceFlush();
    assert.equal(tracing.stats().exporters[0]?.exported, maxQueueSpans);
  }
});

test('a queue that is full in the middle of a row drops what comes then, and nothing else', async (t) => {
  const backend = await startBackend(t);
  const batch = { scheduledDelayMs: 60_000, maxExportBatchSpans: 500, maxQueueSpans: 970 };
  const tracing = startTest(t, { endpoint: backend.url, exportConcurrency: 1, batch });
  // All in one turn of the event loop: nothing is answered meanwhile.
  makeSpans(tracing, 500);
  makeSpans(tracing, 970);
  assert.deepEqual(tracing.stats().exporters[0]?.dropped, {});
  makeSpans(tracing, 7);
  assert.deepEqual(tracing.stats().exporters[0]?.dropped, { queue_full: 7 });
  await tracing.forceFlush();
  assert.equal(tracing.stats().exporters[0]?.exported, 1470);
  assert.deepEqual(accountedFor(tracing), { accepted: 1477, sum: 1477 });
});

test('while every request is under way a full queue moves to the store, and goes on in its order', async (t) => {
  const backend = await startBackend(t);
  const waiting: Array<() => void> = [];
  backend.respond = (response) => void waiting.push(() => response.end());
  const tracing = startTest(t, { endpoint: backend.url, exportConcurrency: 1, batch: { scheduledDelayMs: 60_000 } });
  makeSpans(tracing, 512);
  await until(() => waiting.length === 1, 'a request that is not answered');
  const tracer = tracing.provider.getTracer('t');
  for (let i = 0; i < 6000; i++) tracer.startSpan(`n${i}`).end();
  const { queued, retrying, dropped } = tracing.stats().exporters[0] ?? assert.fail();
  assert.deepEqual([queued + retrying, dropped], [6000, {}]);
  assert.ok(queued <= 2048 && retrying > 0, `${queued} in the queue`);
  const flushed = tracing.forceFlush();
  while (tracing.stats().exporters[0]?.exported !== 6512) {
    await until(() => waiting.length > 0, 'the next request');
    waiting.shift()?.();
    await until(() => waiting.length > 0 || tracing.stats().exporters[0]?.exported === 6512, 'what follows it');
  }
  assert.equal(await flushed, 'ok');
  const bodies = backend.received.slice(1).map(({ body }) => body.toString('latin1'));
  const firsts = bodies.map((body) => Number(/\x2a.n(\d+)/s.exec(body)?.[1]));
  assert.ok(firsts.length >= 3);
  assert.deepEqual(
    firsts,
    firsts.toSorted((a, b) => a - b),
  );
  assert.deepEqual(accountedFor(tracing), { accepted: 6512, sum: 6512 });
});

test('a full queue moves to the store by its bytes too', async (t) => {
  const backend = await startBackend(t);
  backend.respond = () => {};
  const tracing = startTest(t, { endpoint: backend.url, exportConcurrency: 1, batch: { scheduledDelayMs: 60_000 } });
  const tracer = tracing.provider.getTracer('t');
  for (let i = 0; i < 26; i++) tracer.startSpan('big', { attributes: { text: 'x'.repeat(MIB) } }).end();
  const { inFlight, queued, retrying, dropped } = tracing.stats().exporters[0] ?? assert.fail();
  assert.deepEqual([inFlight + queued + retrying, dropped], [26, {}]);
  assert.ok(retrying > 0);
});

for (const [exporter, protocol] of [
  ['otlp', 'http/protobuf'],
  ['otlp', 'http/json'],
  ['zipkin', undefined],
] as const) {
  test(`a span that no request has room for is dropped alone (${protocol ?? exporter})`, async (t) => {
    if (protocol !== undefined) process.env.OTEL_EXPORTER_OTLP_PROTOCOL = protocol;
    t.after(() => delete process.env.OTEL_EXPORTER_OTLP_PROTOCOL);
    const backend = await startBackend(t);
    const tracing = startTest(t, { exporter, endpoint: backend.url, batch: { scheduledDelayMs: 60_000 } });
    const tracer = tracing.provider.getTracer('t');
    makeSpans(tracing, 1);
    tracer.startSpan('huge', { attributes: { text: 'x'.repeat(60_000_000) } }).end();
    makeSpans(tracing, 1);
    tracer.startSpan('large', { attributes: { text: 'x'.repeat(50_000_000) } }).end();
    assert.equal(await tracing.forceFlush(), 'ok');
    const { exported, dropped } = tracing.stats().exporters[0] ?? assert.fail();
    assert.deepEqual([exported, dropped], [3, { encode_error: 1 }]);
    assert.ok(backend.received.every(({ body }) => body.length <= 64 * MIB));
    assert.deepEqual(accountedFor(tracing), { accepted: 4, sum: 4 });
  });
}

test('maxExportBatchSpans above maxQueueSpans is lowered, with a warning', async (t) => {
  const messages = collectMessages(t);
  const backend = await startBackend(t);
  const batch = { maxQueueSpans: 10, maxExportBatchSpans: 11, scheduledDelayMs: 60_000 };
  const tracing = startTest(t, { endpoint: backend.url, batch });
  assert.deepEqual(messages, ['clew: maxExportBatchSpans 11 is above maxQueueSpans; 10 is used']);
  makeSpans(tracing, 10);
  await until(() => spansIn(backend) === 10, 'a full batch');
  startTest(t, { endpoint: backend.url, batch: { maxQueueSpans: 10, maxExportBatchSpans: 10 } });
  startTest(t, { endpoint: backend.url, batch: { maxQueueSpans: 10 } });
  assert.equal(messages.length, 1);
});

test('a span that records without being sampled is counted and not exported', async (t) => {
  const backend = await startBackend(t);
  const tracing = startTest(t, { endpoint: backend.url, sampler: recordAll(alwaysOff()) });
  makeSpans(tracing, 3);
  assert.equal(await tracing.forceFlush(), 'ok');
  const { unsampled, accepted } = tracing.stats().exporters[0] ?? assert.fail();
  assert.deepEqual([unsampled, accepted, backend.received.length], [3, 0, 0]);
});

test('nothing to send is no request', async (t) => {
  const backend = await startBackend(t);
  const tracing = startTest(t, { endpoint: backend.url });
  assert.equal(await tracing.forceFlush(), 'ok');
  await tracing.shutdown();
  assert.equal(backend.received.length, 0);
});

test('a span that ends after shutdown is counted and not sent', async (t) => {
  const backend = await startBackend(t);
  const tracing = startTest(t, { endpoint: backend.url });
  const late = tracing.provider.getTracer('t').startSpan('late');
  await tracing.shutdown();
  late.end();
  await tracing.forceFlush();
  assert.deepEqual(tracing.stats().exporters[0]?.dropped, { already_shutdown: 1 });
  assert.equal(backend.received.length, 0);
  assert.deepEqual(accountedFor(tracing), { accepted: 1, sum: 1 });
});

test('shutdown runs once, however often it is called', async (t) => {
  const backend = await startBackend(t);
  const processor = new BatchSpanProcessor(new OtlpHttpTransport({ url: new URL(backend.url) }));
  t.after(() => processor.shutdown());
  assert.equal(processor.shutdown(), processor.shutdown());
});

test('one span a request and one request at a time: a simple processor, with a bounded queue', async (t) => {
  const backend = await startBackend(t);
  const waiting: Array<() => void> = [];
  backend.respond = (response) => void waiting.push(() => response.end());
  const batch = { maxExportBatchSpans: 1, maxQueueSpans: 5 };
  const tracing = startTest(t, { endpoint: backend.url, exportConcurrency: 1, batch });
  makeSpans(tracing, 8);
  const flushed = tracing.forceFlush();
  for (let i = 1; i <= 6; i++) {
    await until(() => waiting.length > 0, 'a request');
    assert.deepEqual([waiting.length, backend.received.length], [1, i]);
    waiting.pop()?.();
  }
  assert.equal(await flushed, 'ok');
  assert.ok(backend.received.every(({ body }) => countSpans(body) === 1));
  assert.deepEqual(tracing.stats().exporters[0]?.dropped, { queue_full: 2 });
});

test('while every way is taken batches grow, and a chosen size does not', async (t) => {
  for (const [batch, most] of [
    [{ maxQueueSpans: 8192 }, 2048],
    [{ maxQueueSpans: 8192, maxExportBatchSpans: 500 }, 500],
  ] as const) {
    const backend = await startBackend(t);
    const waiting: Array<() => void> = [];
    backend.respond = (response) => void waiting.push(() => response.end());
    const tracing = startTest(t, { endpoint: backend.url, batch: { ...batch, scheduledDelayMs: 60_000 } });
    makeSpans(tracing, 4 * 512);
    await until(() => backend.received.length === 4, 'requests on every way');
    makeSpans(tracing, 4096);
    backend.respond = (response) => response.end();
    for (const answer of waiting) answer();
    await tracing.forceFlush();
    assert.equal(Math.max(...backend.received.map(({ body }) => countSpans(body))), most);
    assert.deepEqual(tracing.stats().exporters[0]?.exported, 4 * 512 + 4096);
  }
});

test('while spans end fast batches grow, if no request is under way; the first one and those of a burst do not', async (t) => {
  setClock({ now: () => 0, wall: Date.now });
  t.after(() => setClock());
  const backend = await startBackend(t);
  const tracing = startTest(t, { endpoint: backend.url, batch: { scheduledDelayMs: 60_000 } });
  const sizes = (): number[] => backend.received.map(({ body }) => countSpans(body));
  makeSpans(tracing, 3 * 512);
  await until(() => tracing.stats().exporters[0]?.exported === 3 * 512, 'the burst');
  assert.deepEqual(sizes(), [512, 512, 512]);
  makeSpans(tracing, 2047);
  assert.equal(tracing.stats().exporters[0]?.queued, 2047);
  makeSpans(tracing, 1);
  await until(() => backend.received.length === 4, 'a larger one');
  assert.equal(sizes()[3], 2048);
});

test('a batch that fills slowly is sent as it is, also after fast ones', async (t) => {
  let nowMs = 0;
  setClock({ now: () => nowMs, wall: Date.now });
  t.after(() => setClock());
  const backend = await startBackend(t);
  const tracing = startTest(t, { endpoint: backend.url, batch: { scheduledDelayMs: 60_000 } });
  makeSpans(tracing, 512);
  await until(() => tracing.stats().exporters[0]?.exported === 512, 'a fast one');
  makeSpans(tracing, 100);
  // 2048 spans in what is 250 ms for each 512, and then as many as always.
  nowMs += 1000;
  makeSpans(tracing, 1948);
  await until(() => tracing.stats().exporters[0]?.exported === 512 + 2048, 'the slow one');
  makeSpans(tracing, 512);
  await until(() => backend.received.length === 3, 'the one after it');
  assert.deepEqual(
    backend.received.map(({ body }) => countSpans(body)),
    [512, 2048, 512],
  );
});

test('a batch that grew is sent when a way is free, without its timer', async (t) => {
  const backend = await startBackend(t);
  const waiting: Array<() => void> = [];
  backend.respond = (response) => void waiting.push(() => response.end());
  const tracing = startTest(t, { endpoint: backend.url, batch: { scheduledDelayMs: 60_000 } });
  makeSpans(tracing, 4 * 512);
  await until(() => backend.received.length === 4, 'requests on every way');
  makeSpans(tracing, 600);
  assert.equal(tracing.stats().exporters[0]?.queued, 600);
  backend.respond = (response) => response.end();
  waiting.pop()?.();
  await until(() => backend.received.length === 5, 'the fifth');
  assert.equal(countSpans(backend.received[4]?.body ?? Buffer.alloc(0)), 600);
  for (const answer of waiting) answer();
});

test('behind a slow backend the queue stays free: 4096 spans more than it holds, and none is lost', async (t) => {
  const backend = await startBackend(t);
  const waiting: Array<() => void> = [];
  backend.respond = (response) => void waiting.push(() => response.end());
  const tracing = startTest(t, { endpoint: backend.url });
  makeSpans(tracing, 4 * 512);
  await until(() => backend.received.length === 4, 'requests on every way');
  // Longer than after which a backend counts as slow.
  await new Promise((resolve) => setTimeout(resolve, 600));
  for (let i = 0; i < 12; i++) makeSpans(tracing, 512);
  assert.deepEqual(tracing.stats().exporters[0]?.dropped, {});
  backend.respond = (response) => response.end();
  for (const answer of waiting) answer();
  await tracing.forceFlush();
  assert.equal(spansIn(backend), 16 * 512);
});

test('a backend that never answers does not delay another', async (t) => {
  const [otlp, zipkin] = [await startBackend(t), await startBackend(t)];
  zipkin.respond = () => {};
  process.env.OTEL_EXPORTER_ZIPKIN_ENDPOINT = `${zipkin.url}/api/v2/spans`;
  t.after(() => delete process.env.OTEL_EXPORTER_ZIPKIN_ENDPOINT);
  const tracing = startTest(t, { exporter: ['zipkin', 'otlp'], endpoint: otlp.url });
  for (let i = 1; i <= 5; i++) {
    makeSpans(tracing, 512);
    await until(() => tracing.stats().exporters[1]?.exported === 512 * i, 'the other');
  }
  assert.equal(tracing.stats().exporters[0]?.exported, 0);
});
