import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import type { ROOT_CONTEXT, TextMapGetter, TextMapSetter } from '@opentelemetry/api';
import { ROOT } from '../src/context.ts';
import { faultCounts, resetFaults } from '../src/faults.ts';
import {
  type AnyCaseCarrier,
  anyCaseGetter,
  environmentGetter,
  environmentSetter,
  headerGetter,
  headerSetter,
} from '../src/propagation/carrier.ts';
import { createPropagator, PROPAGATOR_NAMES, type PropagatorName } from '../src/propagation/composite.ts';
import { baggageIn, extract, foundIn, inject } from './support/headers.ts';
import { throwingProxy } from './support/hostile.ts';

afterEach(() => resetFaults());

const T = '0af7651916cd43dd8448eb211c80319c';
const S = 'b7ad6b7169203331';
const VALID = `00-${T}-${S}-01`;
const FOUND = `${T}-${S}-1`;
const w3c = createPropagator(['tracecontext', 'baggage']);

const CARRIERS: Array<[what: string, carrier: AnyCaseCarrier, found: string, baggage: Record<string, string>]> = [
  ['an object', { Traceparent: VALID, BAGGAGE: 'a=1' }, FOUND, { a: '1' }],
  ['an object with values in arrays', { TraceParent: [VALID], Baggage: ['a=1', 'b=2'] }, FOUND, { a: '1', b: '2' }],
  ['Headers of fetch', new Headers({ Traceparent: VALID, Baggage: 'a=1' }), FOUND, { a: '1' }],
  [
    'Headers with a repeated list',
    new Headers([
      ['baggage', 'a=1'],
      ['Baggage', 'b=2'],
    ]),
    'nothing',
    { a: '1', b: '2' },
  ],
  [
    'a Map',
    new Map([
      ['Traceparent', VALID],
      ['Baggage', 'a=1'],
    ]),
    FOUND,
    { a: '1' },
  ],
  [
    'a list of pairs',
    [
      ['TRACEPARENT', VALID],
      ['baggage', 'a=1'],
      ['Baggage', 'b=2'],
    ],
    FOUND,
    { a: '1', b: '2' },
  ],
  ['a name that is there in two cases', { traceparent: VALID, Traceparent: VALID }, 'nothing', {}],
  [
    'pairs with a repeated traceparent',
    [
      ['traceparent', VALID],
      ['traceparent', VALID],
    ],
    'nothing',
    {},
  ],
  [
    'Headers with a repeated traceparent',
    new Headers([
      ['traceparent', VALID],
      ['traceparent', VALID],
    ]),
    'nothing',
    {},
  ],
  ['an object without ours', { Accept: '*/*' }, 'nothing', {}],
  ['an empty list', [], 'nothing', {}],
];
for (const [what, carrier, found, baggage] of CARRIERS) {
  test(`names in any case: ${what}`, () => {
    const context = w3c.extract(ROOT, carrier, anyCaseGetter);
    assert.equal(foundIn(context), found);
    assert.deepEqual(baggageIn(context), baggage);
  });
}

/** One header set that each format finds, and what it writes of it. */
const HEADERS: Record<Exclude<PropagatorName, 'baggage'>, Record<string, string>> = {
  tracecontext: { traceparent: VALID, tracestate: 'a=1' },
  b3: { b3: `${T}-${S}-1` },
  b3multi: { 'x-b3-traceid': T, 'x-b3-spanid': S, 'x-b3-sampled': '1' },
  jaeger: { 'uber-trace-id': `${T}:${S}:0:01`, 'uberctx-k': 'v' },
  xray: { 'x-amzn-trace-id': `Root=1-${T.slice(0, 8)}-${T.slice(8)};Parent=${S};Sampled=1` },
  ottrace: {
    'ot-tracer-traceid': T.slice(16),
    'ot-tracer-spanid': S,
    'ot-tracer-sampled': 'true',
    'ot-baggage-k': 'v',
  },
  datadog: {
    'x-datadog-trace-id': BigInt(`0x${T.slice(16)}`).toString(),
    'x-datadog-parent-id': BigInt(`0x${S}`).toString(),
    'x-datadog-sampling-priority': '1',
    'x-datadog-tags': `_dd.p.tid=${T.slice(0, 16)}`,
  },
};
const NO_UPPER_HALF = `${'0'.repeat(16)}${T.slice(16)}-${S}-1`;
for (const [name, headers] of Object.entries(HEADERS)) {
  const propagator = createPropagator([name as PropagatorName]);
  const found = name === 'ottrace' ? NO_UPPER_HALF : FOUND;

  test(`${name}: names in any case are read, and written in lower case`, () => {
    const shouted = Object.fromEntries(Object.entries(headers).map(([key, value]) => [key.toUpperCase(), value]));
    const context = propagator.extract(ROOT, shouted, anyCaseGetter);
    assert.equal(foundIn(context), found);
    const written = inject(propagator, context);
    // Names of baggage keep the case in which they came, and are headers in lower case.
    assert.deepEqual(written, headers);
  });

  test(`${name}: a header that came twice is no trace`, () => {
    const twice = Object.fromEntries(Object.entries(headers).map(([key, value]) => [key, [value, value]]));
    assert.equal(foundIn(extract(propagator, twice)), 'nothing');
    const joined = Object.fromEntries(Object.entries(headers).map(([key, value]) => [key, `${value}, ${value}`]));
    assert.equal(foundIn(extract(propagator, joined)), 'nothing');
  });

  test(`${name}: one value in an array is read`, () => {
    const wrapped = Object.fromEntries(Object.entries(headers).map(([key, value]) => [key, [value]]));
    assert.equal(foundIn(extract(propagator, wrapped)), found);
  });

  test(`${name}: a child process finds it in its environment`, () => {
    const context = extract(propagator, headers);
    const env: NodeJS.ProcessEnv = {};
    propagator.inject(context, env, environmentSetter);
    for (const key of Object.keys(env)) assert.match(key, /^[A-Z0-9_]+$/);
    assert.equal(Object.keys(env).length, Object.keys(headers).length);
    assert.equal(foundIn(propagator.extract(ROOT, env, environmentGetter)), found);
  });
}

test('names of the environment in lower case are not ours', () => {
  assert.equal(foundIn(w3c.extract(ROOT, { traceparent: VALID }, environmentGetter)), 'nothing');
});

const throws = (): never => assert.fail('the carrier threw');
const HOSTILE_GETTERS: Array<[what: string, getter: unknown]> = [
  ['get throws', { get: throws, keys: throws }],
  ['get gives a proxy that throws', { get: () => throwingProxy([]), keys: () => throwingProxy([]) }],
  ['get gives a revoked proxy', { get: revoked, keys: revoked }],
  ['get gives an endless sparse list', { get: () => new Array(2 ** 32 - 1), keys: () => ['uberctx-a'] }],
  ['get gives what is no text', { get: () => ({ toString: throws }), keys: () => [Symbol('s'), 7, null, {}] }],
  ['keys gives nothing', { get: () => undefined, keys: () => undefined }],
  ['it has no methods', {}],
  ['it is missing', undefined],
];
const HOSTILE_CARRIERS: Array<[what: string, carrier: unknown]> = [
  ['nothing', undefined],
  ['null', null],
  ['a text', 'traceparent'],
  ['a symbol', Symbol('s')],
  ['a proxy that throws', throwingProxy({})],
  ['a revoked proxy', revoked()],
  ['a frozen object', Object.freeze({})],
  ['a getter that throws', Object.freeze(Object.defineProperty({}, 'traceparent', { enumerable: true, get: throws }))],
];
const HOSTILE_CONTEXTS: Array<[what: string, context: unknown]> = [
  ['nothing', undefined],
  ['null', null],
  ['a text', 'context'],
  ['a proxy that throws', throwingProxy({})],
  ['one whose methods throw', { getValue: throws, setValue: throws, deleteValue: throws }],
  ['one that holds nothing usable', { getValue: () => throwingProxy({}), setValue: () => null, deleteValue: throws }],
];
for (const name of [...PROPAGATOR_NAMES, 'all'] as const) {
  const propagator = createPropagator(name === 'all' ? PROPAGATOR_NAMES : [name]);
  const context = extract(createPropagator(PROPAGATOR_NAMES), { traceparent: VALID, baggage: 'a=1' });
  // The casts stand for applications in JavaScript.
  test(`${name}: getters, setters and carriers that throw or give nonsense harm nobody`, () => {
    for (const [what, getter] of HOSTILE_GETTERS) {
      assert.equal(propagator.extract(ROOT, {}, getter as TextMapGetter), ROOT, what);
      propagator.inject(context, {}, getter as TextMapSetter);
    }
    for (const [what, carrier] of HOSTILE_CARRIERS) {
      assert.equal(foundIn(propagator.extract(ROOT, carrier, headerGetter as TextMapGetter)), 'nothing', what);
      assert.equal(foundIn(propagator.extract(ROOT, carrier, anyCaseGetter as TextMapGetter)), 'nothing', what);
      propagator.inject(context, carrier, headerSetter as TextMapSetter);
    }
    assert.ok((faultCounts().carrier_threw ?? 0) > 0, 'what was thrown is counted');
  });

  test(`${name}: a context that cannot be read counts as an empty one`, () => {
    for (const [, broken] of HOSTILE_CONTEXTS) {
      propagator.inject(broken as typeof ROOT_CONTEXT, {}, headerSetter);
      propagator.extract(broken as typeof ROOT_CONTEXT, inject(propagator, context), headerGetter);
    }
  });
}

test('a trace that was found survives a tracestate and a baggage that throw when they are read', () => {
  const getter: TextMapGetter = {
    keys: () => [],
    get: (_, key) => (key === 'traceparent' ? VALID : (throwingProxy([]) as string[])),
  };
  assert.equal(foundIn(w3c.extract(ROOT, {}, getter)), FOUND);
  assert.equal(faultCounts().carrier_threw, 2);
});

test('of a list header that came in very many pieces the first 256 are read', () => {
  const many = Array.from({ length: 300 }, () => '');
  assert.deepEqual(baggageIn(extract(w3c, { baggage: many.with(255, 'a=1') })), { a: '1' });
  assert.deepEqual(baggageIn(extract(w3c, { baggage: many.with(256, 'a=1') })), {});
});

function revoked(): object {
  const { proxy, revoke } = Proxy.revocable([], {});
  revoke();
  return proxy;
}
