import assert from 'node:assert/strict';
import { test } from 'node:test';

import { parseOptions } from '../src/options.ts';

test('a name and nothing else runs that benchmark with its own defaults', () => {
  const options = parseOptions(['express']);
  assert.deepEqual(options.benchmarks, ['express']);
  assert.equal(options.rounds, undefined);
  assert.equal(options.json, false);
  assert.equal(options.write, false);
  assert.equal(options.seconds, undefined);
});

test('no name runs all benchmarks', () => {
  assert.deepEqual(parseOptions([]).benchmarks, ['core', 'express', 'fastify', 'undici', 'service']);
});

test('values are read with a space or an equals sign, in any place', () => {
  const options = parseOptions(['--rounds', '3', 'core', '--seconds=0.5', '--json', '--variants=clew,otel']);
  assert.deepEqual(options.benchmarks, ['core']);
  assert.equal(options.rounds, 3);
  assert.equal(options.seconds, 0.5);
  assert.equal(options.json, true);
  assert.deepEqual(options.variants, ['clew', 'otel']);
});

for (const args of [
  ['expres'],
  ['express', '--round', '3'],
  ['express', '--rounds', '0'],
  ['express', '--rounds', '1.5'],
  ['express', '--rounds'],
  ['express', '--seconds', '0'],
  ['express', '--seconds', 'fast'],
  ['express', '--warm-up', '-1'],
  ['express', '--variants', 'clue'],
]) {
  test(`"${args.join(' ')}" is refused`, () => {
    assert.throws(() => parseOptions(args), /needs|unknown/);
  });
}
