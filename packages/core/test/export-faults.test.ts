import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseRetryAfter } from '../src/export/http-post.ts';
import { accountedFor, countSpans, makeSpans, startBackend, startTest, until } from './support.ts';

function assertLedger(tracing: Parameters<typeof accountedFor>[0], accepted: number): void {
  const ledger = accountedFor(tracing);
  assert.deepEqual(ledger, { accepted, sum: accepted });
}

test('a healthy backend gets every span once, 512 a request at most', async (t) => {
  const backend = await startBackend(t);
  const tracing = startTest(t, { endpoint: backend.url });
  makeSpans(tracing, 1200);
  await tracing.forceFlush();
  const counts = backend.received.map(({ body }) => countSpans(body));
  assert.deepEqual(counts.toSorted(), [176, 512, 512]);
  assert.equal(backend.received[0]?.path, '/v1/traces');
  assert.equal(backend.received[0]?.headers['content-type'], 'application/x-protobuf');
  assert.match(String(backend.received[0]?.headers['user-agent']), /^Clew-OTLP-Exporter-JavaScript\/\d/);
  assert.deepEqual(tracing.stats().exporters[0], {
    accepted: 1200,
    exported: 1200,
    rejected: 0,
    dropped: {},
    queued: 0,
    inFlight: 0,
    retrying: 0,
    spooled: 0,
    unsampled: 0,
  });
});

test('a partly filled batch is sent after the scheduled delay without a flush', async (t) => {
  const backend = await startBackend(t);
  const tracing = startTest(t, { endpoint: backend.url });
  makeSpans(tracing, 3);
  await until(() => backend.received.length === 1, 'the batch');
  assert.equal(countSpans(backend.received[0]?.body ?? Buffer.alloc(0)), 3);
});

test('a burst of 10 000 spans in one tick loses none', async (t) => {
  const backend = await startBackend(t);
  const tracing = startTest(t, { endpoint: backend.url });
  makeSpans(tracing, 10_000);
  await tracing.forceFlush();
  assert.equal(tracing.stats().exporters[0]?.exported, 10_000);
  assertLedger(tracing, 10_000);
});

test('a burst above a maxQueueSpans that was chosen keeps what fits and counts every other', async (t) => {
  const backend = await startBackend(t);
  const tracing = startTest(t, { endpoint: backend.url, batch: { maxQueueSpans: 2000 } });
  makeSpans(tracing, 10_000);
  await tracing.forceFlush();
  const [stats] = tracing.stats().exporters;
  assert.ok((stats?.exported ?? 0) >= 2560, `${stats?.exported} were kept`);
  assert.ok((stats?.dropped.queue_full ?? 0) > 0);
  assert.equal((stats?.exported ?? 0) + (stats?.dropped.queue_full ?? 0), 10_000);
  assertLedger(tracing, 10_000);
});

test('a burst of 10 000 spans within maxQueueSpans loses none', async (t) => {
  const backend = await startBackend(t);
  const tracing = startTest(t, { endpoint: backend.url, batch: { maxQueueSpans: 16_384 } });
  makeSpans(tracing, 10_000);
  await tracing.forceFlush();
  assert.equal(tracing.stats().exporters[0]?.exported, 10_000);
});

for (const status of [429, 502, 503, 504]) {
  test(`status ${status} is tried again until it passes, and nothing is lost or doubled`, async (t) => {
    const backend = await startBackend(t);
    backend.respond = (response, count) => response.writeHead(count <= 5 ? status : 200).end();
    const tracing = startTest(t, { endpoint: backend.url });
    makeSpans(tracing, 600);
    await until(() => tracing.stats().exporters[0]?.exported === 600, 'all spans');
    assertLedger(tracing, 600);
    const delivered = backend.received.slice(5).map(({ body }) => countSpans(body));
    assert.deepEqual(delivered.toSorted(), [512, 88]);
  });
}

for (const status of [301, 400, 401, 404, 413, 500]) {
  test(`status ${status} drops the batch at once, counted by status`, async (t) => {
    const backend = await startBackend(t);
    backend.respond = (response) => response.writeHead(status, { location: '/elsewhere' }).end('no');
    const tracing = startTest(t, { endpoint: backend.url });
    makeSpans(tracing, 7);
    await tracing.forceFlush();
    assert.equal(backend.received.length, 1);
    assert.deepEqual(tracing.stats().exporters[0]?.dropped, { [`http_${status}`]: 7 });
    assertLedger(tracing, 7);
  });
}

test('connections that are refused, then accepted, lose nothing', async (t) => {
  const backend = await startBackend(t);
  const { port } = new URL(backend.url);
  await new Promise((resolve) => backend.server.close(resolve));
  const tracing = startTest(t, { endpoint: backend.url });
  for (let i = 0; i < 6; i++) {
    makeSpans(tracing, 512);
    await new Promise((resolve) => setTimeout(resolve, 30));
  }
  const { exported, queued, retrying, inFlight, dropped } = tracing.stats().exporters[0] ?? assert.fail();
  assert.deepEqual([exported, dropped, queued + retrying + inFlight], [0, {}, 6 * 512]);
  backend.server.listen(Number(port), '127.0.0.1');
  await until(() => tracing.stats().exporters[0]?.exported === 6 * 512, 'all spans');
  assertLedger(tracing, 6 * 512);
});

test('during an outage one batch at a time tries, however many wait', async (t) => {
  const backend = await startBackend(t);
  let open = 0;
  let most = 0;
  backend.respond = (response, count) => {
    open++;
    // The first ones were under way before the third failure.
    most = count > 8 ? Math.max(most, open) : most;
    setTimeout(() => {
      open--;
      response.writeHead(503).end();
    }, 5);
  };
  const tracing = startTest(t, { endpoint: backend.url, batch: { maxQueueSpans: 16_384 } });
  makeSpans(tracing, 512 * 20);
  await until(() => backend.received.length >= 14, 'attempts');
  assert.equal(most, 1);
  backend.respond = (response) => response.end();
  await until(() => tracing.stats().exporters[0]?.exported === 512 * 20, 'all spans');
});

test('connections that are reset are tried again', async (t) => {
  const backend = await startBackend(t);
  backend.respond = (response, count) => (count <= 3 ? response.socket?.resetAndDestroy() : response.end());
  const tracing = startTest(t, { endpoint: backend.url });
  makeSpans(tracing, 5);
  await until(() => tracing.stats().exporters[0]?.exported === 5, 'the spans');
  assert.equal(backend.received.length, 4);
});

test('a backend that never answers is left at the export timeout, and the spans are tried again', async (t) => {
  const backend = await startBackend(t);
  backend.respond = (response, count) => {
    if (count > 1) response.end();
  };
  const tracing = startTest(t, { endpoint: backend.url, batch: { exportTimeoutMs: 50 } });
  makeSpans(tracing, 5);
  await until(() => tracing.stats().exporters[0]?.exported === 5, 'the spans');
  assert.equal(backend.received.length, 2);
});

test('no request is sent before the time that Retry-After names', async (t) => {
  const backend = await startBackend(t);
  backend.respond = (response, count) => {
    if (count === 1) response.writeHead(429, { 'retry-after': '1' }).end();
    else response.end();
  };
  const tracing = startTest(t, { endpoint: backend.url });
  makeSpans(tracing, 5);
  await until(() => tracing.stats().exporters[0]?.retrying === 5, 'the first answer');
  makeSpans(tracing, 512);
  await until(() => tracing.stats().exporters[0]?.exported === 517, 'all spans');
  const [first, second] = backend.received;
  // A little less than a second: the two clocks are read in different places.
  assert.ok((second?.atMs ?? 0) - (first?.atMs ?? 0) >= 990);
});

test('a Retry-After of an hour is cut to maxRetryAfterMs', async (t) => {
  const backend = await startBackend(t);
  backend.respond = (response, count) => {
    if (count === 1) response.writeHead(503, { 'retry-after': '3600' }).end();
    else response.end();
  };
  const tracing = startTest(t, { endpoint: backend.url, batch: { maxRetryAfterMs: 30 } });
  makeSpans(tracing, 5);
  await until(() => tracing.stats().exporters[0]?.exported === 5, 'the spans');
});

test('a batch that never gets through is given up after maxRetryElapsedMs, and counted', async (t) => {
  const backend = await startBackend(t);
  backend.respond = (response) => response.writeHead(503).end();
  const tracing = startTest(t, { endpoint: backend.url, batch: { maxRetryElapsedMs: 100 } });
  makeSpans(tracing, 5);
  await until(() => tracing.stats().exporters[0]?.dropped.retry_gave_up === 5, 'giving up');
  assertLedger(tracing, 5);
});

test('the store for retries is bounded: the oldest batches go, counted', async (t) => {
  const backend = await startBackend(t);
  backend.respond = (response) => response.writeHead(503).end();
  const tracing = startTest(t, { endpoint: backend.url, batch: { retryMaxBytes: 200_000, maxBackoffMs: 5000 } });
  for (let i = 0; i < 30; i++) {
    makeSpans(tracing, 512);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  await until(() => (tracing.stats().exporters[0]?.dropped.retry_evicted ?? 0) > 0, 'eviction');
  const { retrying } = tracing.stats().exporters[0] ?? assert.fail();
  assert.ok(retrying > 512, `${retrying} spans are kept`);
  assertLedger(tracing, 30 * 512);
  await tracing.provider.shutdown();
});

test('spans that the backend rejects in part are counted exactly, and not sent again', async (t) => {
  const backend = await startBackend(t);
  // partial_success { rejected_spans: 10, error_message: "full" }
  const answer = Buffer.from([0x0a, 0x08, 0x08, 10, 0x12, 0x04, ...Buffer.from('full')]);
  backend.respond = (response) => response.end(answer);
  const tracing = startTest(t, { endpoint: backend.url });
  makeSpans(tracing, 100);
  await tracing.forceFlush();
  const { exported, rejected } = tracing.stats().exporters[0] ?? assert.fail();
  assert.deepEqual([exported, rejected, backend.received.length], [90, 10, 1]);
  assertLedger(tracing, 100);
});

test('an answer that is no protobuf, or larger than 4 MiB, is a success when its status is', async (t) => {
  const backend = await startBackend(t);
  backend.respond = (response, count) => response.end(count === 1 ? '{"half":' : Buffer.alloc(5 * 1024 * 1024, 0x78));
  const tracing = startTest(t, { endpoint: backend.url });
  for (let i = 0; i < 2; i++) {
    makeSpans(tracing, 1);
    await tracing.forceFlush();
  }
  assert.equal(tracing.stats().exporters[0]?.exported, 2);
});

test('shutdown with a dead backend ends within its time and counts what it gives up', async (t) => {
  const backend = await startBackend(t);
  backend.respond = () => {};
  const tracing = startTest(t, { endpoint: backend.url });
  makeSpans(tracing, 2000);
  const [processor] = [tracing.provider];
  const startedMs = performance.now();
  await processor.shutdown();
  assert.ok(performance.now() - startedMs < 6000);
  assert.deepEqual(tracing.stats().exporters[0]?.dropped, { shutdown: 2000 });
  assertLedger(tracing, 2000);
  makeSpans(tracing, 1);
  assert.equal(tracing.stats().started, 2000, 'after shutdown no span records');
});

test('a slow backend takes several requests at once', async (t) => {
  const backend = await startBackend(t);
  const waiting: Array<() => void> = [];
  let most = 0;
  backend.respond = (response) => {
    most = Math.max(
      most,
      waiting.push(() => response.end()),
    );
  };
  const tracing = startTest(t, { endpoint: backend.url, batch: { maxQueueSpans: 8192 } });
  makeSpans(tracing, 512 * 8);
  const flushed = tracing.forceFlush();
  await until(() => waiting.length === 4, 'four requests');
  backend.respond = (response) => response.end();
  for (const answer of waiting) answer();
  await flushed;
  assert.equal(most, 4);
  assert.equal(tracing.stats().exporters[0]?.exported, 512 * 8);
});

test('headers come from options or a function; credentials of the URL become basic auth and are not in the path', async (t) => {
  const backend = await startBackend(t);
  const withCredentials = backend.url.replace('http://', 'http://me:p%40ss@');
  let asked = 0;
  const tracing = startTest(t, {
    endpoint: withCredentials,
    headers: async () => ({ 'x-token': `t${++asked}` }),
  });
  for (let i = 0; i < 2; i++) {
    makeSpans(tracing, 1);
    await tracing.forceFlush();
  }
  assert.deepEqual(
    backend.received.map(({ headers }) => [headers['x-token'], headers.authorization]),
    [1, 2].map((n) => [`t${n}`, `Basic ${Buffer.from('me:p@ss').toString('base64')}`]),
  );
});

test('the exporter does not trace its own requests', async (t) => {
  const backend = await startBackend(t);
  const tracing = startTest(t, { endpoint: backend.url });
  backend.respond = (response) => response.end();
  makeSpans(tracing, 1);
  await tracing.forceFlush();
  assert.equal(tracing.stats().started, 1);
  assert.equal(backend.received[0]?.headers.traceparent, undefined);
});

const RETRY_AFTER: Array<[string | undefined, number | undefined]> = [
  [undefined, undefined],
  ['3', 3000],
  [' 3 ', 3000],
  ['0', 0],
  ['-1', undefined],
  ['soon', undefined],
  ['Thu, 01 Jan 1970 00:00:10 GMT', 9000],
  ['Thu, 01 Jan 1970 00:00:00 GMT', undefined],
];
for (const [header, expected] of RETRY_AFTER) {
  test(`Retry-After ${header} means ${expected} ms`, () => assert.equal(parseRetryAfter(header, 1000), expected));
}
