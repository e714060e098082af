import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ROOT_CONTEXT, type Span, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import type { ReadableSpan } from '../src/export/readable-span.ts';
import { collectSpans } from '../src/testing/index.ts';

function setUp(t: { after(fn: () => void | Promise<void>): void }) {
  const spans = collectSpans(t);
  const tracer = spans.tracing.provider.getTracer('semantics', '1.0.0');
  return { spans, tracer };
}

function readable(span: Span): ReadableSpan {
  // Recording spans of ours have the official SDK's shape too.
  return span as unknown as ReadableSpan;
}

test('a span without a parent starts a sampled trace with the random flag', async (t) => {
  const { spans, tracer } = setUp(t);
  const span = tracer.startSpan('root');
  const { traceId, spanId, traceFlags, isRemote } = span.spanContext();
  assert.match(traceId, /^[0-9a-f]{32}$/);
  assert.match(spanId, /^[0-9a-f]{16}$/);
  assert.equal(traceFlags, 3);
  assert.notEqual(isRemote, true);
  span.end();
  assert.equal((await spans.take('root')).parentSpanId, undefined);
});

test('the parent is the span of the given context, a foreign one too, and `root` ignores it', async (t) => {
  const { spans, tracer } = setUp(t);
  const foreign = {
    traceId: '0af7651916cd43dd8448eb211c80319c',
    spanId: 'b7ad6b7169203331',
    traceFlags: 1,
    isRemote: true,
  };
  const parent = trace.setSpan(ROOT_CONTEXT, trace.wrapSpanContext(foreign));
  tracer.startSpan('child', {}, parent).end();
  tracer.startSpan('alone', { root: true }, parent).end();
  const child = await spans.take('child');
  assert.equal(child.traceId, foreign.traceId);
  assert.equal(child.parentSpanId, foreign.spanId);
  assert.equal(child.span.parentSpanContext?.isRemote, true);
  assert.equal(child.span.spanContext().traceFlags, 1, 'the random flag is not invented for a foreign trace');
  const alone = await spans.take('alone');
  assert.notEqual(alone.traceId, foreign.traceId);
  assert.equal(alone.parentSpanId, undefined);
});

test('a parent that is not valid starts a new trace', async (t) => {
  const { spans, tracer } = setUp(t);
  const invalid = trace.wrapSpanContext({ traceId: '0'.repeat(32), spanId: '0'.repeat(16), traceFlags: 1 });
  tracer.startSpan('x', {}, trace.setSpan(ROOT_CONTEXT, invalid)).end();
  const span = await spans.take('x');
  assert.notEqual(span.traceId, '0'.repeat(32));
  assert.equal(span.parentSpanId, undefined);
});

test('attributes: the last value of a key counts, null and undefined remove it, wrong ones are left out', async (t) => {
  const { spans, tracer } = setUp(t);
  const span = tracer.startSpan('x', { attributes: { a: 1, b: 'x', gone: true } });
  span.setAttribute('a', 2).setAttributes({ c: [1, null, 2], gone: undefined });
  span.setAttribute('function', (() => 1) as never);
  span.setAttribute('', 'empty key');
  span.setAttribute('__proto__', 'an ordinary key');
  span.end();
  const { attributes } = (await spans.take('x')).span;
  assert.deepEqual(
    Object.entries(attributes),
    Object.entries({ a: 2, b: 'x', c: [1, null, 2], ['__proto__']: 'an ordinary key' }),
  );
  assert.equal(({} as { an?: string }).an, undefined);
});

for (const [count, kept, dropped] of [
  [128, 128, 0],
  [129, 128, 1],
] as const) {
  test(`${count} attributes, events and links: ${kept} are kept and ${dropped} counted`, async (t) => {
    const { spans, tracer } = setUp(t);
    const span = tracer.startSpan('x');
    for (let i = 0; i < count; i++) {
      span.setAttribute(`key${i}`, i);
      span.addEvent(`event${i}`);
      span.addLink({ context: { traceId: '1'.repeat(32), spanId: '2'.repeat(16), traceFlags: 0 } });
    }
    span.setAttribute('key0', 'still replaced at the limit');
    span.end();
    const { span: got } = await spans.take('x');
    assert.equal(Object.keys(got.attributes).length, kept);
    assert.equal(got.attributes.key0, 'still replaced at the limit');
    assert.deepEqual([got.events.length, got.links.length], [kept, kept]);
    assert.deepEqual(
      [got.droppedAttributesCount, got.droppedEventsCount, got.droppedLinksCount],
      [dropped, dropped, dropped],
    );
  });
}

test('status: Error keeps its message, Ok is final and has none, Unset changes nothing', (t) => {
  const { spans, tracer } = setUp(t);
  const span = tracer.startSpan('x');
  span.setStatus({ code: SpanStatusCode.ERROR, message: 'no stock' });
  assert.deepEqual(readable(span).status, { code: SpanStatusCode.ERROR, message: 'no stock' });
  span.setStatus({ code: SpanStatusCode.UNSET });
  assert.equal(readable(span).status.code, SpanStatusCode.ERROR);
  span.setStatus({ code: SpanStatusCode.OK, message: 'ignored' });
  assert.deepEqual(readable(span).status, { code: SpanStatusCode.OK });
  span.setStatus({ code: SpanStatusCode.ERROR });
  assert.equal(readable(span).status.code, SpanStatusCode.OK);
  span.end();
  spans.all();
});

test('after its end a span changes no more, and ends once', (t) => {
  const { spans, tracer } = setUp(t);
  const span = tracer.startSpan('x');
  span.end();
  assert.equal(span.isRecording(), false);
  span.setAttribute('late', 1).addEvent('late').updateName('late').setStatus({ code: SpanStatusCode.ERROR });
  span.recordException(new Error('late'));
  span.end();
  const all = spans.all();
  assert.equal(all.length, 1);
  assert.deepEqual([all[0]?.name, all[0]?.attributes, all[0]?.events, all[0]?.status.code], ['x', {}, [], 0]);
});

const EPOCH_MS = 1_700_000_000_123;
const TIMES: Array<[string, unknown, [number, number]]> = [
  ['[seconds, nanoseconds]', [1_700_000_000, 123_456_789], [1_700_000_000, 123_456_789]],
  ['a Date', new Date(EPOCH_MS), [1_700_000_000, 123_000_000]],
  ['milliseconds since the epoch', EPOCH_MS, [1_700_000_000, 123_000_000]],
  ['fractional milliseconds', EPOCH_MS + 0.5, [1_700_000_000, 123_500_000]],
];
for (const [title, given, expected] of TIMES) {
  test(`a time given as ${title} is kept for start, event and end`, (t) => {
    const { spans, tracer } = setUp(t);
    const span = tracer.startSpan('x', { startTime: given as number });
    span.addEvent('e', given as number);
    span.end(given as number);
    const { startTime, endTime, events, duration } = readable(span);
    assert.deepEqual([startTime, endTime, events[0]?.time, duration], [expected, expected, expected, [0, 0]]);
    spans.all();
  });
}

test('a performance.now() reading is a time of this process', (t) => {
  const { spans, tracer } = setUp(t);
  const reading = performance.now();
  const span = tracer.startSpan('x', { startTime: reading });
  span.end();
  const [seconds, nanos] = readable(span).startTime;
  assert.ok(Math.abs(seconds * 1000 + nanos / 1e6 - (performance.timeOrigin + reading)) < 5);
  spans.all();
});

for (const wrong of [Number.NaN, Number.POSITIVE_INFINITY, -1, new Date('no'), [1, 'x'], null, {}]) {
  test(`the time ${String(wrong)} is replaced by the current one`, (t) => {
    const { spans, tracer } = setUp(t);
    const span = tracer.startSpan('x', { startTime: wrong as never });
    span.end(wrong as never);
    const [seconds] = readable(span).startTime;
    assert.ok(Math.abs(seconds - Date.now() / 1000) < 5);
    assert.ok(readable(span).duration[0] >= 0);
    spans.all();
  });
}

test('an end before the start is moved to the start', (t) => {
  const { spans, tracer } = setUp(t);
  const span = tracer.startSpan('x', { startTime: [1_700_000_000, 5] });
  span.end([1_600_000_000, 0]);
  assert.deepEqual(readable(span).duration, [0, 0]);
  assert.deepEqual(readable(span).endTime, [1_700_000_000, 5]);
  spans.all();
});

test('an exception is an event with type, message and stack, and its causes', (t) => {
  const { spans, tracer } = setUp(t);
  const span = tracer.startSpan('x');
  const cause = new RangeError('inner');
  span.recordException(new TypeError('outer', { cause }));
  span.recordException('just a text');
  span.recordException(Object.create(null));
  span.end();
  const [first, second, third] = readable(span).events;
  assert.equal(first?.name, 'exception');
  assert.equal(first?.attributes?.['exception.type'], 'TypeError');
  assert.equal(first?.attributes?.['exception.message'], 'outer');
  assert.match(
    String(first?.attributes?.['exception.stacktrace']),
    /TypeError: outer[\s\S]*Caused by: RangeError: inner/,
  );
  assert.deepEqual({ ...second?.attributes }, { 'exception.message': 'just a text' });
  assert.deepEqual({ ...third?.attributes }, { 'exception.message': 'unknown' });
  spans.all();
});

const HOSTILE: Array<[string, unknown]> = [
  ['a throwing getter', Object.defineProperty({}, 'x', { enumerable: true, get: () => assert.fail('read') })],
  ['a throwing proxy', new Proxy({}, { ownKeys: () => assert.fail('trapped'), get: () => assert.fail('trapped') })],
  ['a symbol', Symbol('s')],
  ['null', null],
  ['a cyclic array', cyclic()],
];
for (const [title, hostile] of HOSTILE) {
  test(`${title} never throws, wherever it is given, and does not harm the span`, async (t) => {
    const { spans, tracer } = setUp(t);
    const span = tracer.startSpan('x');
    span.setAttributes(hostile as never);
    span.setAttribute('key', hostile as never);
    span.setAttribute(hostile as never, 1);
    span.addEvent('e', hostile as never);
    span.addEvent(hostile as never);
    span.addLink(hostile as never);
    span.addLinks(hostile as never);
    span.setStatus(hostile as never);
    span.recordException(hostile as never);
    span.setAttribute('good', 1);
    tracer.startSpan(hostile as never).end(hostile as never);
    tracer.startSpan('y', { attributes: hostile as never, links: hostile as never, startTime: hostile as never }).end();
    span.end();
    assert.equal((await spans.take('x')).attributes.good, 1);
    spans.all();
  });
}

function cyclic(): unknown[] {
  const list: unknown[] = [];
  list.push(list);
  return list;
}

test('an error that throws when it is read is recorded as far as possible', (t) => {
  const { spans, tracer } = setUp(t);
  const span = tracer.startSpan('x');
  const error = new Error('m');
  Object.defineProperty(error, 'stack', { get: () => assert.fail('read') });
  Object.defineProperty(error, 'cause', { value: error });
  span.recordException(error);
  span.end();
  assert.equal(readable(span).events[0]?.attributes?.['exception.message'], 'm');
  spans.all();
});

test('a name is cut from nothing: numbers become text, what has no text becomes `unknown`', (t) => {
  const { spans, tracer } = setUp(t);
  for (const [given, expected] of [
    [7, '7'],
    [undefined, 'unknown'],
    [Symbol('s'), 'unknown'],
    ['', ''],
  ] as const) {
    const span = tracer.startSpan(given as never, { kind: SpanKind.CLIENT });
    assert.equal(readable(span).name, expected);
    span.end();
  }
  spans.all();
});
