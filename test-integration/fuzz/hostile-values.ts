/** What an application can hand over where a text, a number, an object or a function is expected. */

/** Makes the value anew for each call: some of them change when they are used. */
export type HostileValue = readonly [name: string, make: () => unknown];

const boom = (): never => {
  throw new Error('the application threw');
};

/** A proxy whose every trap throws. */
export function throwingProxy(target: object): object {
  return new Proxy(target, new Proxy({}, { get: () => boom }));
}

function revoked(target: object): object {
  const { proxy, revoke } = Proxy.revocable(target, {});
  revoke();
  return proxy;
}

function cyclic(): unknown {
  const object: Record<string, unknown> = { a: 1 };
  object.self = object;
  return object;
}

/** Sixty lists, each holding the one below twice: 2^60 members for who walks them all. */
function bomb(): unknown {
  let list: unknown[] = ['x'];
  for (let i = 0; i < 60; i++) list = [list, list];
  return list;
}

function deep(levels: number): unknown {
  let value: unknown = 'bottom';
  for (let i = 0; i < levels; i++) value = i % 2 === 0 ? [value] : { deeper: value };
  return value;
}

function errorChain(length: number, isCyclic: boolean): Error {
  const last = new Error('cause 0');
  let error = last;
  for (let i = 1; i < length; i++) error = new Error(`cause ${i}`, { cause: error });
  if (isCyclic) last.cause = error;
  return error;
}

function errorWith(name: string): Error {
  return Object.defineProperty(new Error('m'), name, { get: boom });
}

function neverSettles(): Promise<never> {
  return new Promise(() => {});
}

function rejects(): Promise<never> {
  const promise = Promise.reject(new Error('the application rejected'));
  // As a value it is the application's to handle; what is tried here is that nobody stumbles over it.
  promise.catch(() => {});
  return promise;
}

/** Every row of the table of hostile input, and some more. */
export const HOSTILE_VALUES: readonly HostileValue[] = [
  ['undefined', () => undefined],
  ['null', () => null],
  ['an empty text', () => ''],
  ['a lone surrogate', () => 'a\ud800b'],
  ['a low surrogate', () => '\udc00'],
  ['NUL and line breaks', () => 'a\0b\r\nX: 1'],
  ['a long text', () => 'x'.repeat(100_000)],
  ['a long text of pairs', () => '😀'.repeat(2000)],
  ['__proto__', () => '__proto__'],
  ['constructor', () => 'constructor'],
  ['prototype', () => 'prototype'],
  ['true', () => true],
  ['0', () => 0],
  ['-0', () => -0],
  ['NaN', () => Number.NaN],
  ['Infinity', () => Number.POSITIVE_INFINITY],
  ['-1', () => -1],
  ['a fraction', () => 0.1],
  ['2^53', () => 2 ** 53],
  ['1e300', () => 1e300],
  ['1n', () => 1n],
  ['2n ** 63n', () => 2n ** 63n],
  ['a huge bigint', () => 10n ** 500n],
  ['a symbol', () => Symbol('s')],
  ['a function', () => () => 'called'],
  ['a function that throws', () => boom],
  ['a function that rejects', () => rejects],
  ['an async function that throws', () => async () => boom()],
  ['a function that never settles', () => neverSettles],
  ['a class', () => class Thing {}],
  ['a promise that rejects', rejects],
  ['a promise that never settles', neverSettles],
  // biome-ignore lint/suspicious/noThenProperty: an object of the application's may have one.
  ['a thenable that throws', () => ({ then: boom })],
  ['an object whose then throws', () => Object.defineProperty({}, 'then', { enumerable: true, get: boom })],
  ['an empty object', () => ({})],
  ['an object without prototype', () => Object.assign(Object.create(null) as object, { a: 1 })],
  ['JSON with __proto__', () => JSON.parse('{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}')],
  ['a cyclic object', cyclic],
  ['a list in itself', () => [cyclic()]],
  ['a bomb of lists', bomb],
  ['100 levels', () => deep(100)],
  ['10 000 levels', () => deep(10_000)],
  ['a sparse list', () => new Array(4_294_967_295)],
  ['a list of everything', () => [1, 'a', null, undefined, true, 1n, [2], { b: 3 }, Symbol('s'), boom]],
  ['a long list', () => Array.from({ length: 70_000 }, (_, i) => i)],
  ['a getter that throws', () => Object.defineProperty({ a: 1 }, 'b', { enumerable: true, get: boom })],
  ['toJSON that throws', () => ({ toJSON: boom, a: 1 })],
  ['toString that throws', () => ({ toString: boom, [Symbol.toPrimitive]: boom })],
  ['toString that gives no text', () => ({ toString: () => ({}) })],
  ['a proxy that throws', () => throwingProxy({})],
  ['a list behind a proxy that throws', () => throwingProxy([])],
  ['a function behind a proxy that throws', () => throwingProxy(() => 1)],
  ['a revoked proxy', () => revoked({})],
  ['a revoked list', () => revoked([])],
  ['a Map', () => new Map([['a', 1]])],
  ['a Set', () => new Set([1])],
  ['a Date', () => new Date(0)],
  ['an invalid Date', () => new Date(Number.NaN)],
  ['the last Date', () => new Date(8.64e15)],
  ['what only looks like a Date', () => Object.create(Date.prototype)],
  ['what only looks like bytes', () => Object.create(Uint8Array.prototype)],
  ['bytes', () => new Uint8Array([0, 255])],
  ['a Buffer', () => Buffer.from('ab')],
  ['a time behind the year 2262', () => [9_007_199_254_740_991, 0]],
  ['a time of no numbers', () => ['1', {}]],
  ['a time below zero', () => [-1, -1]],
  ['an error', () => new Error('m')],
  ['an error with a cyclic cause', () => errorChain(3, true)],
  ['an error with a hundred causes', () => errorChain(100, false)],
  ['an AggregateError', () => new AggregateError([new Error('a'), 7, null], 'several')],
  ['an error whose message throws', () => errorWith('message')],
  ['an error whose stack throws', () => errorWith('stack')],
  ['an error whose cause throws', () => errorWith('cause')],
  ['an error whose name throws', () => errorWith('name')],
  ['a frozen error', () => Object.freeze(new Error('m'))],
  ['a span context of nonsense', () => ({ traceId: 'x', spanId: 7, traceFlags: 'f', traceState: 'a=1' })],
  ['a span context that throws', () => throwingProxy({ traceId: '1'.repeat(32), spanId: '2'.repeat(16) })],
  [
    'a span context with a broken trace state',
    () => ({ traceId: '1'.repeat(32), spanId: '2'.repeat(16), traceFlags: 511, traceState: { serialize: boom } }),
  ],
  ['a link without context', () => ({ context: null, attributes: { a: 1 } })],
  ['a list of broken links', () => [null, {}, { context: null }, throwingProxy({}), 7]],
  ['a status of nonsense', () => ({ code: 99, message: Symbol('s') })],
];
