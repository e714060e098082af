import assert from 'node:assert/strict';
import { test } from 'node:test';

import { formatResult, renderResults } from '../src/report.ts';
import { type BenchResult, compare } from '../src/result.ts';

const RESULT: BenchResult = {
  name: 'express',
  title: 'CPU per request',
  node: '24.0.0',
  rounds: 2,
  machine: 'a processor, 2 cores',
  commit: 'abc1234',
  versions: { express: '5.0.0' },
  ...compare('µs', { bare: [40, 50], clew: [43, 53], otel: [140, 150] }),
  cases: { memory: { title: 'resident memory', ...compare('MB', { bare: [60], clew: [65] }) } },
};

test('a table has a row per variant, with what it adds to bare', () => {
  const lines = formatResult(RESULT).split('\n');
  const cells = lines
    .filter((line) => line.startsWith('| clew'))
    .map((line) => line.split('|').map((cell) => cell.trim()));
  assert.deepEqual(cells[0], ['', 'clew', '48', '43 … 53', '+3', '3 … 3', '3 … 3', '']);
  assert.ok(lines.includes('Ratio of what is added: `clew/otel` 0.03 (1/33.3), 95 % 0.03 … 0.03.'));
});

test('all lines of a table are of one length', () => {
  const table = formatResult(RESULT)
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .slice(0, 5);
  assert.equal(new Set(table.map((line) => line.length)).size, 1);
});

test('the page says on what it was measured and has the benchmarks in the order of their names', () => {
  const page = renderResults({ fastify: { ...RESULT, name: 'fastify' }, express: RESULT });
  assert.ok(page.includes('Node.js 24.0.0, a processor, 2 cores, commit abc1234, 2 rounds'));
  assert.ok(page.indexOf('## express') < page.indexOf('## fastify'));
  assert.ok(page.includes('### memory\n\nResident memory.\n'));
});
