import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { type Context, propagation, type TextMapPropagator, trace } from '@opentelemetry/api';
import { baggageOf, ROOT, suppressIn, withBaggageIn, withSpanIn } from '../src/context.ts';
import { faultCounts, resetFaults } from '../src/faults.ts';
import { type HeaderCarrier, headerGetter, headerSetter } from '../src/propagation/carrier.ts';
import { createPropagator } from '../src/propagation/composite.ts';
import { NonRecordingSpan } from '../src/span-context.ts';

afterEach(() => resetFaults());

const VALID = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

/** A propagator that reads and writes one header of its own. */
function foreign(overrides: Partial<TextMapPropagator> = {}): TextMapPropagator {
  const span = new NonRecordingSpan(9, 9, 9, 9, 9, 9, 1, true, undefined);
  return {
    inject: (_, carrier, setter) => setter.set(carrier, 'x-own', '1'),
    extract: (context, carrier, getter) => {
      if (getter.get(carrier, 'x-own') === undefined) return context;
      // It replaces the baggage, as some propagators do.
      return withBaggageIn(withSpanIn(context, span), propagation.createBaggage({ own: { value: '1' } }));
    },
    fields: () => ['x-own', 'traceparent'],
    ...overrides,
  };
}

const traceIdOf = (context: Context): string | undefined => trace.getSpanContext(context)?.traceId;

test('the first propagator that finds a valid span wins, in either order', () => {
  const carrier = { traceparent: VALID, 'x-own': '1' };
  const first = createPropagator(['tracecontext', foreign()]).extract(ROOT, carrier, headerGetter);
  assert.equal(traceIdOf(first), '0af7651916cd43dd8448eb211c80319c');
  const second = createPropagator([foreign(), 'tracecontext']).extract(ROOT, carrier, headerGetter);
  assert.equal(traceIdOf(second), '00000009000000090000000900000009');
});

test('a later propagator wins when the earlier ones found nothing valid', () => {
  const carrier = { traceparent: 'malformed', 'x-own': '1' };
  const context = createPropagator(['tracecontext', foreign()]).extract(ROOT, carrier, headerGetter);
  assert.equal(traceIdOf(context), '00000009000000090000000900000009');
});

test('a span that was active before counts as nothing found', () => {
  const active = withSpanIn(ROOT, new NonRecordingSpan(1, 1, 1, 1, 1, 1, 1, false, undefined));
  const context = createPropagator(['tracecontext', 'baggage']).extract(active, { traceparent: VALID }, headerGetter);
  assert.equal(traceIdOf(context), '0af7651916cd43dd8448eb211c80319c');
});

test('baggage of all propagators is merged', () => {
  const carrier = { baggage: 'a=1,own=2', 'x-own': '1' };
  const context = createPropagator(['baggage', foreign()]).extract(ROOT, carrier, headerGetter);
  const entries = baggageOf(context)
    ?.getAllEntries()
    .map(([key, { value }]) => `${key}=${value}`);
  assert.deepEqual(entries?.sort(), ['a=1', 'own=1']);
});

test('every propagator writes its headers', () => {
  const propagator = createPropagator(['tracecontext', 'baggage', foreign()]);
  const context = propagator.extract(ROOT, { traceparent: VALID, baggage: 'a=1' }, headerGetter);
  const carrier: HeaderCarrier = {};
  propagator.inject(context, carrier, headerSetter);
  assert.deepEqual(carrier, { traceparent: VALID, baggage: 'a=1', 'x-own': '1' });
  assert.deepEqual(propagator.fields(), ['traceparent', 'tracestate', 'baggage', 'x-own']);
});

test('headers of Node.js without ours cost two property reads', () => {
  const reads: unknown[] = [];
  const headers = new Proxy({}, { get: (_, name) => void reads.push(name) });
  assert.equal(createPropagator(['tracecontext', 'baggage']).extract(ROOT, headers, headerGetter), ROOT);
  assert.deepEqual(reads, ['traceparent', 'baggage']);
});

test('a foreign propagator that throws is a fault, and the others still run', () => {
  const throws = (): never => assert.fail('broken');
  const broken = foreign({ inject: throws, extract: throws, fields: throws });
  const propagator = createPropagator([broken, 'tracecontext']);
  const context = propagator.extract(ROOT, { traceparent: VALID }, headerGetter);
  const carrier: HeaderCarrier = {};
  propagator.inject(context, carrier, headerSetter);
  assert.deepEqual(carrier, { traceparent: VALID });
  assert.deepEqual(propagator.fields(), ['traceparent', 'tracestate']);
  assert.equal(faultCounts().propagator_threw, 3);
});

test('a foreign propagator writes legal headers only, and none in a suppressed context', () => {
  const illegal = foreign({
    inject: (_, carrier, setter) => {
      setter.set(carrier, 'x-own', 'kept');
      setter.set(carrier, 'x-break', '1\r\nx: 2');
      setter.set(carrier, 'x-wide', 'ä');
      setter.set(carrier, 'x name', '1');
      setter.set(carrier, 'x-number', 7 as unknown as string);
    },
  });
  const propagator = createPropagator([illegal]);
  const carrier: HeaderCarrier = {};
  propagator.inject(ROOT, carrier, headerSetter);
  propagator.inject(suppressIn(ROOT), carrier, { set: () => assert.fail('written in a suppressed context') });
  assert.deepEqual(carrier, { 'x-own': 'kept' });
  assert.equal(faultCounts().invalid_header, 4);
});

test('fields are asked for once, and what a caller does to the list is its own', () => {
  let asked = 0;
  const counting = foreign({ fields: () => [`x-${++asked}`, 7 as unknown as string] });
  const propagator = createPropagator(['tracecontext', counting]);
  propagator.fields().pop();
  assert.deepEqual(propagator.fields(), ['traceparent', 'tracestate', 'x-1']);
  assert.equal(asked, 1);
});

test('a foreign propagator that returns no context changes nothing', () => {
  const broken = foreign({ extract: () => undefined as unknown as Context });
  assert.equal(createPropagator([broken]).extract(ROOT, {}, headerGetter), ROOT);
});

test('a name given twice is used once', () => {
  assert.deepEqual(createPropagator(['baggage', 'baggage']).fields(), ['baggage']);
});

test('an empty list carries nothing', () => {
  const none = createPropagator([]);
  assert.equal(none.extract(ROOT, { traceparent: VALID }, headerGetter), ROOT);
  assert.deepEqual(none.fields(), []);
});

const REFUSED: Array<[given: unknown, message: RegExp]> = [
  ['tracecontxt', /no propagator "tracecontxt", did you mean "tracecontext"\?/],
  ['__proto__', /no propagator "__proto__", known are: /],
  [{}, /must be a name or have inject and extract, got an object/],
  [null, /got null/],
  [() => 1, /got a function/],
];
for (const [given, message] of REFUSED) {
  test(`not accepted as a propagator: ${String(given)}`, () => {
    // The cast stands for an application in JavaScript.
    assert.throws(() => createPropagator([given as 'baggage']), { code: 'CLEW_ERR_OPTION', message });
  });
}
