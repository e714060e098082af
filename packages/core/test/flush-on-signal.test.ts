import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { platform } from 'node:os';
import { type TestContext, test } from 'node:test';
import { type Backend, countSpans, startBackend, until } from './support.ts';

const ENTRY = JSON.stringify(new URL('../src/start-tracing.ts', import.meta.url).href);

/** A program that has ended 700 spans, says so, and would run for ever. */
async function startProgram(
  t: TestContext,
  backend: Backend,
  parts: { options?: object; before?: string; after?: string; env?: object } = {},
): Promise<ChildProcess> {
  const options = { endpoint: backend.url, flushOnSignal: true, ...parts.options };
  const source = `
    import { startTracing } from ${ENTRY};
    ${parts.before ?? ''}
    const tracing = startTracing(${JSON.stringify(options)});
    ${parts.after ?? ''}
    const tracer = tracing.provider.getTracer('t');
    for (let i = 0; i < 700; i++) tracer.startSpan('s').end();
    setInterval(() => {}, 1000);
    process.stdout.write('ready');`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', source], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, OTEL_LOG_LEVEL: 'none', ...parts.env },
  });
  t.after(() => child.kill('SIGKILL'));
  const ended = once(child, 'exit').then(([code]) => assert.fail(`the program ended with ${code} before its signal`));
  await Promise.race([once(child.stdout ?? assert.fail(), 'data'), ended]);
  // It is to end from here on, and the tests look at how.
  ended.catch(() => {});
  return child;
}

function spansIn(backend: Backend): number {
  return backend.received.reduce((sum, { body }) => sum + countSpans(body), 0);
}

assert.notEqual(platform(), 'win32', 'Windows has no signals to send to a process');

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  test(`${signal} sends every span that has ended, and stays the exit signal`, async (t) => {
    const backend = await startBackend(t);
    const child = await startProgram(t, backend);
    child.kill(signal);
    assert.deepEqual(await once(child, 'exit'), [null, signal]);
    assert.equal(spansIn(backend), 700);
  });
}

test('CLEW_FLUSH_ON_SIGNAL=true does the same, and false in code beats it', async (t) => {
  const backend = await startBackend(t);
  const env = { CLEW_FLUSH_ON_SIGNAL: 'true' };
  const byVariable = await startProgram(t, backend, { env, options: { flushOnSignal: undefined } });
  byVariable.kill('SIGTERM');
  assert.deepEqual(await once(byVariable, 'exit'), [null, 'SIGTERM']);
  assert.equal(spansIn(backend), 700);
  const refused = await startProgram(t, backend, {
    env,
    options: { flushOnSignal: false },
    after: "if (process.listenerCount('SIGTERM') !== 0) process.exit(9);",
  });
  refused.kill('SIGTERM');
  assert.deepEqual(await once(refused, 'exit'), [null, 'SIGTERM']);
});

test('a backend that never answers does not keep the signal from ending the process', async (t) => {
  const backend = await startBackend(t);
  backend.respond = () => {};
  const child = await startProgram(t, backend);
  child.kill('SIGTERM');
  assert.deepEqual(await once(child, 'exit'), [null, 'SIGTERM']);
  assert.ok(backend.received.length > 0, 'the spans were on their way');
});

test('a second signal ends the process at once', async (t) => {
  const backend = await startBackend(t);
  backend.respond = () => {};
  const child = await startProgram(t, backend, { after: "process.on('SIGINT', () => process.stdout.write('!'));" });
  child.kill('SIGTERM');
  await until(() => backend.received.length > 0, 'the flush');
  child.kill('SIGTERM');
  assert.deepEqual(await once(child, 'exit'), [null, 'SIGTERM']);
});

for (const [method, where] of [
  ['on', 'before'],
  ['once', 'before'],
  ['on', 'after'],
  ['once', 'after'],
] as const) {
  test(`a listener added ${where} ours by ${method} hears the signal once and decides when to exit`, async (t) => {
    const backend = await startBackend(t);
    const listener = `
      let heard = 0;
      process.${method}('SIGTERM', () => { heard++; setTimeout(() => process.exit(40 + heard), 300); });`;
    const child = await startProgram(t, backend, { [where]: listener });
    child.kill('SIGTERM');
    assert.deepEqual(await once(child, 'exit'), [41, null]);
    assert.equal(spansIn(backend), 700);
  });
}

test('shutdown takes the listeners away', async (t) => {
  const backend = await startBackend(t);
  const child = await startProgram(t, backend, {
    after: `
      if (process.listenerCount('SIGTERM') !== 1 || process.listenerCount('SIGINT') !== 1) process.exit(8);
      await tracing.shutdown();
      if (process.listenerCount('SIGTERM') !== 0 || process.listenerCount('SIGINT') !== 0) process.exit(9);`,
  });
  child.kill('SIGTERM');
  assert.deepEqual(await once(child, 'exit'), [null, 'SIGTERM']);
  assert.equal(backend.received.length, 0);
});
