import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type Attributes,
  type Exception,
  type Link,
  ROOT_CONTEXT,
  type Span,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  type TimeInput,
  type TraceState,
  trace,
} from '@opentelemetry/api';
import { TraceState as OfficialTraceState } from '@opentelemetry/core';
import type { ReadableSpan, SpanProcessor } from '../src/export/readable-span.ts';
import { faultCounts } from '../src/faults.ts';
import { parseTraceState } from '../src/propagation/tracestate.ts';
import { alwaysOff, alwaysOn } from '../src/sampler/always.ts';
import { parentBased } from '../src/sampler/parent-based.ts';
import { recordAll } from '../src/sampler/record-all.ts';
import { startTracing } from '../src/start-tracing.ts';
import { collectSpans } from '../src/testing/index.ts';

const TRACE_ID = '0af7651916cd43dd8448eb211c80319c';
const SPAN_ID = 'b7ad6b7169203331';
const CONTEXT: SpanContext = { traceId: TRACE_ID, spanId: SPAN_ID, traceFlags: 1 };

type Test = Parameters<typeof collectSpans>[0];

/** A span of which a test does something; what it exported. */
async function ended(t: Test, act: (span: Span) => void): Promise<ReadableSpan> {
  const spans = collectSpans(t);
  const span = spans.tracing.provider.getTracer('t').startSpan('x');
  act(span);
  span.end();
  const found = await spans.take((one) => one.spanId === span.spanContext().spanId);
  spans.all();
  return found.span;
}

function counted(kind: string): () => number {
  const before = faultCounts()[kind] ?? 0;
  return () => (faultCounts()[kind] ?? 0) - before;
}

// Everything that can be done to a span; each call gives the span back or nothing.
const OPERATIONS: Array<[name: string, act: (span: Span) => unknown]> = [
  ['setAttribute', (span) => span.setAttribute('a', 1)],
  ['setAttributes', (span) => span.setAttributes({ a: 1 })],
  ['addEvent', (span) => span.addEvent('e', { a: 1 }, 1)],
  ['addLink', (span) => span.addLink({ context: CONTEXT })],
  ['addLinks', (span) => span.addLinks([{ context: CONTEXT }])],
  ['setStatus', (span) => span.setStatus({ code: SpanStatusCode.ERROR, message: 'm' })],
  ['updateName', (span) => span.updateName('other')],
  ['recordException', (span) => span.recordException(new Error('m'))],
  ['end', (span) => span.end()],
];

const QUIET: Array<[what: string, make: () => Span]> = [
  [
    'an unsampled span',
    () => collectSpans(undefined, { sampler: alwaysOff() }).tracing.provider.getTracer('t').startSpan('x'),
  ],
  ['a wrapped span context', () => trace.wrapSpanContext(CONTEXT)],
  [
    'an ended span',
    () => {
      const span = collectSpans().tracing.provider.getTracer('t').startSpan('x');
      span.end();
      return span;
    },
  ],
];
for (const [what, make] of QUIET) {
  for (const [name, act] of OPERATIONS) {
    test(`${what}: ${name} does nothing`, () => {
      const span = make();
      const before = JSON.stringify(span.spanContext());
      const shape = JSON.stringify({ ...(span as unknown as ReadableSpan).attributes });
      const result = act(span);
      assert.equal(result, name === 'end' || name === 'recordException' ? undefined : span);
      assert.equal(span.isRecording(), false);
      assert.equal(JSON.stringify(span.spanContext()), before);
      assert.equal(JSON.stringify({ ...(span as unknown as ReadableSpan).attributes }), shape);
    });
  }
}

test('every operation on a recording span that gives something gives the span', (t) => {
  const spans = collectSpans(t);
  const span = spans.tracing.provider.getTracer('t').startSpan('x');
  for (const [name, act] of OPERATIONS) {
    assert.equal(act(span), name === 'end' || name === 'recordException' ? undefined : span, name);
  }
  const [done] = spans.all();
  assert.deepEqual(
    [done?.name, done?.attributes.a, done?.events.map(({ name }) => name), done?.links.length, done?.status],
    ['other', 1, ['e', 'exception'], 2, { code: SpanStatusCode.ERROR, message: 'm' }],
  );
});

const foreignState = new OfficialTraceState('a=1,b=2');
const PARENTS: Array<[what: string, context: unknown, expected: Partial<SpanContext> | undefined]> = [
  ['local', CONTEXT, CONTEXT],
  ['remote', { ...CONTEXT, isRemote: true }, { ...CONTEXT, isRemote: true }],
  ['that says it is not remote', { ...CONTEXT, isRemote: false }, CONTEXT],
  ['not sampled', { ...CONTEXT, traceFlags: 0 }, { ...CONTEXT, traceFlags: 0 }],
  ['with flags that nobody knows', { ...CONTEXT, traceFlags: 0xff }, { ...CONTEXT, traceFlags: 3 }],
  [
    'with a trace state of another SDK',
    { ...CONTEXT, traceState: foreignState },
    { ...CONTEXT, traceState: foreignState },
  ],
  ['with ids in upper case', { ...CONTEXT, traceId: TRACE_ID.toUpperCase(), spanId: SPAN_ID.toUpperCase() }, CONTEXT],
  ['with a trace id of zeros', { ...CONTEXT, traceId: '0'.repeat(32) }, undefined],
  ['with a span id of zeros', { ...CONTEXT, spanId: '0'.repeat(16) }, undefined],
  ['with a short trace id', { ...CONTEXT, traceId: TRACE_ID.slice(16) }, undefined],
  ['with an id that is no hex', { ...CONTEXT, spanId: 'x'.repeat(16) }, undefined],
  ['without a context', undefined, undefined],
];
for (const [what, spanContext, expected] of PARENTS) {
  test(`a span of another SDK as parent, ${what}: ${expected === undefined ? 'a new trace' : 'its child'}`, async (t) => {
    const spans = collectSpans(t, { sampler: alwaysOn() });
    // No more than this of another SDK's span is looked at.
    const parent = { spanContext: () => spanContext } as Span;
    spans.tracing.provider.getTracer('t').startSpan('x', {}, trace.setSpan(ROOT_CONTEXT, parent)).end();
    const { span } = await spans.take('x');
    assert.deepEqual(span.parentSpanContext, expected);
    const { traceId, traceState, isRemote } = span.spanContext();
    assert.equal(traceId === TRACE_ID, expected !== undefined);
    assert.equal(traceState, expected?.traceState, '"the child span MUST inherit all TraceState values"');
    assert.notEqual(isRemote, true);
  });
}

test('the parent’s span context is the parent’s, also where the sampler changes the child’s', async (t) => {
  const traceState = parseTraceState('ot=th:c,a=1') ?? assert.fail();
  const parent = { ...CONTEXT, traceFlags: 0, isRemote: true, traceState };
  const spans = collectSpans(t, { sampler: alwaysOn() });
  const child = spans.tracing.provider.getTracer('t').startSpan('x', {}, trace.setSpanContext(ROOT_CONTEXT, parent));
  child.end();
  const { span } = await spans.take('x');
  assert.deepEqual(span.parentSpanContext, parent);
  assert.equal(span.spanContext().traceFlags, 1);
  assert.equal(span.spanContext().traceState?.serialize(), 'ot=th:0,a=1');
});

test('an ended span is still a parent, and ending a parent does nothing to its children', (t) => {
  const spans = collectSpans(t);
  const tracer = spans.tracing.provider.getTracer('t');
  const parent = tracer.startSpan('parent');
  const around = trace.setSpan(ROOT_CONTEXT, parent);
  const early = tracer.startSpan('early', {}, around);
  parent.end();
  assert.equal(early.isRecording(), true);
  tracer.startSpan('late', {}, around).end();
  early.end();
  const [, late, first] = spans.all();
  assert.deepEqual(
    [late?.parentSpanId, first?.parentSpanId],
    [parent.spanContext().spanId, parent.spanContext().spanId],
  );
});

test('"SDK Span creation": an unsampled span has ids of its own and its parent’s trace id', (t) => {
  const spans = collectSpans(t, { sampler: parentBased({ root: alwaysOff() }) });
  const tracer = spans.tracing.provider.getTracer('t');
  const root = tracer.startSpan('x');
  const child = tracer.startSpan('y', {}, trace.setSpan(ROOT_CONTEXT, root));
  assert.equal(child.spanContext().traceId, root.spanContext().traceId);
  assert.notEqual(child.spanContext().spanId, root.spanContext().spanId);
  assert.equal(child.spanContext().traceFlags & 1, 0);
});

test('"Recording Sampled reaction table": recording and not sampled reaches processors, as does its status', (t) => {
  const spans = collectSpans(t, { sampler: recordAll(alwaysOff()) });
  const span = spans.tracing.provider.getTracer('t').startSpan('x');
  assert.deepEqual([span.isRecording(), span.spanContext().traceFlags & 1], [true, 0]);
  span.end();
  assert.equal(spans.all().length, 1);
});

test('the span context of a span stays the same, and changing what it gave changes nothing', (t) => {
  const spans = collectSpans(t);
  const span = spans.tracing.provider.getTracer('t').startSpan('x');
  const before = { ...span.spanContext() };
  span.spanContext().traceId = 'changed';
  span.end();
  assert.deepEqual(span.spanContext(), before);
  spans.all();
});

test('"TraceState": each operation gives a new one, and what is not allowed changes nothing', () => {
  const state: TraceState = parseTraceState('a=1,b=2') ?? assert.fail();
  const more = state.set('c', '3');
  assert.deepEqual([state.serialize(), more.serialize()], ['a=1,b=2', 'c=3,a=1,b=2']);
  assert.equal(more.set('a', '9').serialize(), 'a=9,c=3,b=2');
  assert.deepEqual([more.unset('a').serialize(), more.serialize()], ['c=3,b=2', 'c=3,a=1,b=2']);
  assert.deepEqual([more.get('b'), more.get('z')], ['2', undefined]);
  for (const [key, value] of [
    ['A', '1'],
    ['', '1'],
    ['k', ''],
    ['k', 'a,b'],
    ['k', 'a=b'],
    ['k', 'ends in a space '],
    ['k', 'é'],
    ['k'.repeat(257), '1'],
    ['k', 'v'.repeat(257)],
  ] as const) {
    assert.equal(state.set(key, value), state, `${key}=${value}`);
  }
});

const LINKS: Array<[what: string, link: unknown, kept: number]> = [
  ['with a valid context', { context: CONTEXT }, 1],
  ['with attributes', { context: CONTEXT, attributes: { a: 1 } }, 1],
  [
    'to a trace id of zeros, with attributes',
    { context: { ...CONTEXT, traceId: '0'.repeat(32) }, attributes: { a: 1 } },
    1,
  ],
  [
    'to a span id of zeros, with a trace state',
    { context: { ...CONTEXT, spanId: '0'.repeat(16), traceState: foreignState } },
    1,
  ],
  ['to zeros, with nothing else', { context: { ...CONTEXT, spanId: '0'.repeat(16) } }, 0],
  [
    'to zeros, with an empty trace state',
    { context: { ...CONTEXT, spanId: '0'.repeat(16), traceState: new OfficialTraceState() }, attributes: {} },
    0,
  ],
  ['with malformed ids and attributes', { context: { ...CONTEXT, spanId: 'x' }, attributes: { a: 1 } }, 0],
  ['without a context', { attributes: { a: 1 } }, 0],
  ['that is null', null, 0],
];
for (const [what, link, kept] of LINKS) {
  test(`"Link": one ${what} is ${kept === 1 ? 'recorded' : 'ignored and counted'}, at the start and later`, async (t) => {
    const spans = collectSpans(t);
    const count = counted('invalid_link');
    const given = link as Link;
    const span = spans.tracing.provider.getTracer('t').startSpan('x', { links: [given] });
    span.addLink(given).addLinks([given, given]).end();
    const { links } = (await spans.take('x')).span;
    assert.equal(links.length, 4 * kept);
    assert.equal(count(), 4 * (1 - kept));
    for (const one of links) {
      const { traceId, spanId, traceState } = given.context;
      assert.deepEqual(
        [one.context.traceId, one.context.spanId, one.context.traceState],
        [traceId, spanId, traceState],
      );
      assert.deepEqual({ ...one.attributes }, { ...given.attributes });
    }
  });
}

test('"Link": links keep their order', async (t) => {
  const span = await ended(t, (one) => {
    one.addLink({ context: CONTEXT, attributes: { n: 1 } });
    one.addLinks([2, 3].map((n) => ({ context: CONTEXT, attributes: { n } })));
  });
  assert.deepEqual(
    span.links.map(({ attributes }) => attributes?.n),
    [1, 2, 3],
  );
});

const FIRST: TimeInput = [1_700_000_000, 1];
const SECOND: TimeInput = [1_700_000_001, 2];
const EVENTS: Array<
  [
    what: string,
    rest: [(Attributes | TimeInput | undefined)?, TimeInput?],
    time: TimeInput | undefined,
    attributes: object,
  ]
> = [
  ['a name alone', [], undefined, {}],
  ['attributes', [{ a: 1 }], undefined, { a: 1 }],
  ['a time', [FIRST], FIRST, {}],
  ['attributes and a time', [{ a: 1 }, SECOND], SECOND, { a: 1 }],
  ['nothing and a time', [undefined, SECOND], SECOND, {}],
  ['two times, of which the last counts', [FIRST, SECOND], SECOND, {}],
];
for (const [what, rest, time, attributes] of EVENTS) {
  test(`addEvent with ${what}`, async (t) => {
    const { events } = await ended(t, (span) => span.addEvent('e', ...rest));
    const [event] = events;
    assert.deepEqual([events.length, event?.name, { ...event?.attributes }], [1, 'e', attributes]);
    if (time !== undefined) assert.deepEqual(event?.time, time);
    else assert.ok(Math.abs((event?.time[0] ?? 0) - Date.now() / 1000) < 5);
  });
}

const STATUSES: Array<[calls: Array<[SpanStatusCode, string?]>, code: SpanStatusCode, message?: string]> = [
  [[], SpanStatusCode.UNSET],
  [[[SpanStatusCode.UNSET, 'no']], SpanStatusCode.UNSET],
  [[[SpanStatusCode.OK, 'no']], SpanStatusCode.OK],
  [[[SpanStatusCode.ERROR, 'why']], SpanStatusCode.ERROR, 'why'],
  [[[SpanStatusCode.ERROR, '']], SpanStatusCode.ERROR],
  [
    [
      [SpanStatusCode.ERROR, 'a'],
      [SpanStatusCode.ERROR, 'b'],
    ],
    SpanStatusCode.ERROR,
    'b',
  ],
  [[[SpanStatusCode.ERROR, 'a'], [SpanStatusCode.ERROR]], SpanStatusCode.ERROR],
  [[[SpanStatusCode.ERROR, 'a'], [SpanStatusCode.UNSET]], SpanStatusCode.ERROR, 'a'],
  [[[SpanStatusCode.ERROR, 'a'], [SpanStatusCode.OK]], SpanStatusCode.OK],
  [[[SpanStatusCode.OK], [SpanStatusCode.ERROR, 'a']], SpanStatusCode.OK],
  [[[SpanStatusCode.OK], [SpanStatusCode.UNSET]], SpanStatusCode.OK],
  [[[7 as SpanStatusCode, 'no']], SpanStatusCode.UNSET],
];
for (const [calls, code, message] of STATUSES) {
  test(`"Set Status": ${JSON.stringify(calls)} is ${code}${message === undefined ? '' : ` "${message}"`}`, async (t) => {
    const { status } = await ended(t, (span) => {
      for (const [given, text] of calls)
        span.setStatus(text === undefined ? { code: given } : { code: given, message: text });
    });
    assert.deepEqual(status, message === undefined ? { code } : { code, message });
  });
}

const EXCEPTIONS: Array<[what: string, exception: unknown, expected: Record<string, unknown>]> = [
  ['a text', 'no stock', { 'exception.message': 'no stock' }],
  ['a message', { message: 'm' }, { 'exception.type': 'Object', 'exception.message': 'm' }],
  ['a name', { name: 'N' }, { 'exception.type': 'N' }],
  ['a code', { code: 'E_STOCK' }, { 'exception.type': 'E_STOCK' }],
  ['a code that is a number', { code: 7, message: 'm' }, { 'exception.type': '7', 'exception.message': 'm' }],
  [
    'all of it',
    { name: 'N', code: 'C', message: 'm', stack: 's' },
    { 'exception.type': 'N', 'exception.message': 'm', 'exception.stacktrace': 's' },
  ],
  ['nothing of it', {}, { 'exception.type': 'Object' }],
  ['null', null, { 'exception.message': 'null' }],
  ['undefined', undefined, { 'exception.message': 'undefined' }],
];
for (const [what, exception, expected] of EXCEPTIONS) {
  test(`recordException of ${what}`, async (t) => {
    const { events } = await ended(t, (span) => span.recordException(exception as Exception, FIRST));
    assert.deepEqual([events[0]?.name, { ...events[0]?.attributes }, events[0]?.time], ['exception', expected, FIRST]);
  });
}

for (const [given, expected] of [
  [undefined, SpanKind.INTERNAL],
  [null, SpanKind.INTERNAL],
  [SpanKind.INTERNAL, SpanKind.INTERNAL],
  [SpanKind.SERVER, SpanKind.SERVER],
  [SpanKind.CLIENT, SpanKind.CLIENT],
  [SpanKind.PRODUCER, SpanKind.PRODUCER],
  [SpanKind.CONSUMER, SpanKind.CONSUMER],
  [5, SpanKind.INTERNAL],
  [1000, SpanKind.INTERNAL],
  [-1, SpanKind.INTERNAL],
  ['CLIENT', SpanKind.INTERNAL],
] as const) {
  test(`the kind ${String(given)} is ${SpanKind[expected]}`, async (t) => {
    const spans = collectSpans(t);
    spans.tracing.provider
      .getTracer('t')
      .startSpan('x', { kind: given as SpanKind })
      .end();
    assert.equal((await spans.take('x')).span.kind, expected);
  });
}

test('"Span Limits": what goes over them is counted on the span and reported', async (t) => {
  const count = counted('span_limit');
  const ends: ReadableSpan[] = [];
  const tracing = startTracing({
    exporter: 'none',
    register: false,
    spanProcessors: [keeping(ends)],
    limits: {
      attributeCountLimit: 2,
      attributeValueLengthLimit: 3,
      eventCountLimit: 1,
      linkCountLimit: 1,
      attributePerEventCountLimit: 1,
      attributePerLinkCountLimit: 1,
    },
  });
  t.after(() => tracing.shutdown());
  const link = { context: CONTEXT, attributes: { a: 'long', b: 2 } };
  const options = { attributes: { a: 'long', b: ['long', 1], c: 3 }, links: [link, link] };
  const span = tracing.provider.getTracer('t').startSpan('x', options);
  span.setAttribute('d', 4).setAttribute('a', 'other');
  span.addEvent('e', { a: 'long', b: 2, c: 3 }).addEvent('f').addLink(link);
  span.end();
  const [done] = ends;
  assert.deepEqual({ ...done?.attributes }, { a: 'oth', b: ['lon', 1] });
  assert.deepEqual([done?.droppedAttributesCount, done?.droppedEventsCount, done?.droppedLinksCount], [2, 1, 2]);
  const event = done?.events[0];
  assert.deepEqual([{ ...event?.attributes }, event?.droppedAttributesCount], [{ a: 'lon' }, 2]);
  const kept = done?.links[0];
  assert.deepEqual([{ ...kept?.attributes }, kept?.droppedAttributesCount], [{ a: 'lon' }, 1]);
  assert.ok(count() >= 2, 'an event and a link were reported');
});

test('a limit of 0 keeps nothing', async (t) => {
  const ends: ReadableSpan[] = [];
  const limits = { attributeCountLimit: 0, eventCountLimit: 0, linkCountLimit: 0, attributeValueLengthLimit: 0 };
  const tracing = startTracing({ exporter: 'none', register: false, spanProcessors: [keeping(ends)], limits });
  t.after(() => tracing.shutdown());
  const span = tracing.provider.getTracer('t').startSpan('x', { attributes: { a: 1 }, links: [{ context: CONTEXT }] });
  span.setAttribute('b', 1).addEvent('e').end();
  const [done] = ends;
  assert.deepEqual([{ ...done?.attributes }, done?.events, done?.links], [{}, [], []]);
  assert.deepEqual([done?.droppedAttributesCount, done?.droppedEventsCount, done?.droppedLinksCount], [2, 1, 1]);
});

test('"OnEnding": the end time is known, the span can be changed, and a second end does nothing', async (t) => {
  const seen: unknown[] = [];
  const ends: ReadableSpan[] = [];
  const order: string[] = [];
  const changing = (name: string): SpanProcessor => ({
    ...keeping([]),
    onEnding: (span) => {
      order.push(`ending ${name}`);
      seen.push([span.isRecording(), span.ended, span.endTime, span.duration]);
      span.setAttribute(`late.${name}`, true).addEvent('late').updateName('renamed');
      span.end(SECOND);
    },
    onEnd: () => void order.push(`end ${name}`),
  });
  const spanProcessors = [changing('a'), keeping(ends), changing('b')];
  const tracing = startTracing({ exporter: 'none', register: false, spanProcessors });
  t.after(() => tracing.shutdown());
  const tracer = tracing.provider.getTracer('t');
  tracer.startSpan('x', { startTime: FIRST }).end([1_700_000_000, 6]);
  const [done] = ends;
  assert.deepEqual(seen, new Array(2).fill([true, false, [1_700_000_000, 6], [0, 5]]));
  assert.deepEqual(order, ['ending a', 'ending b', 'end a', 'end b']);
  assert.deepEqual(
    [done?.name, { ...done?.attributes }, done?.events.length],
    ['renamed', { 'late.a': true, 'late.b': true }, 2],
  );
  assert.deepEqual([done?.ended, done?.endTime, ends.length], [true, [1_700_000_000, 6], 1]);
  tracer.startSpan('y').end();
  const before = ends[1]?.endTime ?? assert.fail();
  assert.ok(before[0] + before[1] / 1e9 <= Date.now() / 1000 + 1);
});

test('a processor that throws in onEnding harms neither the span nor the application', async (t) => {
  const ends: ReadableSpan[] = [];
  const throwing = { ...keeping([]), onEnding: () => assert.fail('in onEnding') };
  const tracing = startTracing({ exporter: 'none', register: false, spanProcessors: [throwing, keeping(ends)] });
  t.after(() => tracing.shutdown());
  const count = counted('processor_threw');
  tracing.provider.getTracer('t').startSpan('x').end();
  assert.deepEqual([ends.length, ends[0]?.ended, count()], [1, true, 1]);
});

function keeping(ends: ReadableSpan[]): SpanProcessor {
  return {
    onStart: () => {},
    onEnd: (span) => void ends.push(span),
    forceFlush: async () => {},
    shutdown: async () => {},
  };
}
