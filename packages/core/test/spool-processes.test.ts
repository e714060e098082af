import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { type Backend, makeSpans, startBackend, startTest, until } from './support.ts';
import { makeSpoolDir, spansIn, spoolFiles, startProgram } from './support/spool.ts';

const GIVE_UP = { scheduledDelayMs: 5, initialBackoffMs: 20, maxBackoffMs: 200, maxRetryElapsedMs: 1 };
const SAY_FILES = "process.stdout.write('spooled ' + tracing.stats().exporters[0].spooled + ';');";

function refuse(backend: Backend): void {
  backend.respond = (response) => response.writeHead(503).end();
}

function accept(backend: Backend): void {
  backend.received.length = 0;
  backend.respond = (response) => response.end();
}

/** The ids of all traces that a backend got, each as often as it came; every span of a program is a trace. */
function traceIds(backend: Backend): string[] {
  // Span.trace_id = 1, 16 bytes: the first field of each span.
  return backend.received.flatMap(({ body }) => {
    const ids: string[] = [];
    for (let at = body.indexOf('0a10', 0, 'hex'); at >= 0; at = body.indexOf('0a10', at + 18, 'hex')) {
      // Behind it span_id = 2, 8 bytes.
      if (body[at + 18] === 0x12 && body[at + 19] === 8) ids.push(body.toString('hex', at + 2, at + 18));
    }
    return ids;
  });
}

test('after SIGKILL the next process delivers each batch on disk once', async (t) => {
  const dir = makeSpoolDir(t);
  const backend = await startBackend(t);
  refuse(backend);
  const options = { endpoint: backend.url, spool: { dir }, batch: GIVE_UP };
  const victim = startProgram(
    t,
    options,
    `for (let i = 1; i <= 5; i++) { work(40); await until(({ spooled }) => spooled === 40 * i); }
    await until((stats) => stats.inFlight === 0);
    ${SAY_FILES}`,
  );
  await victim.printed('spooled 200;');
  await until(() => spoolFiles(dir).length === 5, 'the last file');
  victim.child.kill('SIGKILL');
  assert.deepEqual(await victim.ended, [null, 'SIGKILL']);
  accept(backend);
  const next = startProgram(
    t,
    options,
    "await until(({ spool }) => spool.adopted.exported === 200); process.stdout.write('delivered'); await tracing.shutdown(); process.exit();",
  );
  await next.printed('delivered');
  assert.deepEqual(await next.ended, [0, null]);
  assert.deepEqual([traceIds(backend).length, new Set(traceIds(backend)).size], [200, 200]);
  assert.deepEqual(spoolFiles(dir), []);
});

test('what a process that lives has on disk is its own', async (t) => {
  const dir = makeSpoolDir(t);
  const backend = await startBackend(t);
  refuse(backend);
  const alive = startProgram(
    t,
    { endpoint: backend.url, spool: { dir }, batch: GIVE_UP },
    `work(3); await until((stats) => stats.spooled === 3 && stats.spool.files === 1); ${SAY_FILES}`,
  );
  await alive.printed('spooled 3;');
  const other = startTest(t, { endpoint: backend.url, spool: { dir }, batch: { maxRetryElapsedMs: 1 } });
  makeSpans(other, 1);
  await until(() => other.stats().exporters[0]?.spooled === 1, 'a file of its own');
  // Waits for the search for batches of others.
  await other.shutdown();
  assert.deepEqual([other.stats().exporters[0]?.spool?.adopted.accepted, spoolFiles(dir).length], [0, 2]);
});

test('many processes that find the same directory deliver each batch once', async (t) => {
  const dir = makeSpoolDir(t);
  const backend = await startBackend(t);
  refuse(backend);
  const options = { endpoint: backend.url, spool: { dir }, batch: GIVE_UP };
  const victim = startProgram(
    t,
    options,
    `for (let i = 1; i <= 20; i++) {
      work(2);
      await tracing.provider.forceFlush();
      await until((stats) => stats.inFlight + stats.queued + stats.retrying === 0);
    }
    await until(({ spool }) => spool.files === 20);
    ${SAY_FILES}`,
  );
  await victim.printed('spooled 40;');
  await until(() => spoolFiles(dir).length === 20, 'the last file');
  victim.child.kill('SIGKILL');
  await victim.ended;
  accept(backend);
  const racers = [1, 2, 3].map(() => startProgram(t, options, "process.stdout.write('started');"));
  for (const racer of racers) await racer.printed('started');
  await until(() => traceIds(backend).length >= 40 && spoolFiles(dir).length === 0, 'all spans');
  assert.deepEqual([traceIds(backend).length, new Set(traceIds(backend)).size], [40, 40]);
});

test('an uncaught exception: what was queued, on its way or waiting is on disk when the process has died', async (t) => {
  const dir = makeSpoolDir(t);
  const backend = await startBackend(t);
  backend.respond = () => {};
  const program = startProgram(
    t,
    { endpoint: backend.url, spool: { dir }, batch: { scheduledDelayMs: 60_000, maxExportBatchSpans: 10 } },
    "work(25); setTimeout(() => { work(3); throw new Error('the end'); }, 50);",
  );
  assert.deepEqual(await program.ended, [1, null]);
  assert.match(program.output, /the end/);
  accept(backend);
  const next = startTest(t, { endpoint: backend.url, spool: { dir } });
  await until(() => next.stats().exporters[0]?.spool?.adopted.exported === 28, 'the spans');
  assert.equal(new Set(traceIds(backend)).size, 28);
});

test('an uncaught exception that the application survives costs no span and doubles none', async (t) => {
  const dir = makeSpoolDir(t);
  const backend = await startBackend(t);
  const answers: Array<() => void> = [];
  backend.respond = (response) => void answers.push(() => response.end());
  const program = startProgram(
    t,
    { endpoint: backend.url, spool: { dir }, batch: { scheduledDelayMs: 60_000, maxExportBatchSpans: 10 } },
    `process.on('uncaughtException', () => process.stdout.write('survived;'));
    work(10);
    await until((stats) => stats.inFlight === 10);
    process.stdout.write('asked;');
    setTimeout(() => { work(3); throw new Error('not the end'); }, 200);
    await until((stats) => stats.exported === 13);
    const { exported, spooled, dropped, spool } = tracing.stats().exporters[0];
    process.stdout.write(JSON.stringify({ exported, spooled, dropped, files: spool.files }) + ';');`,
  );
  await program.printed('survived;');
  await until(() => spoolFiles(dir).length === 2, 'both files');
  accept(backend);
  for (const answer of answers) answer();
  await program.printed('{"exported":13,"spooled":0,"dropped":{},"files":0};');
  assert.equal(spansIn(backend), 3, 'besides the ten that were on their way');
});

for (const [how, code] of [
  ['process.exit without a shutdown', 'work(12); process.exit(3);'],
  [
    'process.exit in the middle of shutdown',
    'work(12); void tracing.shutdown(); setTimeout(() => process.exit(3), 100);',
  ],
  [
    'an end by itself without a shutdown, during an outage',
    'work(12); clearInterval(keepAlive); process.exitCode = 3;',
  ],
] as const) {
  test(`${how}: the spans are on disk`, async (t) => {
    const dir = makeSpoolDir(t);
    const backend = await startBackend(t);
    refuse(backend);
    const program = startProgram(t, { endpoint: backend.url, spool: { dir } }, code);
    assert.deepEqual(await program.ended, [3, null]);
    accept(backend);
    const next = startTest(t, { endpoint: backend.url, spool: { dir } });
    await until(() => next.stats().exporters[0]?.spool?.adopted.exported === 12, 'the spans');
    assert.equal(spansIn(backend), 12);
  });
}

test('SIGTERM with flushOnSignal during an outage: the spans are on disk, and the signal is the exit status', async (t) => {
  const dir = makeSpoolDir(t);
  const backend = await startBackend(t);
  refuse(backend);
  const program = startProgram(
    t,
    { endpoint: backend.url, spool: { dir }, flushOnSignal: true },
    "work(12); process.stdout.write('ready');",
  );
  await program.printed('ready');
  program.child.kill('SIGTERM');
  assert.deepEqual(await program.ended, [null, 'SIGTERM']);
  accept(backend);
  const next = startTest(t, { endpoint: backend.url, spool: { dir } });
  await until(() => next.stats().exporters[0]?.spool?.adopted.exported === 12, 'the spans');
});

test('a relative directory stays where it was when the process goes elsewhere', async (t) => {
  const dir = makeSpoolDir(t);
  const backend = await startBackend(t);
  refuse(backend);
  const code = "process.chdir('/'); work(12); process.exit(3);";
  const program = startProgram(t, { endpoint: backend.url, spool: { dir: 'below' } }, code, `cd '${dir}'`);
  assert.deepEqual(await program.ended, [3, null], program.output);
  assert.equal(spoolFiles(join(dir, 'below')).length, 1);
});

test('CLEW_SPOOL_DIR names the directory; a worker thread has a spool of its own', async (t) => {
  const dir = makeSpoolDir(t);
  const backend = await startBackend(t);
  refuse(backend);
  const program = startProgram(
    t,
    { endpoint: backend.url, exporter: 'none' },
    `import { Worker } from 'node:worker_threads';
    import { once } from 'node:events';
    process.env.CLEW_SPOOL_DIR = ${JSON.stringify(dir)};
    const start = () => startTracing({ register: false, endpoint: ${JSON.stringify(backend.url)} });
    const spans = (mine, count) => { for (let i = 0; i < count; i++) mine.provider.getTracer('t').startSpan('s').end(); };
    const entry = ${JSON.stringify(new URL('../src/start-tracing.ts', import.meta.url).href)};
    const worker = new Worker(
      \`import(\${JSON.stringify(entry)}).then(({ startTracing }) => { const start = \${start}; const spans = \${spans}; spans(start(), 2); process.exit(); });\`,
      { eval: true },
    );
    spans(start(), 1);
    await once(worker, 'exit');
    process.exit();`,
  );
  assert.deepEqual(await program.ended, [0, null], program.output);
  assert.deepEqual(new Set(spoolFiles(dir).map((path) => path.split('/').at(-2))).size, 2);
  accept(backend);
  const next = startTest(t, { endpoint: backend.url, spool: { dir } });
  await until(() => next.stats().exporters[0]?.spool?.adopted.exported === 3, 'the spans of both');
});

test('a disk that is full costs what does not fit, counted, and the next attempt is a minute later', async (t) => {
  const dir = makeSpoolDir(t);
  const backend = await startBackend(t);
  refuse(backend);
  const program = startProgram(
    t,
    { endpoint: backend.url, spool: { dir }, batch: { ...GIVE_UP, scheduledDelayMs: 60_000 } },
    `work(2); tracing.forceFlush();
    await until(({ spool }) => spool.files === 1);
    work(500); tracing.forceFlush();
    await until(({ dropped }) => dropped.retry_gave_up === 500);
    work(3); tracing.forceFlush();
    await until(({ dropped }) => dropped.retry_gave_up === 503);
    const { accepted, spooled, dropped } = tracing.stats().exporters[0];
    const { spool_failed } = tracing.stats().faults;
    process.stdout.write(JSON.stringify({ accepted, spooled, dropped, spool_failed }));`,
    // Blocks of 512 bytes: the first batch fits, the second does not.
    'ulimit -f 8',
  );
  await program.printed('{"accepted":505,"spooled":2,"dropped":{"retry_gave_up":503},"spool_failed":1}');
  assert.equal(spoolFiles(dir).length, 1);
});

test('a directory that cannot be made is reported, and tracing goes on', async (t) => {
  const file = join(makeSpoolDir(t), 'file');
  writeFileSync(file, '');
  const backend = await startBackend(t);
  const tracing = startTest(t, { endpoint: backend.url, spool: { dir: join(file, 'below') } });
  const { spool_failed } = tracing.stats().faults;
  assert.ok((spool_failed ?? 0) > 0);
  makeSpans(tracing, 3);
  await tracing.forceFlush();
  refuse(backend);
  makeSpans(tracing, 2);
  await tracing.shutdown();
  const { accepted, exported, dropped, spooled } = tracing.stats().exporters[0] ?? assert.fail();
  assert.deepEqual([accepted, exported, dropped, spooled], [5, 3, { shutdown: 2 }, 0]);
  assert.equal(readFileSync(file, 'utf8'), '');
});

test('a directory of the exporter that is a symbolic link is not used', async (t) => {
  const [dir, aside] = [makeSpoolDir(t), makeSpoolDir(t)];
  const backend = await startBackend(t);
  const first = startTest(t, { endpoint: backend.url, spool: { dir } });
  await first.shutdown();
  const [name = ''] = readdirSync(dir);
  rmSync(join(dir, name), { recursive: true });
  mkdirSync(join(aside, 'inner'));
  symlinkSync(join(aside, 'inner'), join(dir, name));
  refuse(backend);
  const tracing = startTest(t, { endpoint: backend.url, spool: { dir }, batch: { maxRetryElapsedMs: 1 } });
  makeSpans(tracing, 2);
  await until(() => tracing.stats().exporters[0]?.dropped.retry_gave_up === 2, 'giving up');
  assert.deepEqual(readdirSync(join(aside, 'inner')), []);
});
