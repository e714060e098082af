import assert from 'node:assert/strict';
import { test } from 'node:test';

import { median, medianInterval, pairedDifferences, pairedRatios, percentile, spread } from '../src/stats.ts';

test('the median of an odd number of values is the middle one, whatever their order', () => {
  assert.equal(median([9, 1, 5]), 5);
});

test('the median of an even number of values is the mean of the two middle ones', () => {
  assert.equal(median([4, 1, 3, 100]), 3.5);
});

test('finding the median leaves the list as it was', () => {
  const values = [3, 1, 2];
  median(values);
  assert.deepEqual(values, [3, 1, 2]);
});

test('there is no median of nothing', () => {
  assert.throws(() => median([]), RangeError);
});

test('a percentile is the nearest rank', () => {
  const hundred = Array.from({ length: 100 }, (_, n) => n + 1);
  assert.equal(percentile(hundred, 0.99), 99);
  assert.equal(percentile(hundred, 1), 100);
  assert.equal(percentile(hundred, 0.005), 1);
  assert.equal(percentile([7], 0.99), 7);
});

test('a spread holds the median and the outer values', () => {
  assert.deepEqual(spread([2, 8, 4]), { median: 4, min: 2, max: 8 });
});

test('pairs are formed by round, so what slows both members of a pair disappears', () => {
  assert.deepEqual(pairedDifferences([15, 115, 215], [10, 110, 210]), [5, 5, 5]);
  assert.deepEqual(pairedRatios([1, 20], [10, 100]), [0.1, 0.2]);
});

test('lists of different lengths cannot be paired', () => {
  assert.throws(() => pairedDifferences([1, 2], [1]), RangeError);
  assert.throws(() => pairedRatios([1], [1, 2]), RangeError);
});

test('the interval of a median lies inside of the outer values when there are enough samples', () => {
  const thirty = Array.from({ length: 30 }, (_, n) => n + 1);
  // The 95 % interval of 30 samples is from the 10th to the 21st value.
  assert.deepEqual(medianInterval(thirty), { low: 10, high: 21 });
  assert.deepEqual(medianInterval([3, 1, 2]), { low: 1, high: 3 });
});
