import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ROOT_CONTEXT, type SpanContext, trace } from '@opentelemetry/api';
import { ROOT, spanOf, suppressIn, withSpanIn } from '../src/context.ts';
import { anyCaseGetter, type HeaderCarrier, headerGetter, headerSetter } from '../src/propagation/carrier.ts';
import { formatTraceparent, parseTraceparent, TraceContextPropagator } from '../src/propagation/traceparent.ts';
import { NonRecordingSpan } from '../src/span-context.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const SPAN = 'b7ad6b7169203331';
const VALID = `00-${TRACE}-${SPAN}-01`;

const ACCEPTED: Array<[what: string, header: string, flags: number]> = [
  ['sampled', VALID, 1],
  ['not sampled', `00-${TRACE}-${SPAN}-00`, 0],
  ['random', `00-${TRACE}-${SPAN}-02`, 2],
  ['unknown flags are cleared', `00-${TRACE}-${SPAN}-ff`, 3],
  ['only unknown flags', `00-${TRACE}-${SPAN}-fc`, 0],
  ['blanks around', ` \t${VALID}\t `, 1],
  ['version 01 of the same length', `01-${TRACE}-${SPAN}-01`, 1],
  ['version cc with more fields', `cc-${TRACE}-${SPAN}-01-what-the-future-will-be-like`, 1],
  ['version fe ending in a dash', `fe-${TRACE}-${SPAN}-01-`, 1],
  ['lowest ids', `00-${'1'.padStart(32, '0')}-${'1'.padStart(16, '0')}-00`, 0],
  ['highest ids', `00-${'f'.repeat(32)}-${'f'.repeat(16)}-00`, 0],
];

const REFUSED: Array<[what: string, header: string]> = [
  ['empty', ''],
  ['blanks', '   '],
  ['version ff', `ff-${TRACE}-${SPAN}-01`],
  ['version in upper case', `0A-${TRACE}-${SPAN}-01`],
  ['version of one digit', `0-${TRACE}-${SPAN}-01`],
  ['version that is no hex', `.0-${TRACE}-${SPAN}-01`],
  ['version 00, 54 characters', VALID.slice(0, 54)],
  ['version 00, 56 characters', `${VALID}0`],
  ['version 00 with more fields', `${VALID}-01`],
  ['version 01 with more fields and no dash', `01-${TRACE}-${SPAN}-01.what`],
  ['two values joined by a comma', `${VALID}, ${VALID}`],
  ['trace id all zero', `00-${'0'.repeat(32)}-${SPAN}-01`],
  ['span id all zero', `00-${TRACE}-${'0'.repeat(16)}-01`],
  ['trace id in upper case', `00-${TRACE.toUpperCase()}-${SPAN}-01`],
  ['span id in upper case', `00-${TRACE}-${SPAN.toUpperCase()}-01`],
  ['flags in upper case', `00-${TRACE}-${SPAN}-0A`],
  ['flags that are no hex', `00-${TRACE}-${SPAN}-0x`],
  ['a letter behind f', `00-g${TRACE.slice(1)}-${SPAN}-01`],
  ['a character whose low byte is a digit', `00-${TRACE.slice(1)}\u0130-${SPAN}-01`],
  ['first dash missing', `00.${TRACE}-${SPAN}-01`],
  ['second dash missing', `00-${TRACE}.${SPAN}-01`],
  ['third dash missing', `00-${TRACE}-${SPAN}.01`],
  ['a line break behind', `${VALID}\n`],
];

for (const [what, header, flags] of ACCEPTED) {
  test(`Trace Context "Versioning of traceparent": accepted: ${what}`, () => {
    const span = parseTraceparent(header);
    assert.ok(span);
    const text = header.trim();
    const expected: SpanContext = {
      traceId: text.slice(3, 35),
      spanId: text.slice(36, 52),
      traceFlags: flags,
      isRemote: true,
    };
    assert.deepEqual(span.spanContext(), expected);
    assert.equal(formatTraceparent(span), `00-${text.slice(3, 52)}-0${flags}`);
  });
}

for (const [what, header] of REFUSED) {
  test(`Trace Context "traceparent Header Field Values": refused: ${what}`, () => {
    assert.equal(parseTraceparent(header), undefined);
    assert.ok(parseTraceparent(VALID), 'a refused header does not spoil the next one');
  });
}

test('a refused header leaves the context as it was', () => {
  const propagator = new TraceContextPropagator();
  for (const [, header] of REFUSED) {
    assert.equal(propagator.extract(ROOT, { traceparent: header, tracestate: 'a=1' }, headerGetter), ROOT);
  }
});

const REPEATED: Array<[what: string, value: string | string[], found: boolean]> = [
  ['one value in an array', [VALID], true],
  ['two equal values', [VALID, VALID], false],
  ['a valid and a malformed value', [VALID, 'x'], false],
  ['no value', [], false],
];
for (const [what, value, found] of REPEATED) {
  test(`Trace Context "traceparent": exactly one header: ${what}`, () => {
    const context = new TraceContextPropagator().extract(ROOT, { traceparent: value }, headerGetter);
    assert.equal(spanOf(context) !== undefined, found);
  });
}

const TRACESTATES: Array<[what: string, header: string | string[] | undefined, serialized: string | undefined]> = [
  ['one header', 'a=1,b=2', 'a=1,b=2'],
  ['several headers in their order', ['a=1', 'b=2, c=3'], 'a=1,b=2, c=3'],
  ['malformed: only the trace state is dropped', 'a=1,B=2', undefined],
  ['missing', undefined, undefined],
  ['empty', '', undefined],
];
for (const [what, header, serialized] of TRACESTATES) {
  test(`Trace Context "tracestate": ${what}`, () => {
    const carrier = { traceparent: VALID, tracestate: header };
    const context = new TraceContextPropagator().extract(ROOT, carrier, headerGetter);
    assert.equal(trace.getSpanContext(context)?.traceId, TRACE);
    assert.equal(trace.getSpanContext(context)?.traceState?.serialize(), serialized);
  });
}

test('extract writes into a foreign context too', () => {
  const context = new TraceContextPropagator().extract(ROOT_CONTEXT, { traceparent: VALID }, headerGetter);
  assert.equal(trace.getSpanContext(context)?.spanId, SPAN);
});

test('inject writes the active span and its trace state', () => {
  const propagator = new TraceContextPropagator();
  const context = propagator.extract(ROOT, { traceparent: VALID, tracestate: 'a=1' }, headerGetter);
  const carrier: HeaderCarrier = {};
  propagator.inject(context, carrier, headerSetter);
  assert.deepEqual(carrier, { traceparent: VALID, tracestate: 'a=1' });
});

test('inject masks the flags of a foreign span and checks its trace state', () => {
  const traceState = {
    serialize: () => 'ok=1\r\nx: 1',
    get: () => undefined,
    set: () => traceState,
    unset: () => traceState,
  };
  const foreign = trace.wrapSpanContext({ traceId: TRACE, spanId: SPAN, traceFlags: 0xff, traceState });
  const carrier: HeaderCarrier = {};
  new TraceContextPropagator().inject(trace.setSpan(ROOT_CONTEXT, foreign), carrier, headerSetter);
  assert.deepEqual(carrier, { traceparent: `00-${TRACE}-${SPAN}-03` });
});

const NOTHING_TO_INJECT: Array<[what: string, context: typeof ROOT_CONTEXT]> = [
  ['without a span', ROOT],
  ['an invalid span', withSpanIn(ROOT, new NonRecordingSpan(0, 0, 0, 0, 1, 1, 1, false, undefined))],
  ['an invalid foreign span', trace.setSpanContext(ROOT_CONTEXT, { traceId: 'x', spanId: SPAN, traceFlags: 1 })],
  [
    'a suppressed context',
    suppressIn(new TraceContextPropagator().extract(ROOT, { traceparent: VALID }, headerGetter)),
  ],
];
for (const [what, context] of NOTHING_TO_INJECT) {
  test(`inject writes nothing: ${what}`, () => {
    const carrier: HeaderCarrier = {};
    new TraceContextPropagator().inject(context, carrier, headerSetter);
    assert.deepEqual(carrier, {});
  });
}

test('the headers of Node.js without traceparent cost one property read', () => {
  const reads: unknown[] = [];
  const headers = new Proxy(
    {},
    { get: (_, name) => void reads.push(name), ownKeys: () => assert.fail('names listed') },
  );
  assert.equal(new TraceContextPropagator().extract(ROOT, headers, headerGetter), ROOT);
  assert.deepEqual(reads, ['traceparent']);
});

test('a carrier with names in any case is read by anyCaseGetter', () => {
  const carrier = { Traceparent: VALID, TRACESTATE: 'a=1' };
  const context = new TraceContextPropagator().extract(ROOT, carrier, anyCaseGetter);
  assert.equal(trace.getSpanContext(context)?.traceState?.get('a'), '1');
});

test('a carrier that is missing or throws harms nobody', () => {
  const propagator = new TraceContextPropagator();
  const context = propagator.extract(ROOT, { traceparent: VALID }, headerGetter);
  const throws = { keys: () => assert.fail(), get: () => assert.fail('getter'), set: () => assert.fail('setter') };
  for (const carrier of [undefined, null]) {
    assert.equal(propagator.extract(ROOT, carrier, throws), ROOT);
    propagator.inject(context, carrier, throws);
  }
  assert.equal(propagator.extract(ROOT, {}, throws), ROOT);
  propagator.inject(context, {}, throws);
  propagator.inject(context, Object.freeze({}), headerSetter);
});
