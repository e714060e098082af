import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Attributes } from '@opentelemetry/api';
import { faultCounts } from '../src/faults.ts';
import { collectSpans } from '../src/testing/index.ts';

const LEFT_OUT = Symbol('left out');
const LONG_KEY = 'k'.repeat(1030);

const VALUES: Array<[what: string, value: unknown, kept: unknown]> = [
  ['a text', 'x', 'x'],
  ['an empty text', '', ''],
  ['true', true, true],
  ['an integer', 7, 7],
  ['a fraction', 0.5, 0.5],
  ['minus zero', -0, -0],
  ['NaN', Number.NaN, Number.NaN],
  ['infinity', Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY],
  ['the largest int64', 2n ** 63n - 1n, 2n ** 63n - 1n],
  ['one more', 2n ** 63n, '9223372036854775808'],
  ['the smallest int64', -(2n ** 63n), -(2n ** 63n)],
  ['one less', -(2n ** 63n) - 1n, '-9223372036854775809'],
  ['bytes', new Uint8Array([1, 2]), new Uint8Array([1, 2])],
  ['texts', ['a', 'b'], ['a', 'b']],
  ['texts and numbers', ['a', 1, true], ['a', 1, true]],
  ['an array with gaps', ['a', null, undefined], ['a', null, null]],
  ['an array of arrays', [[1], [2]], [[1], [2]]],
  ['a map', { a: { b: [1, 'x'] } }, { a: { b: [1, 'x'] } }],
  ['a date', new Date(0), '1970-01-01T00:00:00.000Z'],
  ['a date that is none', new Date(Number.NaN), LEFT_OUT],
  ['a function', () => 1, LEFT_OUT],
  ['a symbol', Symbol('s'), LEFT_OUT],
  ['an object of a class', new Map(), LEFT_OUT],
];
for (const [what, value, kept] of VALUES) {
  test(`an attribute that is ${what} is ${kept === LEFT_OUT ? 'left out and counted' : 'kept'}, wherever it is given`, (t) => {
    const spans = collectSpans(t);
    const before = faultCounts().invalid_attribute ?? 0;
    // The cast stands for an application in JavaScript.
    const attributes = { a: value } as Attributes;
    const span = spans.tracing.provider.getTracer('t').startSpan('x', { attributes });
    span.setAttribute('b', attributes.a).setAttributes({ c: attributes.a }).addEvent('e', attributes);
    span.addLink({ context: span.spanContext(), attributes }).end();
    const [done] = spans.all();
    const found = { ...done?.attributes, e: done?.events[0]?.attributes?.a, l: done?.links[0]?.attributes?.a };
    const expected =
      kept === LEFT_OUT ? { e: undefined, l: undefined } : { a: kept, b: kept, c: kept, e: kept, l: kept };
    // Kept maps have no prototype.
    assert.deepEqual(plain(found), plain(expected));
    assert.equal((faultCounts().invalid_attribute ?? 0) - before, kept === LEFT_OUT ? 5 : 0);
  });
}

for (const nothing of [undefined, null]) {
  test(`an attribute set to ${nothing} goes away`, (t) => {
    const spans = collectSpans(t);
    const span = spans.tracing.provider
      .getTracer('t')
      .startSpan('x', { attributes: { a: 1, b: 2, c: nothing } as Attributes });
    span
      .setAttribute('a', nothing as never)
      .setAttributes({ b: nothing } as Attributes)
      .end();
    assert.deepEqual({ ...spans.all()[0]?.attributes }, {});
  });
}

const KEYS: Array<[what: string, key: unknown, kept: string | undefined]> = [
  ['an empty one', '', undefined],
  ['__proto__', '__proto__', '__proto__'],
  ['constructor', 'constructor', 'constructor'],
  ['one with a line break', 'a\r\nb', 'a\r\nb'],
  ['one of 1030 characters, cut', LONG_KEY, LONG_KEY.slice(0, 1024)],
];
for (const [what, key, kept] of KEYS) {
  test(`an attribute key: ${what}`, (t) => {
    const spans = collectSpans(t);
    const attributes = Object.fromEntries([[key, 1]]) as Attributes;
    const span = spans.tracing.provider.getTracer('t').startSpan('x', { attributes });
    span
      .setAttribute(key as string, 2)
      .setAttribute(`${key}`, 3)
      .end();
    assert.deepEqual(Object.entries(spans.all()[0]?.attributes ?? {}), kept === undefined ? [] : [[kept, 3]]);
    assert.equal(({} as { a?: string }).a, undefined);
  });
}

test('an array that the application changes afterwards stays as it was', (t) => {
  const spans = collectSpans(t);
  const list = [1, 2];
  const bytes = new Uint8Array([1]);
  const span = spans.tracing.provider.getTracer('t').startSpan('x', { attributes: { list, bytes } as Attributes });
  list.push(3);
  bytes[0] = 9;
  span.end();
  assert.deepEqual({ ...spans.all()[0]?.attributes }, { list: [1, 2], bytes: new Uint8Array([1]) });
});

function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (value instanceof Uint8Array || typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)]));
}
