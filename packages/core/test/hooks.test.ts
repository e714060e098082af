import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { diag } from '@opentelemetry/api';
import { faultCounts, resetFaults } from '../src/faults.ts';
import { callHook } from '../src/plugin.ts';

beforeEach(resetFaults);

test('a hook that throws gives nothing and is reported once, later ones are counted', (t) => {
  const lines: string[] = [];
  const note = (line: string): void => {
    lines.push(line);
  };
  diag.setLogger({ warn: note, error: note, info: note, debug: () => undefined, verbose: () => undefined });
  t.after(() => diag.disable());
  lines.length = 0;
  const fail = (): never => {
    throw new Error('mine');
  };
  for (let i = 0; i < 3; i++) assert.equal(callHook('ignore', fail), undefined);
  assert.deepEqual(lines, ['clew: hook_threw (once, 1 in all): hook ignore threw: Error: mine']);
  assert.equal(faultCounts().hook_threw, 3);
});

test('a hook that returns a promise gives nothing, is not waited for and is reported', async () => {
  assert.equal(
    callHook('ignore', () => new Promise(() => undefined)),
    undefined,
  );
  assert.equal(faultCounts().hook_threw, 1);
  assert.equal(
    callHook('ignore', () => Promise.reject(new Error('mine'))),
    undefined,
  );
  // The rejection is handled in a later microtask; if it were not, the process would end here.
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(faultCounts().hook_threw, 3);
});

test('a hook that is not there or returns a value is no fault', () => {
  assert.equal(callHook('ignore', undefined), undefined);
  assert.equal(
    callHook('ignore', (given: number) => given + 1, 1),
    2,
  );
  assert.deepEqual(Object.keys(faultCounts()), []);
});
