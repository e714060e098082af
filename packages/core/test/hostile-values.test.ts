/** What users hand over, row by row of "Inputs from users": attribute values, keys, names, times, errors, links. */
import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import type { Span } from '@opentelemetry/api';
import { coerceValue, truncate } from '../src/attributes.ts';
import type { ReadableSpan } from '../src/export/readable-span.ts';
import { faultCounts, resetFaults } from '../src/faults.ts';
import { collectSpans } from '../src/testing/index.ts';
import { throwingProxy } from './support/hostile.ts';

afterEach(() => resetFaults());

const throws = (): never => {
  throw new Error('read');
};
const cyclicObject: Record<string, unknown> = { a: 1 };
cyclicObject.self = cyclicObject;
const cyclicList: unknown[] = [1];
cyclicList.push([cyclicList]);
let bomb: unknown[] = ['x'];
for (let i = 0; i < 60; i++) bomb = [bomb, bomb];

const KEPT: Array<[what: string, given: unknown, kept: unknown]> = [
  ['a text', 'ä', 'ä'],
  ['an empty text', '', ''],
  ['a number', 0.5, 0.5],
  ['NaN', Number.NaN, Number.NaN],
  ['a bigint within int64', 2n ** 63n - 1n, 2n ** 63n - 1n],
  ['the lowest int64', -(2n ** 63n), -(2n ** 63n)],
  ['the first bigint beyond int64, as text', 2n ** 63n, '9223372036854775808'],
  ['the first bigint below int64, as text', -(2n ** 63n) - 1n, '-9223372036854775809'],
  ['a Date, as ISO text', new Date(0), '1970-01-01T00:00:00.000Z'],
  ['bytes', new Uint8Array([1, 2]), new Uint8Array([1, 2])],
  ['a Buffer, as bytes', Buffer.from([1, 2]), new Uint8Array([1, 2])],
  ['a list with gaps', [1, null, undefined, 'a'], [1, null, null, 'a']],
  ['a list in which one value is none', [1, throws, Symbol('s')], [1, null, null]],
  [
    'an object',
    { a: 1, b: null, c: { d: [true] } },
    new Map<string, unknown>([
      ['a', 1],
      ['c', new Map([['d', [true]]])],
    ]),
  ],
  ['an object without prototype', Object.assign(Object.create(null) as object, { a: 1 }), new Map([['a', 1]])],
  ['__proto__ inside', JSON.parse('{"__proto__":{"x":1}}'), new Map([['__proto__', new Map([['x', 1]])]])],
  ['the same object twice, side by side', [[cyclicObject.a], [cyclicObject.a]], [[1], [1]]],
  ['an object whose toJSON throws, without it', { a: 1, toJSON: throws }, new Map([['a', 1]])],
];
for (const [what, given, kept] of KEPT) {
  test(`attribute value kept: ${what}`, () => assert.deepEqual(coerceValue(given, Number.POSITIVE_INFINITY), kept));
}

const REFUSED: Array<[what: string, given: unknown]> = [
  ['a symbol', Symbol('s')],
  ['a function', throws],
  ['an invalid Date', new Date(Number.NaN)],
  ['what only looks like a Date', Object.create(Date.prototype)],
  ['what only looks like bytes', Object.create(Uint8Array.prototype)],
  ['a Map', new Map()],
  ['an object of a class', new (class Order {})()],
  ['a promise', Promise.resolve(1)],
  ['a cyclic object', cyclicObject],
  ['a cyclic list', cyclicList],
  ['a list of lists with 2^60 members', bomb],
  ['a sparse list of four billion places', new Array(2 ** 32 - 1)],
  ['a getter that throws', Object.defineProperty({}, 'x', { enumerable: true, get: throws })],
  ['a proxy that throws', throwingProxy({})],
  ['a proxy of a list that throws', throwingProxy([])],
];
for (const [what, given] of REFUSED) {
  test(`attribute value left out and counted, wherever it stands: ${what}`, (t) => {
    assert.equal(coerceValue(given, Number.POSITIVE_INFINITY), undefined);
    const spans = collectSpans(t);
    const attributes = { first: 1, bad: given as string, last: 2 };
    const span = spans.tracing.provider.getTracer('t').startSpan('x', { attributes });
    span.setAttribute('set', given as string).setAttributes({ several: given as string, good: true });
    span.addEvent('e', attributes);
    span.end();
    const [got] = spans.all();
    assert.deepEqual({ ...got?.attributes }, { first: 1, last: 2, good: true });
    assert.deepEqual({ ...got?.events[0]?.attributes }, { first: 1, last: 2 });
    assert.equal(faultCounts().invalid_attribute, 4);
  });
}

test('a list of 65 536 values is kept, one more is left out', () => {
  const list = (length: number): unknown => coerceValue(new Array(length).fill(1), Number.POSITIVE_INFINITY);
  assert.equal((list(65_536) as unknown[]).length, 65_536);
  assert.equal(list(65_537), undefined);
});

test('63 lists around a value are kept whole, the 65th is empty', () => {
  const nested = (levels: number): unknown => {
    let value: unknown = 'bottom';
    for (let i = 0; i < levels; i++) value = [value];
    return coerceValue(value, Number.POSITIVE_INFINITY);
  };
  assert.match(JSON.stringify(nested(64)), /bottom/);
  assert.doesNotMatch(JSON.stringify(nested(65)), /bottom/);
});

test('a Buffer that changes after it was recorded leaves the recorded bytes alone', () => {
  const buffer = Buffer.from([1]);
  const kept = coerceValue(buffer, Number.POSITIVE_INFINITY);
  buffer[0] = 9;
  assert.deepEqual(kept, new Uint8Array([1]));
});

test('texts are cut by code point, inside lists and objects too, and never through a pair', () => {
  assert.equal(truncate('a😀b', 2), 'a😀');
  assert.equal(truncate('a😀b', 1), 'a');
  assert.equal(truncate('a😀b', 3), 'a😀b');
  assert.deepEqual(coerceValue(['😀😀😀', { k: 'abc' }], 2), ['😀😀', new Map([['k', 'ab']])]);
});

test('cutting a text of megabytes reads no more than the limit', () => {
  let read = 0;
  const text = 'x'.repeat(5_000_000);
  const charCodeAt = (at: number): number => {
    read++;
    return text.charCodeAt(at);
  };
  const counted = { length: text.length, charCodeAt, slice: text.slice.bind(text) };
  // The cast holds for what `truncate` uses of a text.
  assert.equal(truncate(counted as unknown as string, 1000).length, 1000);
  assert.ok(read <= 2000, `${read} characters were read`);
});

const KEYS: Array<[what: string, key: unknown, kept: string | undefined]> = [
  ['empty', '', undefined],
  ['no text', 7, undefined],
  ['a symbol', Symbol('s'), undefined],
  ['1024 characters', 'k'.repeat(1024), 'k'.repeat(1024)],
  ['1025 characters', 'k'.repeat(1025), 'k'.repeat(1024)],
  ['100 KB', 'k'.repeat(100_000), 'k'.repeat(1024)],
  ['line breaks', 'a\r\nb', 'a\r\nb'],
  ['__proto__', '__proto__', '__proto__'],
  ['constructor', 'constructor', 'constructor'],
  ['prototype', 'prototype', 'prototype'],
];
for (const [what, key, kept] of KEYS) {
  test(`attribute key: ${what}`, (t) => {
    const spans = collectSpans(t);
    const span = spans.tracing.provider.getTracer('t').startSpan('x');
    span.setAttribute(key as string, 'v');
    span.end();
    assert.deepEqual(Object.entries(spans.all()[0]?.attributes ?? {}), kept === undefined ? [] : [[kept, 'v']]);
    assert.equal(faultCounts().invalid_attribute, kept === undefined ? 1 : undefined);
    assert.equal(({} as { v?: string }).v, undefined);
  });
}

test('two keys that are the same after cutting are one attribute, with the last value', (t) => {
  const spans = collectSpans(t);
  const [a, b] = ['k'.repeat(1024), `${'k'.repeat(1024)}x`];
  const span = spans.tracing.provider.getTracer('t').startSpan('x', { attributes: { [a]: 1, [b]: 2 } });
  span.end();
  assert.deepEqual(Object.entries(spans.all()[0]?.attributes ?? {}), [[a, 2]]);
});

test('the keys that came first stay, and a key that is there can still be changed at the limit', (t) => {
  const spans = collectSpans(t);
  const attributes = Object.fromEntries(Array.from({ length: 130 }, (_, i) => [`k${i}`, i]));
  const span = spans.tracing.provider.getTracer('t').startSpan('x', { attributes });
  span.setAttribute('k0', 'changed').setAttribute('one more', 1);
  span.end();
  const got = spans.all()[0]?.span as ReadableSpan;
  assert.deepEqual([Object.keys(got.attributes).length, got.attributes.k0, got.attributes.k127], [128, 'changed', 127]);
  assert.equal(got.droppedAttributesCount, 3);
});

const NAMES: Array<[what: string, name: unknown, kept: string]> = [
  ['undefined', undefined, 'unknown'],
  ['a symbol', Symbol('s'), 'unknown'],
  ['an object', { toString: () => 'named' }, 'named'],
  ['an object that throws', { toString: throws, [Symbol.toPrimitive]: throws }, 'unknown'],
  ['a proxy that throws', throwingProxy({}), 'unknown'],
  ['a list, whose text can be endless', bomb, 'unknown'],
  ['null', null, 'null'],
  ['a number', 7, '7'],
];
for (const [what, name, kept] of NAMES) {
  test(`span and event name: ${what}`, (t) => {
    const spans = collectSpans(t);
    const span = spans.tracing.provider.getTracer('t').startSpan(name as string);
    span.addEvent(name as string);
    span.end();
    const [got] = spans.all();
    assert.deepEqual([got?.name, got?.events[0]?.name], [kept, kept]);
  });
}

const TIMES: Array<[what: string, time: unknown]> = [
  ['NaN', Number.NaN],
  ['Infinity', Number.POSITIVE_INFINITY],
  ['below zero', -1],
  ['an invalid Date', new Date(Number.NaN)],
  ['what only looks like a Date', Object.create(Date.prototype)],
  ['a pair that is none', ['1', {}]],
  ['a pair of lists whose text is endless', [bomb, bomb]],
  ['the first second behind the year 2262', [9_223_372_037, 0]],
  ['the largest safe integer of seconds', [Number.MAX_SAFE_INTEGER, 0]],
  ['the last Date there is', new Date(8.64e15)],
  ['a proxy that throws', throwingProxy([])],
];
for (const [what, time] of TIMES) {
  test(`time replaced by now and counted: ${what}`, (t) => {
    const spans = collectSpans(t);
    const tracer = spans.tracing.provider.getTracer('t');
    const span = tracer.startSpan('x', { startTime: time as number });
    span.addEvent('e', {}, time as number);
    span.end(time as number);
    const got = spans.all()[0]?.span as ReadableSpan;
    for (const [seconds] of [got.startTime, got.events[0]?.time ?? [0], got.endTime]) {
      assert.ok(Math.abs(seconds - Date.now() / 1000) < 60, `${seconds}`);
    }
    assert.equal(faultCounts().invalid_time, 3);
  });
}

for (const time of [new Date(0), [0, 0], [0, 0.25], [9_223_372_036, 0]] as const) {
  test(`time kept to the nanosecond: ${JSON.stringify(time)}`, (t) => {
    const spans = collectSpans(t);
    const span = spans.tracing.provider.getTracer('t').startSpan('x', { startTime: [0, 0] });
    span.addEvent('e', {}, time as unknown as [number, number]);
    span.end(time as unknown as [number, number]);
    const got = spans.all()[0]?.span as ReadableSpan;
    const expected = time instanceof Date ? [0, 0] : [time[0], Math.round(time[1])];
    assert.deepEqual([got.events[0]?.time, got.endTime], [expected, expected]);
  });
}

const LINKS: Array<[what: string, link: unknown]> = [
  ['null', null],
  ['a context that is null', { context: null }],
  ['ids that are none', { context: { traceId: 'x', spanId: 7, traceFlags: 1 } }],
  ['a proxy that throws', throwingProxy({})],
  ['a context that throws', { context: throwingProxy({}) }],
];
for (const [what, link] of LINKS) {
  test(`link ignored and counted: ${what}`, (t) => {
    const spans = collectSpans(t);
    const good = { context: { traceId: '1'.repeat(32), spanId: '2'.repeat(16), traceFlags: 1 } };
    const span = spans.tracing.provider.getTracer('t').startSpan('x', { links: [link as typeof good, good] });
    span.addLink(link as typeof good).addLinks([link as typeof good]);
    span.end();
    assert.equal(spans.all()[0]?.links.length, 1);
    assert.equal(faultCounts().invalid_link, 3);
  });
}

const cause = (length: number): Error => {
  let error = new Error('cause 0');
  for (let i = 1; i < length; i++) error = new Error(`cause ${i}`, { cause: error });
  return error;
};
const unreadable = (name: string): Error => Object.defineProperty(new Error('m'), name, { get: throws });
const cyclicCause = cause(3);
((cyclicCause.cause as Error).cause as Error).cause = cyclicCause;
const ERRORS: Array<[what: string, error: unknown, message: string | undefined]> = [
  ['a cyclic cause', cyclicCause, 'cause 2'],
  ['a message that throws', unreadable('message'), undefined],
  ['a stack that throws', unreadable('stack'), 'm'],
  ['a cause that throws', unreadable('cause'), 'm'],
  ['a name that throws', unreadable('name'), 'm'],
  ['an AggregateError', new AggregateError([new Error('a'), 7], 'several'), 'several'],
  ['undefined', undefined, 'undefined'],
  ['a text', 'text', 'text'],
  ['a symbol', Symbol('s'), 'Symbol(s)'],
  ['a proxy that throws', throwingProxy({}), 'unknown'],
  ['an object of nothing', Object.create(null), 'unknown'],
];
for (const [what, error, message] of ERRORS) {
  test(`exception recorded as far as it can be read: ${what}`, (t) => {
    const event = exceptionEvent(t, error);
    assert.equal(event['exception.message'], message);
    assert.ok(event['exception.type'] !== undefined || message !== undefined);
  });
}

test('of a chain of causes eight are recorded, and 32 768 characters of stack', (t) => {
  assert.equal(String(exceptionEvent(t, cause(8))['exception.stacktrace']).split('Caused by: ').length, 8);
  assert.equal(String(exceptionEvent(t, cause(100))['exception.stacktrace']).split('Caused by: ').length, 8);
  const error = new Error('m');
  error.stack = 'x'.repeat(5_000_000);
  assert.equal(String(exceptionEvent(t, error)['exception.stacktrace']).length, 32_768);
});

function exceptionEvent(t: { after(fn: () => void | Promise<void>): void }, error: unknown): Record<string, unknown> {
  const spans = collectSpans(t);
  const span: Span = spans.tracing.provider.getTracer('t').startSpan('x');
  span.recordException(error as Error);
  span.end();
  return spans.all()[0]?.events[0]?.attributes ?? {};
}
