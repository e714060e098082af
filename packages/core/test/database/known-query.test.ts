import assert from 'node:assert/strict';
import { test } from 'node:test';

import { KnownQuery, QueryCache } from '../../src/database/known-query.ts';

function countingCache() {
  const made: string[] = [];
  const cache = new QueryCache<object>((text) => {
    made.push(text);
    return new KnownQuery(text, () => ['db.query.text', text]);
  });
  return { made, cache };
}

test('a text is worked out once, and gives the same group on the same connection', () => {
  const { made, cache } = countingCache();
  const connection = {};
  assert.equal(cache.get('a').group(connection), cache.get('a').group(connection));
  assert.deepEqual(made, ['a']);
});

test('connections that take turns each have their own group, made once', () => {
  let count = 0;
  const query = new KnownQuery<string>('a', (connection) => ['n', connection, 'count', ++count]);
  for (const connection of ['x', 'y', 'x', 'y', 'x', 'y']) assert.equal(query.group(connection).flat[1], connection);
  assert.ok(count <= 3, `${count} groups were made for 2 connections`);
});

test('texts that never come again do not push out one that is in use', () => {
  const { made, cache } = countingCache();
  for (let i = 0; i < 5000; i++) {
    cache.get('in use');
    cache.get(`once ${i}`);
  }
  assert.equal(made.filter((text) => text === 'in use').length, 1);
  assert.ok(cache.size <= 512, `${cache.size} texts are kept`);
});

test('the cache is bounded in characters too', () => {
  const { cache } = countingCache();
  for (let i = 0; i < 100; i++) cache.get(`${i} ${'x'.repeat(20_000)}`);
  assert.ok(cache.size <= 26, `${cache.size} texts of 20000 characters are kept`);
});

test('a text of 32768 characters is kept, a longer one is not', () => {
  const { cache } = countingCache();
  cache.get('x'.repeat(32_769));
  assert.equal(cache.size, 0);
  cache.get('x'.repeat(32_768));
  assert.equal(cache.size, 1);
});
