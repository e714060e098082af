/**
 * The faults of a backend, each at a fiftieth of the time that it takes in production and with backoffs to match; at
 * their real length they run in `npm run soak`. Judged by the ids of the spans that arrived.
 */
import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { decodeOtlp } from '@clew/testkit';
import type { ReadableSpan } from '../src/export/readable-span.ts';
import type { StartTracingOptions } from '../src/start-options.ts';
import type { Tracing } from '../src/start-tracing.ts';
import { accountedFor, type Backend, makeSpans, type Received, startBackend, startTest, until } from './support.ts';

interface Bench {
  backend: Backend;
  tracing: Tracing;
  /** Ids of all spans that have ended. */
  ended: Set<string>;
  /** Ids in the requests that were answered with 200, in their order. */
  delivered: string[];
  /** Take a request, all but some of its spans. */
  take: (response: ServerResponse, received: Received, body?: Buffer) => void;
}

const TICK_MS = 5;

async function startBench(t: TestContext, options: StartTracingOptions = {}): Promise<Bench> {
  const ended = new Set<string>();
  const delivered: string[] = [];
  const backend = await startBackend(t);
  const onEnd = (span: ReadableSpan): void => void ended.add(span.spanContext().spanId);
  const none = async (): Promise<void> => {};
  const tracing = startTest(t, {
    endpoint: backend.url,
    spanProcessors: [{ onStart() {}, onEnd, forceFlush: none, shutdown: none }],
    ...options,
  });
  const take: Bench['take'] = (response, received, body) => {
    delivered.push(...spanIds(received));
    response.end(body);
  };
  backend.respond = (response, _count, received) => take(response, received);
  return { backend, tracing, ended, delivered, take };
}

function spanIds({ body }: Received): string[] {
  return decodeOtlp(body).scopes.flatMap(({ spans }) => spans.map(({ spanId }) => spanId));
}

/** 10 spans every 5 ms: 2000 a second. */
async function makeFor(tracing: Tracing, forMs: number, spansATick = 10): Promise<void> {
  for (let ms = 0; ms < forMs; ms += TICK_MS) {
    makeSpans(tracing, spansATick);
    await sleep(TICK_MS);
  }
}

/** Each span that ended arrived, and once. */
function assertEachOnce({ tracing, ended, delivered }: Bench): void {
  assert.equal(delivered.length, ended.size, 'as many as have ended');
  assert.deepEqual(new Set(delivered), ended);
  assert.equal(tracing.stats().exporters[0]?.exported, ended.size);
  assert.deepEqual(tracing.stats().exporters[0]?.dropped, {});
  assert.deepEqual(accountedFor(tracing), { accepted: ended.size, sum: ended.size });
}

const PASSING: Array<[fault: string, lastsMs: number, fail: (response: ServerResponse) => void]> = [
  ...[200, 600, 2400].map((ms): (typeof PASSING)[number] => ['503', ms, (response) => response.writeHead(503).end()]),
  ['a reset after the body was read', 200, (response) => response.socket?.resetAndDestroy()],
  ['no answer', 300, () => {}],
];
for (const [fault, lastsMs, fail] of PASSING) {
  test(`${fault} for ${lastsMs} ms: every span arrives, and once`, async (t) => {
    const bench = await startBench(t, { batch: { exportTimeoutMs: 200 } });
    const { backend, tracing, take } = bench;
    let failed = 0;
    await makeFor(tracing, 50);
    backend.respond = (response) => {
      failed++;
      fail(response);
    };
    await makeFor(tracing, lastsMs);
    backend.respond = (response, _count, received) => take(response, received);
    await makeFor(tracing, 50);
    assert.equal(await tracing.forceFlush(), 'ok');
    assert.ok(failed > 0, 'the fault was met');
    assertEachOnce(bench);
  });
}

test('resets before the body is read: every span arrives, and once', async (t) => {
  const bench = await startBench(t);
  const { backend, tracing } = bench;
  let resets = 0;
  backend.server.on('connection', (socket) => {
    if (resets++ < 12) socket.resetAndDestroy();
  });
  await makeFor(tracing, 200);
  assert.equal(await tracing.forceFlush(), 'ok');
  assert.ok(resets > 12);
  assertEachOnce(bench);
});

test('connections that are refused for 600 ms: every span arrives, and once', async (t) => {
  const bench = await startBench(t);
  const { backend, tracing } = bench;
  const { port } = new URL(backend.url);
  await new Promise((resolve) => backend.server.close(resolve));
  await makeFor(tracing, 600);
  assert.equal(bench.delivered.length, 0);
  backend.server.listen(Number(port), '127.0.0.1');
  assert.equal(await tracing.forceFlush(), 'ok');
  assertEachOnce(bench);
});

test('answers that take longer than the queue can wait: every span arrives, and once', async (t) => {
  const bench = await startBench(t);
  const { backend, tracing, take } = bench;
  backend.respond = (response, _count, received) => setTimeout(() => take(response, received), 700);
  await makeFor(tracing, 2000, 15);
  assert.equal(await tracing.forceFlush(), 'ok');
  const counts = backend.received.map((received) => spanIds(received).length);
  assert.ok(Math.max(...counts) > 512, 'larger requests while others wait');
  assertEachOnce(bench);
});

test('slow answers that come one after another leave no time in which the queue overflows', async (t) => {
  const bench = await startBench(t, { batch: { scheduledDelayMs: 5000 } });
  const { backend, tracing, take } = bench;
  backend.respond = (response, _count, received) => setTimeout(() => take(response, received), 800);
  // 8000 a second at most; the requests are started a tenth of a second apart, and so are all that follow.
  await makeFor(tracing, 2000, 40);
  assert.equal(await tracing.forceFlush(), 'ok');
  assertEachOnce(bench);
});

test('a queue that is full behind a backend that does not answer is emptied into the store for retries', async (t) => {
  // No attempt ends by itself while the test looks.
  process.env.OTEL_EXPORTER_OTLP_TIMEOUT = '60000';
  t.after(() => delete process.env.OTEL_EXPORTER_OTLP_TIMEOUT);
  const { backend, tracing } = await startBench(t);
  backend.respond = () => {};
  makeSpans(tracing, 4 * 512);
  await until(() => backend.received.length === 4, 'four requests');
  // In one tick: no batch before this one was late enough to be set aside.
  makeSpans(tracing, 2048);
  await until(() => tracing.stats().exporters[0]?.retrying === 2048, 'the store to take the queue');
  makeSpans(tracing, 2048);
  assert.deepEqual(tracing.stats().exporters[0]?.dropped, {});
  backend.server.closeAllConnections();
  backend.respond = (response) => response.end();
  assert.equal(await tracing.forceFlush(), 'ok');
  assert.deepEqual(accountedFor(tracing), { accepted: 6144, sum: 6144 });
});

test('spans that are due while every way is taken go out after a pause, although nothing else waits', async (t) => {
  const { backend, tracing, delivered, take } = await startBench(t, { batch: { maxRetryElapsedMs: 20 } });
  const held: ServerResponse[] = [];
  backend.respond = (response, count, received) => (count > 4 ? take(response, received) : void held.push(response));
  makeSpans(tracing, 4 * 512);
  await until(() => held.length === 4, 'four requests');
  makeSpans(tracing, 3);
  // Twenty times the scheduled delay: the three are due now. If they were not, the test would pass too.
  await sleep(100);
  for (const response of held) response.writeHead(429, { 'retry-after': '1' }).end();
  await until(() => delivered.length === 3, 'the last three spans');
  assert.deepEqual(tracing.stats().exporters[0]?.dropped, { retry_gave_up: 4 * 512 });
});

test('a burst of 10 000 spans within maxQueueSpans: every span arrives, and once', async (t) => {
  const bench = await startBench(t, { batch: { maxQueueSpans: 16_384 } });
  makeSpans(bench.tracing, 10_000);
  assert.equal(await bench.tracing.forceFlush(), 'ok');
  assertEachOnce(bench);
});

test('every third answer is 500: that share is counted, and no span comes twice', async (t) => {
  const { backend, tracing, ended, delivered, take } = await startBench(t);
  const refused: string[] = [];
  backend.respond = (response, count, received) => {
    if (count % 3 !== 0) return take(response, received);
    refused.push(...spanIds(received));
    response.writeHead(500).end();
  };
  for (let i = 0; i < 9; i++) {
    makeSpans(tracing, 100);
    await tracing.forceFlush();
  }
  assert.equal(backend.received.length, 9);
  assert.deepEqual(tracing.stats().exporters[0]?.dropped, { http_500: 300 });
  assert.deepEqual(new Set([...delivered, ...refused]), ended);
  assert.deepEqual([delivered.length, refused.length, ended.size], [600, 300, 900]);
  assert.deepEqual(accountedFor(tracing), { accepted: 900, sum: 900 });
});

test('partial success that rejects a tenth: counted to the span, and none is sent again', async (t) => {
  const { backend, tracing, ended, delivered, take } = await startBench(t);
  let rejected = 0;
  backend.respond = (response, _count, received) => {
    const count = Math.floor(spanIds(received).length / 10);
    rejected += count;
    // partial_success = 1 { rejected_spans = 1 }; fewer than 128 of a batch of 512.
    take(response, received, Buffer.from([10, 2, 8, count]));
  };
  await makeFor(tracing, 300);
  await tracing.forceFlush();
  const { exported, rejected: counted } = tracing.stats().exporters[0] ?? assert.fail();
  assert.ok(rejected > 0);
  assert.deepEqual([counted, exported], [rejected, ended.size - rejected]);
  assert.equal(delivered.length, ended.size);
  assert.deepEqual(accountedFor(tracing), { accepted: ended.size, sum: ended.size });
});

test('a 200 whose body is a page of HTML is a success, as OTLP asks', async (t) => {
  const bench = await startBench(t);
  const { backend, tracing, take } = bench;
  backend.respond = (response, _count, received) => {
    response.setHeader('content-type', 'text/html');
    take(response, received, Buffer.from('<!doctype html><title>welcome</title>'));
  };
  makeSpans(tracing, 5);
  assert.equal(await tracing.forceFlush(), 'ok');
  assertEachOnce(bench);
});
