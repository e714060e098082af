// The test runner counts what ran, and never takes silence for success.
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { runFile } from '../tests/run-file.mjs';

const HEAD =
  "import { after, before, describe, it, test } from 'node:test';\nimport assert from 'node:assert/strict';\nimport { writeFileSync } from 'node:fs';\n";

/** Run a test file with this text. One that `hangs` writes a file "ready" when it does, and is then given up. */
async function run(t, text, { hangs = false } = {}) {
  const dir = mkdtempSync(join(tmpdir(), 'clew-run-file-'));
  t.after(() => rmSync(dir, { recursive: true }));
  writeFileSync(join(dir, 'a.test.ts'), HEAD + text);
  const expiry = new AbortController();
  const { signal: interrupted } = new AbortController();
  const running = runFile('a.test.ts', { cwd: dir, reportsDir: dir, expired: expiry.signal, interrupted });
  if (hangs) await untilReady(dir);
  if (hangs) expiry.abort();
  const { passed, failures, output } = await running;
  return { passed, failures, output, texts: failures.map(({ name, text }) => `${name}: ${text}`) };
}

async function untilReady(dir) {
  while (!existsSync(join(dir, 'ready'))) await sleep(20);
}

test('passing tests are counted, also inside of suites, and suites are not', async (t) => {
  const { passed, failures } = await run(
    t,
    "test('a', () => {});\ndescribe('s', () => { it('b', () => {}); it('c', () => {}); });",
  );
  assert.deepEqual({ passed, failures }, { passed: 3, failures: [] });
});

test('a failing test is told with its path, its line and its difference', async (t) => {
  const { passed, failures } = await run(t, "describe('s', () => {\n  it('b', () => assert.equal(1, 2));\n});");
  assert.equal(passed, 0);
  assert.equal(failures.length, 1);
  assert.equal(failures[0].name, 's › b');
  assert.equal(failures[0].line, 5);
  assert.match(failures[0].text, /AssertionError: Expected values to be strictly equal:\s+1 !== 2/);
  assert.doesNotMatch(failures[0].text, /node:internal/);
});

test('a failing subtest fails its parent, which only echoes it', async (t) => {
  const { failures } = await run(t, "test('a', async (t) => { await t.test('b', () => assert.fail('no')); });");
  assert.deepEqual(
    failures.map(({ name, isEcho }) => [name, isEcho]),
    [
      ['a › b', false],
      ['a', true],
    ],
  );
});

// Title, text of the file, passed, and what the one failure says.
const COUNTED_AS_FAILED = [
  ['a skipped test', "test('a', () => {});\ntest.skip('b', () => {});", 1, /^b: skipped/],
  ['a test that skips itself with an empty reason', "test('a', (t) => t.skip(''));", 0, /^a: skipped/],
  ['a test to do', "test('a', () => {});\ntest.todo('b');", 1, /^b: todo/],
  ['a skipped suite', "test('a', () => {});\ndescribe.skip('s', () => { it('b', () => {}); });", 1, /^s: skipped/],
  ['a file without a test', '', 0, /no test ran/],
  ['a file that throws when it is loaded', "throw new Error('boom');", 0, /ended with code 1/],
  ['a file that ends before its first test is over', "test('a', () => process.exit(0));", 0, /no test ran/],
  [
    'a file whose process fails after its tests',
    "test('a', () => {});\nprocess.on('exit', () => { process.exitCode = 3; });",
    1,
    /ended with code 3/,
  ],
  [
    'an error thrown after its test',
    "test('a', () => { setTimeout(() => { throw new Error('late'); }, 1); });",
    1,
    /late/,
  ],
];

for (const [title, text, passed, says] of COUNTED_AS_FAILED) {
  test(`${title} counts as failed`, async (t) => {
    const result = await run(t, text);
    assert.equal(result.passed, passed);
    assert.ok(
      result.texts.some((line) => says.test(line)),
      result.texts.join('\n'),
    );
  });
}

test('a hook that fails fails the file', async (t) => {
  const { passed, failures } = await run(
    t,
    "describe('s', () => { before(() => { throw new Error('hook'); }); it('b', () => {}); });",
  );
  assert.equal(passed, 0);
  assert.ok(failures.some(({ text }) => text.includes('hook')));
});

test('a file whose process goes on after its tests is ended and counts as failed', async (t) => {
  const text = "test('a', () => {});\nafter(() => setInterval(() => writeFileSync('ready', ''), 10));";
  const { passed, texts, output } = await run(t, text, { hangs: true });
  assert.equal(passed, 1);
  assert.match(output, /no test is running; the process is kept alive by: .*Timeout/);
  assert.match(texts[0], /still running: a test hangs/);
});

test('a test that hangs is named', async (t) => {
  const text = "test('a', () => new Promise(() => setInterval(() => writeFileSync('ready', ''), 10)));";
  const { passed, output } = await run(t, text, { hangs: true });
  assert.equal(passed, 0);
  assert.match(output, /running: a; /);
});

test('what the file prints is kept', async (t) => {
  const { output } = await run(t, "console.log('to stdout');\nconsole.error('to stderr');\ntest('a', () => {});");
  assert.match(output, /to stdout/);
  assert.match(output, /to stderr/);
});

test('the sources are read through the condition clew-source', async (t) => {
  const { passed, texts } = await run(
    t,
    "test('a', () => assert.ok(process.execArgv.includes('--conditions=clew-source')));",
  );
  assert.deepEqual({ passed, texts }, { passed: 1, texts: [] });
});
