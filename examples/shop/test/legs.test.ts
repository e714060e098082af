import assert from 'node:assert/strict';
import { test } from 'node:test';

import { missingLegs } from '../src/demo/legs.ts';
import { orderSpans, span } from './order-trace.ts';

test('a whole trace misses no leg', () => {
  assert.deepEqual(missingLegs(orderSpans()), []);
});

test('without spans every leg is missing', () => {
  assert.equal(missingLegs([]).length, 9);
});

for (const lost of orderSpans().filter(({ kind }) => kind !== 'INTERNAL')) {
  test(`a trace without ${lost.id} is told to miss it`, () => {
    const others = orderSpans().filter(({ id }) => id !== lost.id);
    assert.ok(missingLegs(others).includes(lost.id));
  });
}

test('a consumer that hangs below the wrong span is missing, and so is all that it caused', () => {
  const spans = orderSpans().map((each) => (each.kind === 'CONSUMER' ? { ...each, parentId: 'orders SERVER' } : each));
  assert.deepEqual(missingLegs(spans), [
    'fulfilment CONSUMER',
    'fulfilment database CLIENT',
    'fulfilment CLIENT',
    'payments SERVER',
  ]);
});

test('a database span does not stand for an HTTP client span', () => {
  const spans = orderSpans().filter(({ id }) => id !== 'gateway CLIENT');
  spans.push(span('query', 'gateway SERVER', 'gateway', 'CLIENT', { attributes: new Map([['db.system.name', 'x']]) }));
  assert.ok(missingLegs(spans).includes('gateway CLIENT'));
});

test('a gateway span with a parent elsewhere is not the root', () => {
  const spans = orderSpans().map((each) => (each.id === 'gateway SERVER' ? { ...each, parentId: 'elsewhere' } : each));
  assert.ok(missingLegs(spans).includes('gateway SERVER'));
});
