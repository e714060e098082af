import assert from 'node:assert/strict';
import { test } from 'node:test';

import { waterfall } from '../src/demo/waterfall.ts';
import { span } from './order-trace.ts';

test('a child stands indented below its parent, with its time at its place', () => {
  const lines = waterfall([
    span('GET /', undefined, 'gateway', 'SERVER', { startUs: 1_000_000, durationUs: 8_000 }),
    span('SELECT', 'GET /', 'orders', 'CLIENT', { startUs: 1_004_000, durationUs: 2_500 }),
  ]);
  assert.deepEqual(lines, [
    `gateway   SERVER  GET /      8.00 ms  ${'█'.repeat(32)}`,
    `  orders  CLIENT  SELECT     2.50 ms  ${'·'.repeat(16)}${'█'.repeat(10)}${'·'.repeat(6)}`,
  ]);
});

test('a span whose parent has not arrived stands at the left edge', () => {
  const lines = waterfall([span('lost child', 'unknown', 'payments', 'SERVER')]);
  assert.match(lines[0] ?? '', /^payments {2}SERVER/);
});

test('the shortest span at the very end is still drawn', () => {
  const lines = waterfall([
    span('long', undefined, 'a', 'SERVER', { startUs: 0, durationUs: 1_000_000 }),
    span('short', 'long', 'a', 'CLIENT', { startUs: 1_000_000, durationUs: 0 }),
  ]);
  assert.ok(lines[1]?.endsWith('·█'));
});

test('a trace without spans is no lines', () => {
  assert.deepEqual(waterfall([]), []);
});
