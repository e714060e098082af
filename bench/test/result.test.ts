import assert from 'node:assert/strict';
import { test } from 'node:test';

import { compare } from '../src/result.ts';

const SAMPLES = {
  bare: [10, 20, 30],
  clew: [12, 23, 31],
  otel: [30, 50, 70],
};

test('every variant has its median and outer values', () => {
  const { variants, unit } = compare('µs', SAMPLES);
  assert.equal(unit, 'µs');
  assert.deepEqual(variants.otel, { median: 50, min: 30, max: 70 });
  assert.deepEqual(Object.keys(variants), ['bare', 'clew', 'otel']);
});

test('what is added is the median of paired differences, and bare adds nothing to itself', () => {
  const { added } = compare('µs', SAMPLES);
  assert.deepEqual(added, { clew: { median: 2, min: 1, max: 3 }, otel: { median: 30, min: 20, max: 40 } });
});

test('what is added has the interval of its median', () => {
  const bare = Array.from({ length: 30 }, () => 100);
  const clew = bare.map((value, round) => value + round + 1);
  assert.deepEqual(compare('µs', { bare, clew }).interval, { clew: { low: 10, high: 21 } });
});

test('the ratio is the median of quotients within a round, not the quotient of medians', () => {
  const { ratio } = compare('µs', SAMPLES);
  // Rounds: 2/20, 3/30, 1/40. The quotient of medians would be 2/30.
  assert.deepEqual(ratio, { 'clew/otel': 0.1 });
});

test('the ratio has the interval of its median', () => {
  const bare = Array.from({ length: 30 }, () => 100);
  const clew = bare.map((value, round) => value + round + 1);
  const otel = bare.map((value) => value + 100);
  assert.deepEqual(compare('µs', { bare, clew, otel }).ratioInterval, { 'clew/otel': { low: 0.1, high: 0.21 } });
});

test('unsampled variants are compared with each other', () => {
  const { ratio } = compare('µs', { bare: [1], 'clew-unsampled': [2], 'otel-unsampled': [11] });
  assert.deepEqual(ratio, { 'clew-unsampled/otel-unsampled': 0.1 });
});

test('a ratio is left out when one of its sides was not run', () => {
  assert.deepEqual(compare('µs', { bare: [1], clew: [2] }).ratio, {});
});

test('nothing can be compared without bare', () => {
  assert.throws(() => compare('µs', { clew: [1] }), RangeError);
});

test('figures keep four significant digits', () => {
  assert.equal(compare('µs', { bare: [1.234567] }).variants.bare?.median, 1.235);
});
