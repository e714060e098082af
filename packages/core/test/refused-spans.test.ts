/** Spans that ids alone refuse: the same as if they had been started, without the work of starting them. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { type Context, context as contextApi, createTraceState, type Span, SpanKind, trace } from '@opentelemetry/api';
import { TracerProvider } from '@opentelemetry/sdk-trace';
import { ROOT, suppressIn, withSpanIn } from '../src/context.ts';
import { PluginTracing } from '../src/plugin.ts';
import { createPropagator } from '../src/propagation/composite.ts';
import { alwaysOff, alwaysOn } from '../src/sampler/always.ts';
import { parentBased } from '../src/sampler/parent-based.ts';
import { ratio } from '../src/sampler/ratio.ts';
import { recordAll } from '../src/sampler/record-all.ts';
import { rules } from '../src/sampler/rules.ts';
import type { Sampler } from '../src/sampler/types.ts';
import type { StartTracingOptions } from '../src/start-options.ts';
import { startTracing } from '../src/start-tracing.ts';
import { extract } from './support/headers.ts';

const SCOPE = { name: 'test-plugin', version: '1' };
const T = '0af7651916cd43dd8448eb211c80319c';
const S = 'b7ad6b7169203331';

function plugin(t: TestContext, options: StartTracingOptions): PluginTracing {
  const tracing = startTracing({ exporter: 'none', register: false, ...options });
  t.after(() => tracing.shutdown());
  return new PluginTracing(SCOPE, tracing.provider);
}

/** A span as the API shows it, without the ids that are new for each. */
function shape(span: Span, context: Context): object {
  const { traceId, spanId, traceFlags, traceState, isRemote } = span.spanContext();
  const parent = trace.getSpanContext(context);
  return {
    isRecording: span.isRecording(),
    sharesTrace: parent?.traceId === traceId,
    sharesSpan: parent?.spanId === spanId,
    idLengths: [traceId.length, spanId.length],
    traceFlags,
    traceState: traceState?.serialize(),
    isRemote,
  };
}

const incoming = (headers: Record<string, string>): Context => extract(createPropagator(['tracecontext']), headers);
const CONTEXTS: Record<string, () => Context> = {
  'no parent': () => ROOT,
  'a sampled caller': () => incoming({ traceparent: `00-${T}-${S}-03` }),
  'a caller that is not sampled': () => incoming({ traceparent: `00-${T}-${S}-02`, tracestate: 'ot=th:8,v=1' }),
  'a caller without a random id': () => incoming({ traceparent: `00-${T}-${S}-00` }),
  'a caller that left it open': () => extract(createPropagator(['b3']), { b3: `${T}-${S}` }),
  'a decision without a span': () => extract(createPropagator(['b3']), { b3: '0' }),
  "somebody else's span": () =>
    trace.setSpanContext(contextApi.active(), {
      traceId: T,
      spanId: S,
      traceFlags: 0,
      traceState: createTraceState('v=1'),
    }),
  'a span without ids': () =>
    trace.setSpanContext(contextApi.active(), { traceId: '0'.repeat(32), spanId: '0'.repeat(16), traceFlags: 0 }),
  'a suppressed context': () => suppressIn(ROOT),
};
const SAMPLERS: Record<string, Sampler> = {
  alwaysOn: alwaysOn(),
  alwaysOff: alwaysOff(),
  parentBased: parentBased({ root: alwaysOn() }),
  'parentBased over alwaysOff': parentBased({ root: alwaysOff() }),
  'parentBased that records below what is not sampled': parentBased({
    root: alwaysOff(),
    localParentNotSampled: alwaysOn(),
    remoteParentNotSampled: alwaysOn(),
  }),
  'ratio of a millionth': ratio(0.000001),
  recordAll: recordAll(alwaysOff()),
  rules: rules([{ when: { name: 'other' }, sampler: alwaysOff() }], alwaysOn()),
  "somebody else's": { shouldSample: () => ({ decision: 0 }), toString: () => 'foreign' },
};

for (const [name, sampler] of Object.entries(SAMPLERS)) {
  for (const [where, make] of Object.entries(CONTEXTS)) {
    test(`${name} with ${where}: what is refused is what a start would have given`, (t) => {
      const tracing = plugin(t, { sampler });
      const context = make();
      const started = tracing.startSpan('work', SpanKind.SERVER, context);
      const refused = tracing.refuse(context);
      const span = refused ?? tracing.startSpan('work', SpanKind.SERVER, context);
      assert.deepEqual(shape(span, context), shape(started, context));
      if (started.isRecording()) assert.equal(refused, undefined);
      started.end();
      span.end();
    });
  }
}

test('what samplers decide by ids is refused, what they have to look at is not', (t) => {
  const unsampled = withSpanIn(ROOT, plugin(t, { sampler: alwaysOff() }).refuse(ROOT));
  const expected: Record<string, [root: boolean, child: boolean]> = {
    alwaysOff: [true, true],
    parentBased: [false, true],
    rules: [false, false],
    "somebody else's": [false, false],
  };
  for (const [name, [root, child]] of Object.entries(expected)) {
    const tracing = plugin(t, { sampler: SAMPLERS[name] as Sampler });
    assert.equal(tracing.refuse(ROOT) !== undefined, root, `${name}, root`);
    assert.equal(tracing.refuse(unsampled) !== undefined, child, `${name}, child`);
  }
});

test('every trace has ids of its own, also when it was asked for before it was started', (t) => {
  const tracing = plugin(t, { sampler: ratio(0.5) });
  const seen = new Set<string>();
  let recorded = 0;
  for (let i = 0; i < 2000; i++) {
    const span = tracing.refuse(ROOT) ?? tracing.startSpan('work', SpanKind.SERVER, ROOT);
    if (span.isRecording()) recorded++;
    const { traceId, spanId } = span.spanContext();
    seen.add(traceId).add(spanId);
    // Now and then something else starts in between.
    if (i % 7 === 0) tracing.refuse(ROOT);
    if (i % 11 === 0) {
      const child = tracing.startSpan('child', SpanKind.CLIENT, withSpanIn(ROOT, span));
      assert.equal(child.spanContext().traceId, traceId);
      assert.equal(seen.has(child.spanContext().spanId), false);
      child.end();
    }
    span.end();
  }
  assert.equal(seen.size, 4000);
  // The chance of a fair one to be outside is below one in 10^9.
  assert.ok(recorded > 860 && recorded < 1140, `${recorded} of 2000`);
});

test('a sampler that starts traces itself does not get the ids of the one that it decides about', (t) => {
  const inner = plugin(t, { sampler: ratio(0.999999) });
  const traceIds: string[] = [];
  const sampler: Sampler = {
    shouldSample() {
      inner.refuse(ROOT);
      return { decision: 2 };
    },
    toString: () => 'nested',
  };
  const tracing = plugin(t, { sampler });
  for (let i = 0; i < 100; i++) {
    for (const one of [tracing, inner]) {
      const span = one.startSpan('work', SpanKind.SERVER, ROOT);
      traceIds.push(span.spanContext().traceId);
      span.end();
    }
  }
  assert.equal(new Set(traceIds).size, 200);
});

test('an id generator is asked once for each root span', (t) => {
  let asked = 0;
  const idGenerator = {
    generateTraceId: () => (++asked).toString(16).padStart(32, '0'),
    generateSpanId: () => S,
  };
  const tracing = plugin(t, { idGenerator, sampler: alwaysOn() });
  assert.equal(tracing.refuse(ROOT), undefined);
  const span = tracing.startSpan('work', SpanKind.SERVER, ROOT);
  span.end();
  assert.equal(span.spanContext().traceId, '1'.padStart(32, '0'));
});

test('another provider decides for itself', () => {
  assert.equal(new PluginTracing(SCOPE, new TracerProvider()).refuse(ROOT), undefined);
});
