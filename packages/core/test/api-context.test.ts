import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import {
  type Context,
  context,
  createContextKey,
  propagation,
  ROOT_CONTEXT,
  type Span,
  trace,
} from '@opentelemetry/api';
import { isTracingSuppressed, suppressTracing, unsuppressTracing } from '@opentelemetry/core';
import { ClewContextManager } from '../src/context.ts';
import { collectSpans } from '../src/testing/index.ts';

const KEY = createContextKey('a key of the application');

function registered(t: Parameters<typeof collectSpans>[0]) {
  return collectSpans(t, { register: true });
}

test('Context API "Get current Context": outside of everything it is the API’s own constant', (t) => {
  registered(t);
  assert.equal(context.active(), ROOT_CONTEXT);
  context.with(ROOT_CONTEXT.setValue(KEY, 1), () => {
    context.with(ROOT_CONTEXT, () => assert.equal(context.active(), ROOT_CONTEXT));
  });
  assert.equal(new ClewContextManager().active(), ROOT_CONTEXT);
});

test('`with` makes exactly the given context current, hands on receiver, arguments, result and error', (t) => {
  registered(t);
  const given: Context[] = [ROOT_CONTEXT.setValue(KEY, 1), trace.setSpan(ROOT_CONTEXT, someSpan())];
  for (const one of given) {
    const receiver = { name: 'receiver' };
    const result = context.with(
      one,
      function (this: typeof receiver, a: number, b: number) {
        assert.equal(context.active(), one);
        assert.equal(this, receiver);
        return a + b;
      },
      receiver,
      2,
      3,
    );
    assert.equal(result, 5);
    const error = new Error('mine');
    assert.throws(
      () =>
        context.with(one, () => {
          throw error;
        }),
      (thrown) => thrown === error,
    );
    assert.equal(context.active(), ROOT_CONTEXT);
  }
});

test('a context goes with callbacks and promises, and not to what runs beside them', async (t) => {
  registered(t);
  const seen = (): unknown => context.active().getValue(KEY);
  const run = (value: number): Promise<unknown[]> =>
    context.with(context.active().setValue(KEY, value), async () => {
      const before = seen();
      await nextTurn();
      const timer = await new Promise((resolve) => setTimeout(() => resolve(seen()), 1));
      const tick = await new Promise((resolve) => process.nextTick(() => resolve(seen())));
      return [before, timer, tick, seen()];
    });
  assert.deepEqual(await Promise.all([run(1), run(2)]), [
    [1, 1, 1, 1],
    [2, 2, 2, 2],
  ]);
  assert.equal(seen(), undefined);
});

test('contexts do not change: each operation gives a new one', (t) => {
  const spans = registered(t);
  const tracer = trace.getTracer('t');
  tracer.startActiveSpan('x', (span) => {
    const before = context.active();
    const other = createContextKey('other');
    const after = before.setValue(KEY, 1).setValue(other, 2);
    assert.deepEqual([before.getValue(KEY), after.getValue(KEY), after.getValue(other)], [undefined, 1, 2]);
    assert.equal(trace.getSpan(after), span, 'other values stay');
    const without = after.deleteValue(KEY);
    assert.deepEqual([after.getValue(KEY), without.getValue(KEY), without.getValue(other)], [1, undefined, 2]);
    span.end();
  });
  spans.all();
});

test('Trace API "Context Interaction": a span goes into a context and out of it, ours or not', (t) => {
  const spans = registered(t);
  trace.getTracer('t').startActiveSpan('ours', (ours) => {
    assert.equal(trace.getActiveSpan(), ours);
    const foreign = someSpan();
    for (const base of [context.active(), ROOT_CONTEXT]) {
      const given = trace.setSpan(base, foreign);
      assert.equal(trace.getSpan(given), foreign);
      assert.equal(trace.getSpanContext(given), foreign.spanContext());
      assert.equal(trace.getSpan(trace.deleteSpan(given)), undefined);
      context.with(given, () => assert.equal(trace.getActiveSpan(), foreign));
    }
    ours.end();
  });
  spans.all();
});

test('Baggage API: entries go into a context, are read, changed and removed, and do not change by themselves', (t) => {
  const spans = registered(t);
  trace.getTracer('t').startActiveSpan('x', (span) => {
    const one = propagation.createBaggage({ user: { value: '7' } });
    const given = propagation.setBaggage(context.active(), one);
    assert.equal(propagation.getBaggage(given), one);
    assert.equal(propagation.getBaggage(context.active()), undefined);
    const two = one.setEntry('tenant', { value: 'a' });
    assert.deepEqual([one.getAllEntries().length, two.getAllEntries().length], [1, 2]);
    assert.equal(two.removeEntry('user').getEntry('user'), undefined);
    assert.equal(two.clear().getAllEntries().length, 0);
    context.with(given, () => assert.equal(propagation.getActiveBaggage(), one));
    assert.equal(propagation.getBaggage(propagation.deleteBaggage(given)), undefined);
    assert.equal(trace.getSpan(given), span);
    span.end();
  });
  spans.all();
});

test('what the official core suppresses makes no spans and no headers here, and what it releases does', (t) => {
  const spans = registered(t);
  const tracer = trace.getTracer('t');
  tracer.startActiveSpan('outer', (outer) => {
    const suppressed = suppressTracing(context.active());
    assert.equal(isTracingSuppressed(suppressed), true);
    context.with(suppressed, () => {
      const inner = tracer.startSpan('inner');
      assert.equal(inner.isRecording(), false);
      const carrier = {};
      propagation.inject(trace.setSpan(context.active(), outer), carrier);
      assert.deepEqual(carrier, {});
      context.with(unsuppressTracing(context.active()), () => tracer.startSpan('released').end());
    });
    outer.end();
  });
  assert.deepEqual(
    spans.all().map(({ name }) => name),
    ['released', 'outer'],
  );
});

test('`bind`: a function keeps its context, receiver, arguments and length', (t) => {
  registered(t);
  const given = ROOT_CONTEXT.setValue(KEY, 1);
  const bound = context.bind(given, function (this: unknown, a: number, b: number) {
    return [this, a + b, context.active()];
  });
  const receiver = {};
  assert.deepEqual(bound.call(receiver, 1, 2), [receiver, 3, given]);
  assert.equal(bound.length, 2);
  assert.equal(context.active(), ROOT_CONTEXT);
  const empty = context.bind(ROOT_CONTEXT, () => context.active());
  context.with(given, () => assert.equal(empty(), ROOT_CONTEXT));
  for (const other of [7, 'text', undefined, { a: 1 }]) assert.equal(context.bind(given, other), other);
});

test('`bind`: listeners that are added to a bound emitter run in its context, and can be removed', (t) => {
  registered(t);
  const given = ROOT_CONTEXT.setValue(KEY, 'bound');
  const emitter = context.bind(given, new EventEmitter());
  assert.equal(context.bind(ROOT_CONTEXT, emitter), emitter);
  const seen: unknown[] = [];
  const listener = function (this: unknown, what: string): void {
    assert.equal(this, emitter);
    seen.push([what, context.active().getValue(KEY)]);
  };
  emitter.on('on', listener).prependListener('prepend', listener).addListener('add', listener);
  emitter.once('once', listener).prependOnceListener('prependOnce', listener);
  for (const event of ['on', 'prepend', 'add', 'once', 'once', 'prependOnce', 'prependOnce'])
    emitter.emit(event, event);
  assert.deepEqual(
    seen.splice(0),
    ['on', 'prepend', 'add', 'once', 'prependOnce'].map((event) => [event, 'bound']),
  );
  emitter.off('on', listener).removeListener('add', listener).removeAllListeners('prepend');
  emitter.once('once', listener).off('once', listener);
  for (const event of ['on', 'add', 'prepend', 'once']) assert.equal(emitter.emit(event, event), false);
  const other = new EventEmitter();
  other.on('x', () => seen.push(context.active()));
  other.emit('x');
  assert.deepEqual(seen, [ROOT_CONTEXT], 'other emitters stay as they are');
});

test('`attach` (API 1.10) makes a context current until its token is disposed', async (t) => {
  registered(t);
  const outer = ROOT_CONTEXT.setValue(KEY, 'outer');
  await context.with(outer, async () => {
    await nextTurn();
    const first = context.attach(outer.setValue(KEY, 1));
    await nextTurn();
    assert.equal(context.active().getValue(KEY), 1);
    const second = context.attach(ROOT_CONTEXT);
    assert.equal(context.active(), ROOT_CONTEXT);
    second.dispose();
    assert.equal(context.active().getValue(KEY), 1);
    first.dispose();
    assert.equal(context.active(), outer);
    const third = context.attach(outer.setValue(KEY, 3));
    first.dispose();
    assert.equal(context.active().getValue(KEY), 3, 'a token works once');
    third.dispose();
  });
  const token = context.attach(outer);
  assert.equal(context.active(), outer);
  token.dispose();
  assert.equal(context.active(), ROOT_CONTEXT);
});

test('spans that start below an attached context are its children', async (t) => {
  const spans = registered(t);
  const tracer = trace.getTracer('t');
  const parent = tracer.startSpan('parent');
  const token = context.attach(trace.setSpan(context.active(), parent));
  tracer.startSpan('child').end();
  token.dispose();
  tracer.startSpan('alone').end();
  parent.end();
  assert.equal((await spans.take('child')).parentSpanId, parent.spanContext().spanId);
  assert.equal((await spans.take('alone')).parentSpanId, undefined);
  spans.all();
});

function someSpan(): Span {
  return trace.wrapSpanContext({ traceId: '1'.repeat(32), spanId: '2'.repeat(16), traceFlags: 1 });
}
