import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  context,
  INVALID_SPAN_CONTEXT,
  isSpanContextValid,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';
import { wrapTracer } from '@opentelemetry/api/experimental';
import { faultCounts } from '../src/faults.ts';
import { startTracing } from '../src/start-tracing.ts';
import { collectSpans } from '../src/testing/index.ts';

const PARENT = { traceId: '1'.repeat(32), spanId: '2'.repeat(16), traceFlags: 1 };
const BELOW_PARENT = trace.setSpanContext(ROOT_CONTEXT, PARENT);

test('"Get a Tracer": the same name, version and schema give the same tracer, others another one', (t) => {
  const { provider } = collectSpans(t).tracing;
  const tracer = provider.getTracer('a', '1', { schemaUrl: 'https://x/1' });
  assert.equal(provider.getTracer('a', '1', { schemaUrl: 'https://x/1' }), tracer);
  assert.equal(provider.getTracer('b'), provider.getTracer('b', ''));
  for (const other of [
    provider.getTracer('a'),
    provider.getTracer('a', '1'),
    provider.getTracer('a', '2', { schemaUrl: 'https://x/1' }),
    provider.getTracer('b', '1', { schemaUrl: 'https://x/1' }),
  ]) {
    assert.notEqual(other, tracer);
  }
});

const SCOPES: Array<[given: unknown[], scope: object]> = [
  [['lib'], { name: 'lib' }],
  [['lib', '1.2.3'], { name: 'lib', version: '1.2.3' }],
  [['lib', '1', { schemaUrl: 'https://x' }], { name: 'lib', version: '1', schemaUrl: 'https://x' }],
  [['lib', 1, { schemaUrl: 7 }], { name: 'lib' }],
  [['lib', null, null], { name: 'lib' }],
];
for (const [given, scope] of SCOPES) {
  test(`"Get a Tracer": ${JSON.stringify(given)} is recorded as ${JSON.stringify(scope)}`, async (t) => {
    const spans = collectSpans(t);
    // The cast stands for an application in JavaScript.
    spans.tracing.provider
      .getTracer(...(given as [string]))
      .startSpan('x')
      .end();
    assert.deepEqual((await spans.take('x')).span.instrumentationScope, scope);
  });
}

for (const name of ['', undefined, null, 7, Symbol('s'), { toString: () => assert.fail('asked') }]) {
  test(`"Get a Tracer": ${String(name === null || typeof name !== 'object' ? name : 'an object')} as a name gives a working tracer, with an empty name, and is reported`, async (t) => {
    const spans = collectSpans(t);
    const before = faultCounts().tracer_name ?? 0;
    spans.tracing.provider
      .getTracer(name as string)
      .startSpan('x')
      .end();
    assert.equal((await spans.take('x')).scope, '');
    assert.equal((faultCounts().tracer_name ?? 0) - before, 1);
  });
}

test('a tracer from before the registration works after it, and rests when tracing has stopped', async () => {
  const early = trace.getTracer('early');
  assert.equal(early.startSpan('too early').isRecording(), false);
  const spans = collectSpans(undefined, { register: true });
  early.startSpan('x').end();
  assert.equal((await spans.take('x')).scope, 'early');
  await spans.tracing.shutdown();
  assert.equal(early.startSpan('late').isRecording(), false);
  assert.equal(trace.getTracer('other').startSpan('late').isRecording(), false);
});

test('SDK "Shutdown": tracers are no-ops then, old ones and new ones, and hand on the parent', async () => {
  const { provider } = startTracing({ exporter: 'none', register: false });
  const old = provider.getTracer('old');
  await provider.shutdown();
  await provider.shutdown();
  await provider.forceFlush();
  for (const tracer of [old, provider.getTracer('new')]) {
    const root = tracer.startSpan('x');
    assert.equal(root.isRecording(), false);
    assert.equal(isSpanContextValid(root.spanContext()), false);
    assert.deepEqual(root.spanContext(), INVALID_SPAN_CONTEXT);
    const child = tracer.startSpan('x', {}, BELOW_PARENT);
    assert.equal(child.isRecording(), false);
    assert.deepEqual(child.spanContext(), PARENT);
    assert.deepEqual(tracer.startSpan('x', { root: true }, BELOW_PARENT).spanContext(), INVALID_SPAN_CONTEXT);
    assert.equal(
      tracer.startActiveSpan('x', () => 7),
      7,
    );
  }
});

test('startActiveSpan: all its forms make a child of the right parent, active inside and not after', (t) => {
  const spans = collectSpans(t, { register: true });
  for (const tracer of [spans.tracing.provider.getTracer('t'), trace.getTracer('t')]) {
    const outer = tracer.startSpan('outer');
    const around = trace.setSpan(ROOT_CONTEXT, outer);
    const inside = (span: Span): Span => {
      assert.equal(trace.getActiveSpan(), span);
      span.end();
      return span;
    };
    const options = { kind: SpanKind.CLIENT, attributes: { a: 1 } };
    context.with(around, () => {
      tracer.startActiveSpan('fn', inside);
      tracer.startActiveSpan('options, fn', options, inside);
      tracer.startActiveSpan('root, fn', { root: true }, inside);
      assert.equal(trace.getActiveSpan(), outer);
    });
    tracer.startActiveSpan('options, context, fn', options, around, inside);
    tracer.startActiveSpan('root, context, fn', { root: true }, around, inside);
    tracer.startActiveSpan('other context, fn', {}, BELOW_PARENT, inside);
    assert.equal(trace.getActiveSpan(), undefined);
    const found = new Map(spans.all().map((span) => [span.name, span]));
    const { spanId } = outer.spanContext();
    const parents = [...found].map(([name, span]) => [
      name,
      span.parentSpanId === spanId ? 'outer' : span.parentSpanId,
    ]);
    assert.deepEqual(parents, [
      ['fn', 'outer'],
      ['options, fn', 'outer'],
      ['root, fn', undefined],
      ['options, context, fn', 'outer'],
      ['root, context, fn', undefined],
      ['other context, fn', PARENT.spanId],
    ]);
    for (const name of ['options, fn', 'options, context, fn']) {
      assert.deepEqual([found.get(name)?.kind, found.get(name)?.attributes.a], ['CLIENT', 1]);
    }
  }
});

test('startActiveSpan gives what the function gives, and throws what it throws, and does not end the span', async (t) => {
  const spans = collectSpans(t, { register: true });
  const tracer = trace.getTracer('t');
  const error = new Error('mine');
  let left: Span | undefined;
  assert.throws(
    () =>
      tracer.startActiveSpan('x', (span) => {
        left = span;
        throw error;
      }),
    (thrown) => thrown === error,
  );
  assert.equal(left?.isRecording(), true);
  left?.end();
  const result = await tracer.startActiveSpan('y', async (span) => {
    await Promise.resolve();
    assert.equal(trace.getActiveSpan(), span);
    span.end();
    return 7;
  });
  assert.equal(result, 7);
  spans.all();
});

test('startSpan does not make its span the current one', (t) => {
  const spans = collectSpans(t, { register: true });
  const span = trace.getTracer('t').startSpan('x');
  assert.equal(trace.getActiveSpan(), undefined);
  span.end();
  spans.all();
});

test('the API’s experimental tracer with `withActiveSpan` works over ours', async (t) => {
  const spans = collectSpans(t, { register: true });
  const tracer = wrapTracer(trace.getTracer('sugared'));
  const inner = await tracer.withActiveSpan('outer', async () => tracer.withSpan('inner', (span) => span));
  assert.equal(inner.isRecording(), false);
  await assert.rejects(
    tracer.withActiveSpan('failing', () => Promise.reject(new Error('no stock'))),
    /no stock/,
  );
  const [first, outer, failing] = spans.all();
  assert.equal(first?.parentSpanId, outer?.spanId);
  assert.equal(failing?.status.code, SpanStatusCode.ERROR);
  assert.equal(failing?.events[0]?.name, 'exception');
});

for (const makesRandomTraceIds of [undefined, false, true]) {
  test(`"IdGenerator randomness": a generator that says ${makesRandomTraceIds} ${makesRandomTraceIds ? 'sets' : 'does not set'} the random flag`, async (t) => {
    const ids = { generateTraceId: () => 'a'.repeat(32), generateSpanId: () => 'b'.repeat(16) };
    const tracing = startTracing({
      exporter: 'none',
      register: false,
      idGenerator: makesRandomTraceIds === undefined ? ids : { ...ids, makesRandomTraceIds },
    });
    t.after(() => tracing.shutdown());
    const { traceId, spanId, traceFlags } = tracing.provider.getTracer('t').startSpan('x').spanContext();
    assert.deepEqual([traceId, spanId, traceFlags], ['a'.repeat(32), 'b'.repeat(16), makesRandomTraceIds ? 3 : 1]);
  });
}
