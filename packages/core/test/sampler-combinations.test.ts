import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ROOT_CONTEXT, SpanKind, trace } from '@opentelemetry/api';
import {
  AlwaysOnSampler,
  InMemorySpanExporter,
  ParentBasedSampler,
  SimpleSpanProcessor,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import { isClewError } from '../src/errors.ts';
import { faultCounts } from '../src/faults.ts';
import { parseTraceState } from '../src/propagation/tracestate.ts';
import { alwaysOff, alwaysOn } from '../src/sampler/always.ts';
import { annotate } from '../src/sampler/annotate.ts';
import { anyOf } from '../src/sampler/any-of.ts';
import { fromOtel, toOtel } from '../src/sampler/otel-bridge.ts';
import { parentBased, parentThreshold } from '../src/sampler/parent-based.ts';
import { ratio } from '../src/sampler/ratio.ts';
import { recordAll } from '../src/sampler/record-all.ts';
import { rules } from '../src/sampler/rules.ts';
import type {
  IntentSampler,
  OnSamplerError,
  Sampler,
  SamplingDecision,
  SamplingIntent,
  SamplingRequest,
} from '../src/sampler/types.ts';
import { startTracing } from '../src/start-tracing.ts';
import { collectSpans } from '../src/testing/index.ts';

const HALF = '80000000000000';
const ALL = '00000000000000';

const request: SamplingRequest = {
  context: ROOT_CONTEXT,
  traceId: `${'1'.repeat(18)}b3000000000000`,
  name: 'GET',
  kind: SpanKind.SERVER,
  attributes: {},
  links: [],
};

/** What an intent says, without the form in which we keep it. */
function said({ threshold, reliable, attributes, reason }: SamplingIntent) {
  return { threshold, reliable, attributes: attributes === undefined ? {} : { ...attributes }, reason };
}

const fixed = (intent: SamplingIntent): IntentSampler => ({ intent: () => intent, toString: () => 'Fixed' });
const guess = fixed({ threshold: ALL, reliable: false, reason: 'guess', attributes: { guess: true } });

const INTENTS: Array<[what: string, sampler: IntentSampler, expected: ReturnType<typeof said>]> = [
  ['alwaysOn', alwaysOn(), { threshold: ALL, reliable: true, attributes: {}, reason: 'always_on' }],
  ['alwaysOff', alwaysOff(), { threshold: undefined, reliable: false, attributes: {}, reason: 'always_off' }],
  ['ratio', ratio(0.5), { threshold: HALF, reliable: true, attributes: {}, reason: 'ratio' }],
  ['a ratio of 0', ratio(0), { threshold: undefined, reliable: false, attributes: {}, reason: 'ratio' }],
  [
    'parentThreshold',
    parentThreshold(ratio(0.5)),
    { threshold: HALF, reliable: true, attributes: {}, reason: 'ratio' },
  ],
  [
    'annotate',
    annotate(annotate(ratio(0.5), { a: 1, b: 1 }), { b: 2 }),
    { threshold: HALF, reliable: true, attributes: { a: 1, b: 2 }, reason: 'ratio' },
  ],
  [
    'annotate of what is dropped',
    annotate(alwaysOff(), { a: 1 }),
    { threshold: undefined, reliable: false, attributes: {}, reason: 'always_off' },
  ],
  [
    'anyOf takes the lowest threshold',
    anyOf(ratio(0.1), annotate(ratio(0.5), { won: true }), alwaysOff()),
    { threshold: HALF, reliable: true, attributes: { won: true }, reason: 'ratio' },
  ],
  [
    'anyOf is as reliable as its winner',
    anyOf(ratio(0.5), guess),
    { threshold: ALL, reliable: false, attributes: { guess: true }, reason: 'guess' },
  ],
  [
    'anyOf prefers the reliable one of equals',
    anyOf(guess, alwaysOn()),
    { threshold: ALL, reliable: true, attributes: {}, reason: 'always_on' },
  ],
  [
    'anyOf of nothing that keeps',
    anyOf(alwaysOff(), ratio(0)),
    { threshold: undefined, reliable: false, attributes: {}, reason: 'always_off' },
  ],
  [
    'fromOtel is never reliable',
    fromOtel(new AlwaysOnSampler()),
    { threshold: ALL, reliable: false, attributes: {}, reason: 'foreign' },
  ],
];
for (const [what, sampler, expected] of INTENTS) {
  test(`intent: ${what}`, () => assert.deepEqual(said(sampler.intent(request)), expected));
}

test('combinations of samplers that decide by ids decide by ids', () => {
  const sampler = parentBased({ root: recordAll(annotate(anyOf(ratio(0.1), ratio(0.2)), { a: 1 })) });
  assert.notEqual(sampler.rule.byIds(undefined, 0, 0), undefined);
  assert.equal(sampler.rule.byIds(undefined, 0, 0), sampler.rule.byIds(undefined, 0, 0), 'and make no object for it');
});

test('below a sampler that has to see the name, children still decide by ids', () => {
  const sampler = parentBased({ root: rules([{ when: { name: 'a' }, sampler: alwaysOn() }], alwaysOff()) });
  const spans = collectSpans(undefined, { sampler });
  const child = spans.tracing.provider.getTracer('t').startSpan('x');
  assert.equal(sampler.rule.byIds(undefined, 0, 0), undefined);
  // A non-recording span of ours is its own identity.
  assert.notEqual(sampler.rule.byIds(child as never, 0, 0), undefined);
});

test('recordAll: dropped spans record, go to processors and not to exporters, and are not sampled', async (t) => {
  const exporter = new InMemorySpanExporter();
  const ended: string[] = [];
  const processor = {
    onStart: () => {},
    onEnd: (span: { name: string }) => void ended.push(span.name),
    forceFlush: async () => {},
    shutdown: async () => {},
  };
  const tracing = startTracing({
    exporter,
    spanProcessors: [processor],
    register: false,
    sampler: recordAll(alwaysOff()),
  });
  t.after(() => tracing.shutdown());
  const span = tracing.provider.getTracer('t').startSpan('seen');
  assert.equal(span.isRecording(), true);
  assert.equal(span.spanContext().traceFlags, 2);
  span.end();
  await tracing.forceFlush();
  assert.deepEqual([ended, exporter.getFinishedSpans()], [['seen'], []]);
});

test('annotate: kept spans have the attributes', async (t) => {
  const spans = collectSpans(t, { sampler: annotate(alwaysOn(), { 'sampled.by': 'me' }) });
  spans.tracing.provider
    .getTracer('t')
    .startSpan('x', { attributes: { own: 1 } })
    .end();
  assert.deepEqual({ ...(await spans.take('x')).attributes }, { own: 1, 'sampled.by': 'me' });
});

test('an intent sampler of the application decides on any provider, through toOtel', async () => {
  const exporter = new InMemorySpanExporter();
  const provider = new TracerProvider({
    sampler: toOtel(fixed({ threshold: HALF, reliable: true, reason: 'mine', attributes: { mine: true } })),
    spanProcessors: [new SimpleSpanProcessor({ exporter })],
    idGenerator: { generateTraceId: () => request.traceId, generateSpanId: () => '1'.repeat(16) },
  });
  provider.getTracer('t').startSpan('x').end();
  const [span] = exporter.getFinishedSpans();
  assert.equal(span?.spanContext().traceState?.serialize(), 'ot=th:8');
  assert.deepEqual({ ...span?.attributes }, { mine: true });
  await provider.shutdown();
});

const DECISIONS: SamplingDecision[] = [0, 1, 2];
for (const decision of DECISIONS) {
  test(`fromOtel hands on decision ${decision}, and attributes of what is kept`, () => {
    const foreign: Sampler = { shouldSample: () => ({ decision, attributes: { a: 1 } }), toString: () => 'F' };
    const { context, traceId, name, kind, attributes, links } = request;
    const result = fromOtel(foreign).shouldSample(context, traceId, name, kind, attributes, links);
    assert.deepEqual(result, decision === 2 ? { decision, attributes: { a: 1 } } : { decision });
  });
}

test('the official samplers work inside of ours', (t) => {
  const root = new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(1) });
  const spans = collectSpans(t, { sampler: parentThreshold(anyOf(alwaysOff(), root)) });
  const span = spans.tracing.provider.getTracer('t').startSpan('x');
  assert.equal(span.spanContext().traceFlags, 3);
  assert.equal(span.spanContext().traceState, undefined, 'nobody knows the share that they keep');
  span.end();
  spans.all();
});

const WRONG: Array<[what: string, make: () => unknown]> = [
  ['anyOf()', () => anyOf()],
  ['anyOf(1)', () => anyOf(1 as never)],
  ['annotate without attributes', () => annotate(alwaysOn(), undefined as never)],
  ['annotate of nothing', () => annotate(undefined as never, {})],
  ['recordAll of nothing', () => recordAll(null as never)],
  ['parentThreshold of a number', () => parentThreshold(0.5 as never)],
  ['fromOtel of a function', () => fromOtel((() => {}) as never)],
  ['toOtel of an object', () => toOtel({} as never)],
];
for (const [what, make] of WRONG) {
  test(`${what} is refused at set-up`, () => assert.throws(make, isClewError));
}

const throwing: Sampler = {
  shouldSample: () => {
    throw new Error('no idea');
  },
  toString: () => 'Throwing',
};
const parentOf = (flags: number) => ({
  traceId: '1'.repeat(32),
  spanId: '2'.repeat(16),
  traceFlags: flags,
  isRemote: true,
  traceState: parseTraceState('ot=th:8;x:1') ?? assert.fail(),
});
const ON_ERROR: Array<[policy: OnSamplerError | undefined, flags: number | undefined, isKept: boolean]> = [
  [undefined, undefined, true],
  ['parent', undefined, true],
  ['parent', 1, true],
  ['parent', 0, false],
  ['keep', 0, true],
  ['drop', 1, false],
  ['drop', undefined, false],
];
for (const sampler of [throwing, fromOtel(throwing), fixedIntentOf('not hex'), answering({}), answering(null)]) {
  for (const [policy, flags, isKept] of ON_ERROR) {
    const parent = flags === undefined ? 'no parent' : `parent flags ${flags}`;
    test(`onSamplerError ${policy ?? 'by default'}, ${parent}, ${sampler}: ${isKept ? 'kept' : 'dropped'}`, async (t) => {
      const before = faultCounts().sampler_threw ?? 0;
      const options = { exporter: 'none', register: false, sampler } as const;
      const tracing = startTracing(policy === undefined ? options : { ...options, onSamplerError: policy });
      t.after(() => tracing.shutdown());
      const context = flags === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, parentOf(flags));
      const span = tracing.provider.getTracer('t').startSpan('x', {}, context);
      assert.equal(span.isRecording(), isKept);
      assert.equal(span.spanContext().traceFlags & 1, isKept ? 1 : 0);
      assert.equal(span.spanContext().traceState?.serialize(), flags === undefined ? undefined : 'ot=x:1');
      assert.equal((faultCounts().sampler_threw ?? 0) - before, 1);
      span.end();
    });
  }
}

test('onSamplerError refuses other words', () => {
  assert.throws(() => startTracing({ exporter: 'none', onSamplerError: 'kep' as never }), /did you mean "keep"\?/);
});

test('on another SDK a sampler of ours throws nothing into the application', () => {
  const { context, traceId, name, kind, attributes, links } = request;
  const sampler = parentBased({ root: fromOtel(throwing) });
  assert.deepEqual(sampler.shouldSample(context, traceId, name, kind, attributes, links), { decision: 2 });
});

const DESCRIPTIONS: Array<[sampler: Sampler, description: string]> = [
  [parentThreshold(ratio(0.5)), 'ParentThreshold{root=TraceIdRatioBased{0.5}}'],
  [recordAll(alwaysOff()), 'AlwaysRecordSampler{AlwaysOffSampler}'],
  [anyOf(alwaysOff(), ratio(0.5)), 'AnyOf{AlwaysOffSampler, TraceIdRatioBased{0.5}}'],
  [annotate(alwaysOn(), { a: 1, b: 2 }), 'Annotating{AlwaysOnSampler, a, b}'],
  [rules([{ when: {}, sampler: alwaysOff() }], alwaysOn()), 'Rules{AlwaysOffSampler, AlwaysOnSampler}'],
  [fromOtel(new AlwaysOnSampler()), 'AlwaysOnSampler'],
  [toOtel(guess), 'Fixed'],
];
for (const [sampler, description] of DESCRIPTIONS) {
  test(`description: ${description}`, () => assert.equal(String(sampler), description));
}

function fixedIntentOf(threshold: string): Sampler {
  return toOtel({ intent: () => ({ threshold, reliable: true, reason: 'x' }), toString: () => `Intent(${threshold})` });
}

function answering(answer: unknown): Sampler {
  return { shouldSample: () => answer as never, toString: () => `Answering(${JSON.stringify(answer)})` };
}
