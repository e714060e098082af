import assert from 'node:assert/strict';
import {
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { crc32 } from 'node:zlib';
import { trace } from '@opentelemetry/api';
import { InMemorySpanExporter } from '../src/export/memory.ts';
import { createPropagator } from '../src/propagation/composite.ts';
import { ClewTracerProvider } from '../src/provider.ts';
import { alwaysOff } from '../src/sampler/always.ts';
import type { StartTracingOptions } from '../src/start-options.ts';
import { startTracing, type Tracing } from '../src/start-tracing.ts';
import { accountedFor, type Backend, countSpans, makeSpans, startBackend, startTest, until } from './support.ts';
import { makeSpoolDir, spansIn, spoolFiles } from './support/spool.ts';

function assertLedger(tracing: Tracing, accepted: number): void {
  assert.deepEqual(accountedFor(tracing), { accepted, sum: accepted });
}

function statsOf(tracing: Tracing): NonNullable<ReturnType<Tracing['stats']>['exporters'][0]> {
  return tracing.stats().exporters[0] ?? assert.fail();
}

function adoptedBy(tracing: Tracing): { accepted: number; exported: number; spooled: number; dropped: object } {
  const { accepted, exported, spooled, dropped } = statsOf(tracing).spool?.adopted ?? assert.fail('no spool');
  return { accepted, exported, spooled, dropped };
}

function refuse(backend: Backend, status = 503): void {
  backend.respond = (response) => response.writeHead(status).end();
}

function accept(backend: Backend): void {
  backend.received.length = 0;
  backend.respond = (response) => response.end();
}

/** Tracing whose batches are given up, and so written, after the first failure. */
function startGivingUp(t: TestContext, options: StartTracingOptions): Tracing {
  return startTest(t, { ...options, batch: { maxRetryElapsedMs: 1, ...options.batch } });
}

/** Leaves batches behind, one for each count, as a process does that shuts down during an outage. */
async function leaveBatches(t: TestContext, dir: string, backend: Backend, counts: number[]): Promise<void> {
  refuse(backend);
  const tracing = startGivingUp(t, { endpoint: backend.url, spool: { dir } });
  for (const count of counts) {
    const { spooled } = statsOf(tracing);
    makeSpans(tracing, count);
    await until(() => statsOf(tracing).spooled === spooled + count && statsOf(tracing).inFlight === 0, 'the file');
    // Their names tell them apart by the millisecond.
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  await tracing.shutdown();
  assert.equal(statsOf(tracing).spool?.files, counts.length);
  accept(backend);
}

test('what shutdown cannot send is on disk, and the next start delivers it once', async (t) => {
  const dir = makeSpoolDir(t);
  const backend = await startBackend(t);
  refuse(backend);
  const first = startTest(t, { endpoint: backend.url, spool: { dir } });
  makeSpans(first, 700);
  await first.shutdown();
  assert.equal(statsOf(first).spooled, 700);
  assert.deepEqual(statsOf(first).dropped, {});
  assertLedger(first, 700);
  accept(backend);
  const second = startTest(t, { endpoint: backend.url, spool: { dir } });
  await until(() => adoptedBy(second).exported === 700, 'the adopted spans');
  assert.deepEqual(adoptedBy(second), { accepted: 700, exported: 700, spooled: 0, dropped: {} });
  assertLedger(second, 0);
  assert.equal(spansIn(backend), 700);
  await until(() => spoolFiles(dir).length === 0, 'the files to be removed');
  await second.shutdown();
  assert.deepEqual(spoolFiles(dir), []);
});

test('a shutdown whose backend never answers ends within its time, with every span on disk', async (t) => {
  const dir = makeSpoolDir(t);
  const backend = await startBackend(t);
  backend.respond = () => {};
  const tracing = startTest(t, { endpoint: backend.url, spool: { dir } });
  makeSpans(tracing, 2000);
  const startedMs = performance.now();
  await tracing.shutdown();
  assert.ok(performance.now() - startedMs <= 5000);
  assert.equal(statsOf(tracing).spooled, 2000);
  const bodies = spoolFiles(dir).map((path) => readFileSync(path).subarray(20));
  assert.equal(
    bodies.reduce((sum, body) => sum + countSpans(body), 0),
    2000,
  );
});

test('batches are on disk instead of lost when they are given up, and sent after the first success', async (t) => {
  const dir = makeSpoolDir(t);
  const backend = await startBackend(t);
  refuse(backend);
  const tracing = startGivingUp(t, { endpoint: backend.url, spool: { dir } });
  makeSpans(tracing, 5);
  await until(() => spoolFiles(dir).length === 1, 'the file');
  assert.equal(statsOf(tracing).spooled, 5);
  assertLedger(tracing, 5);
  accept(backend);
  makeSpans(tracing, 2);
  await until(() => statsOf(tracing).exported === 7, 'all spans');
  assert.deepEqual([statsOf(tracing).spooled, spansIn(backend)], [0, 7]);
  assertLedger(tracing, 7);
});

test('an idle process finds out by itself that the backend is back', async (t) => {
  const dir = makeSpoolDir(t);
  const backend = await startBackend(t);
  refuse(backend);
  const tracing = startGivingUp(t, { endpoint: backend.url, spool: { dir } });
  makeSpans(tracing, 5);
  await until(() => backend.received.length >= 4, 'attempts from disk');
  assert.deepEqual([statsOf(tracing).spooled, spoolFiles(dir).length], [5, 1], 'a failure leaves the file');
  accept(backend);
  await until(() => statsOf(tracing).exported === 5, 'the spans');
});

test('what does not fit into the store for retries goes to disk, and nothing is lost', async (t) => {
  const dir = makeSpoolDir(t);
  const backend = await startBackend(t);
  refuse(backend);
  const tracing = startTest(t, { endpoint: backend.url, spool: { dir }, batch: { retryMaxBytes: 100_000 } });
  for (let i = 0; i < 20; i++) {
    makeSpans(tracing, 512);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  await until(() => statsOf(tracing).spooled > 0, 'files');
  assert.deepEqual(statsOf(tracing).dropped, {});
  assertLedger(tracing, 20 * 512);
  accept(backend);
  await until(() => statsOf(tracing).exported === 20 * 512, 'all spans');
  assertLedger(tracing, 20 * 512);
  assert.equal(spansIn(backend), 20 * 512);
});

test('batches are sent from disk oldest first, and their files removed after a 2xx only', async (t) => {
  const dir = makeSpoolDir(t);
  const backend = await startBackend(t);
  await leaveBatches(t, dir, backend, [3, 1, 2]);
  const filesWhenAsked: number[] = [];
  backend.respond = (response) => {
    filesWhenAsked.push(spoolFiles(dir).length);
    response.end();
  };
  const tracing = startTest(t, { endpoint: backend.url, spool: { dir } });
  await until(() => adoptedBy(tracing).exported === 6, 'the adopted spans');
  assert.deepEqual(
    backend.received.map(({ body }) => countSpans(body)),
    [3, 1, 2],
  );
  assert.deepEqual(filesWhenAsked, [3, 2, 1]);
});

test('a batch that the backend refuses for good is removed from disk and counted', async (t) => {
  const dir = makeSpoolDir(t);
  const backend = await startBackend(t);
  await leaveBatches(t, dir, backend, [4]);
  refuse(backend, 400);
  const tracing = startTest(t, { endpoint: backend.url, spool: { dir } });
  await until(() => adoptedBy(tracing).spooled === 0 && spoolFiles(dir).length === 0, 'the refusal');
  assert.deepEqual(adoptedBy(tracing), { accepted: 4, exported: 0, spooled: 0, dropped: { http_400: 4 } });
});

test('a file has a header with length and check sum, and is for its user alone', async (t) => {
  const dir = makeSpoolDir(t);
  const backend = await startBackend(t);
  await leaveBatches(t, dir, backend, [9]);
  const [path = ''] = spoolFiles(dir);
  assert.match(path, /\/otlp_http_exporter-[0-9a-f]{16}\/[^/]+\/\d{13}-\d{6}\.otlp$/);
  const file = readFileSync(path);
  assert.equal(file.toString('latin1', 0, 8), 'CLEWSP1\n');
  assert.equal(file.readUInt32LE(8), crc32(file.subarray(12)));
  assert.equal(file.readUInt32LE(12), file.length - 20);
  assert.deepEqual([file.readUInt32LE(16), countSpans(file.subarray(20))], [9, 9]);
  const modes = [path, dirname(path), dirname(dirname(path))].map((at) => statSync(at).mode & 0o777);
  assert.deepEqual(modes, [0o600, 0o700, 0o700]);
  assert.ok(Math.abs(Date.now() - Number(path.match(/(\d{13})-/)?.[1])) < 60_000);
});

const HARM: Array<[what: string, harm: (path: string) => void]> = [
  ['a torn file', (path) => truncateSync(path, 40)],
  ['an empty file', (path) => truncateSync(path, 0)],
  ['a file with something behind its end', (path) => writeFileSync(path, 'x', { flag: 'a' })],
  ['a file that was never finished', (path) => renameSync(path, `${path}.tmp`)],
  ['a file of another kind', (path) => writeFileSync(path, 'not ours, but long enough for a header')],
];
for (const [what, harm] of HARM) {
  test(`${what} is removed and reported, its neighbours are delivered`, async (t) => {
    const dir = makeSpoolDir(t);
    const backend = await startBackend(t);
    await leaveBatches(t, dir, backend, [3, 1, 2]);
    harm(spoolFiles(dir)[1] ?? assert.fail());
    const tracing = startTest(t, { endpoint: backend.url, spool: { dir } });
    const before = tracing.stats().faults.spool_corrupt ?? 0;
    await until(() => adoptedBy(tracing).exported === 5, 'the neighbours');
    assert.equal((tracing.stats().faults.spool_corrupt ?? 0) - before, 1);
    await until(() => spoolFiles(dir).length === 0, 'the files to be removed');
    assert.equal(spansIn(backend), 5);
  });
}

test('a file with a wrong check sum is not sent; its spans are counted', async (t) => {
  const dir = makeSpoolDir(t);
  const backend = await startBackend(t);
  await leaveBatches(t, dir, backend, [3, 1]);
  const [path = ''] = spoolFiles(dir);
  const file = readFileSync(path);
  file[30] = (file[30] ?? 0) ^ 1;
  writeFileSync(path, file);
  const tracing = startTest(t, { endpoint: backend.url, spool: { dir } });
  await until(() => adoptedBy(tracing).exported === 1, 'the neighbour');
  assert.deepEqual(adoptedBy(tracing), { accepted: 4, exported: 1, spooled: 0, dropped: { spool_corrupt: 3 } });
  assert.ok(!existsSync(path));
});

test('a symbolic link in place of a file is removed, and what it points to is neither sent nor touched', async (t) => {
  const dir = makeSpoolDir(t);
  const backend = await startBackend(t);
  await leaveBatches(t, dir, backend, [3, 1]);
  const [path = ''] = spoolFiles(dir);
  const aside = join(makeSpoolDir(t), 'aside');
  renameSync(path, aside);
  symlinkSync(aside, path);
  const tracing = startTest(t, { endpoint: backend.url, spool: { dir } });
  await until(() => adoptedBy(tracing).exported === 1, 'the neighbour');
  await until(() => spoolFiles(dir).length === 0, 'the link to be removed');
  assert.equal(spansIn(backend), 1);
  assert.ok(existsSync(aside));
});

test('a symbolic link in place of a directory is not followed', async (t) => {
  const dir = makeSpoolDir(t);
  const backend = await startBackend(t);
  await leaveBatches(t, dir, backend, [3]);
  const [path = ''] = spoolFiles(dir);
  const aside = join(makeSpoolDir(t), 'aside');
  renameSync(dirname(path), aside);
  symlinkSync(aside, dirname(path));
  await leaveBatches(t, dir, backend, [1]);
  const tracing = startTest(t, { endpoint: backend.url, spool: { dir } });
  await until(() => adoptedBy(tracing).exported === 1, 'the neighbour');
  assert.deepEqual([adoptedBy(tracing).accepted, spoolFiles(aside).length], [1, 1]);
});

test('maxBytes: the oldest batches make room, counted', async (t) => {
  const dir = makeSpoolDir(t);
  const backend = await startBackend(t);
  refuse(backend);
  const tracing = startGivingUp(t, { endpoint: backend.url, spool: { dir, maxBytes: 30_000 } });
  for (let i = 1; i <= 10; i++) {
    makeSpans(tracing, 100);
    const spooled = (): number => statsOf(tracing).spooled + (statsOf(tracing).dropped.spool_evicted ?? 0);
    await until(() => spooled() === 100 * i, 'the file');
  }
  const { spool, dropped, spooled } = statsOf(tracing);
  assert.ok(spooled > 0 && (dropped.spool_evicted ?? 0) > 0);
  assert.deepEqual([spool?.evicted, spool?.files], [dropped.spool_evicted, spooled / 100]);
  assertLedger(tracing, 1000);
  await until(() => spoolFiles(dir).length === spool?.files, 'the last file');
  const bytes = spoolFiles(dir).map((path) => statSync(path).size);
  assert.equal(
    bytes.reduce((sum, size) => sum + size, 0),
    spool?.bytes,
  );
  assert.ok((spool?.bytes ?? 0) <= 30_000);
});

test('maxAgeMs: what is older is removed unsent, counted', async (t) => {
  const dir = makeSpoolDir(t);
  const backend = await startBackend(t);
  await leaveBatches(t, dir, backend, [3, 1]);
  const [path = ''] = spoolFiles(dir);
  const anHourOld = `${Date.now() - 3_600_000}-000000.otlp`;
  renameSync(path, join(dirname(path), anHourOld));
  const tracing = startTest(t, { endpoint: backend.url, spool: { dir, maxAgeMs: 3_000_000 } });
  await until(() => adoptedBy(tracing).exported === 1, 'the younger one');
  assert.deepEqual(adoptedBy(tracing), { accepted: 4, exported: 1, spooled: 0, dropped: { spool_expired: 3 } });
  assert.equal(statsOf(tracing).spool?.evicted, 3);
});

test('batches for another target or in another format are left alone', async (t) => {
  const dir = makeSpoolDir(t);
  const [otlp, zipkin, other] = [await startBackend(t), await startBackend(t), await startBackend(t)];
  await leaveBatches(t, dir, otlp, [3]);
  refuse(zipkin);
  const left = startTest(t, { exporter: 'zipkin', endpoint: zipkin.url, spool: { dir } });
  makeSpans(left, 2);
  await left.shutdown();
  assert.equal(spoolFiles(dir).length, 2);
  accept(zipkin);
  const elsewhere = startTest(t, { endpoint: other.url, spool: { dir } });
  const tracing = startTest(t, { exporter: 'zipkin', endpoint: zipkin.url, spool: { dir } });
  await until(() => adoptedBy(tracing).exported === 2, 'the Zipkin spans');
  assert.deepEqual(JSON.parse(String(zipkin.received[0]?.body)).length, 2);
  makeSpans(elsewhere, 1);
  await elsewhere.forceFlush();
  assert.deepEqual([spansIn(other), adoptedBy(elsewhere).accepted, spoolFiles(dir).length], [1, 0, 1]);
});

test('with several exporters each has a spool of its own', async (t) => {
  const dir = makeSpoolDir(t);
  const [otlp, zipkin] = [await startBackend(t), await startBackend(t)];
  refuse(zipkin);
  process.env.OTEL_EXPORTER_ZIPKIN_ENDPOINT = `${zipkin.url}/api/v2/spans`;
  t.after(() => delete process.env.OTEL_EXPORTER_ZIPKIN_ENDPOINT);
  const options: StartTracingOptions = { exporter: ['otlp', 'zipkin'], endpoint: otlp.url, spool: { dir } };
  const first = startTest(t, options);
  makeSpans(first, 6);
  await first.shutdown();
  assert.deepEqual(
    first.stats().exporters.map(({ exported, spooled }) => [exported, spooled]),
    [
      [6, 0],
      [0, 6],
    ],
  );
  accept(zipkin);
  const second = startTest(t, options);
  await until(() => second.stats().exporters[1]?.spool?.adopted.exported === 6, 'the Zipkin spans');
  assert.equal(second.stats().exporters[0]?.spool?.adopted.accepted, 0);
  assert.equal(otlp.received.length, 1);
});

test('a lock of another host counts as long as it is fresh', async (t) => {
  const dir = makeSpoolDir(t);
  const backend = await startBackend(t);
  await leaveBatches(t, dir, backend, [3]);
  const lock = join(dirname(spoolFiles(dir)[0] ?? assert.fail()), 'lock');
  writeFileSync(lock, JSON.stringify({ pid: 1, thread: 0, scope: 'another host' }));
  await leaveBatches(t, dir, backend, [1]);
  const early = startTest(t, { endpoint: backend.url, spool: { dir } });
  await until(() => adoptedBy(early).exported === 1, 'the neighbour');
  // For one that is wrong about the lock to take the other, too.
  await new Promise((resolve) => setTimeout(resolve, 50));
  await early.shutdown();
  assert.deepEqual([adoptedBy(early).accepted, spoolFiles(dir).length], [1, 1]);
  const longAgo = new Date(Date.now() - 600_000);
  utimesSync(lock, longAgo, longAgo);
  const late = startTest(t, { endpoint: backend.url, spool: { dir } });
  await until(() => adoptedBy(late).exported === 3, 'the adopted spans');
});

const WRONG: Array<[spool: unknown, message: RegExp]> = [
  [{ dir: '' }, /spool\.dir must be the path of a directory, got ""/],
  [{ dir: 7 }, /spool\.dir must be the path of a directory, got 7/],
  [{}, /spool\.dir must be the path of a directory, got undefined/],
  [{ dri: 'x' }, /no option "dri", did you mean "dir"\?/],
  [{ dir: 'x', maxBytes: 0 }, /spool\.maxBytes must be an integer of 1 or more, got 0/],
  [{ dir: 'x', maxAgeMs: 1.5 }, /spool\.maxAgeMs must be an integer of 1 or more, got 1\.5/],
  ['x', /spool must be an object, got "x"/],
];
for (const [spool, message] of WRONG) {
  test(`spool: ${JSON.stringify(spool)} is refused at set-up`, () => {
    // The cast: what is wrong here is what the types forbid.
    const options = { register: false, spool } as StartTracingOptions;
    assert.throws(() => startTracing(options), { code: 'CLEW_ERR_OPTION', message });
  });
}

test('a start that is refused leaves no directory behind', async (t) => {
  const dir = makeSpoolDir(t);
  trace.setGlobalTracerProvider(
    new ClewTracerProvider({
      sampler: alwaysOff(),
      resource: { attributes: {} },
      propagator: createPropagator(['b3']),
      processors: [],
    }),
  );
  t.after(() => trace.disable());
  assert.throws(() => startTracing({ exporter: 'otlp', spool: { dir } }), { code: 'CLEW_ERR_STARTED' });
  await until(() => readdirSync(dir, { recursive: true }).length === 1, 'the directory of the process to be removed');
});

test('an exporter of span objects has no spool', async (t) => {
  const dir = makeSpoolDir(t);
  const exporter = new InMemorySpanExporter();
  const tracing = startTest(t, { exporter, spool: { dir } });
  makeSpans(tracing, 1);
  await tracing.forceFlush();
  assert.deepEqual([statsOf(tracing).exported, statsOf(tracing).spool], [1, undefined]);
});
