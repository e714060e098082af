import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Context, ROOT_CONTEXT, SpanKind, trace } from '@opentelemetry/api';
import { ROOT, withSpanIn } from '../src/context.ts';
import { parseTraceState } from '../src/propagation/tracestate.ts';
import { alwaysOff, alwaysOn } from '../src/sampler/always.ts';
import { parentBased } from '../src/sampler/parent-based.ts';
import { ratio } from '../src/sampler/ratio.ts';
import { thresholdOf } from '../src/sampler/threshold.ts';
import type { ClewSampler } from '../src/sampler/clew-sampler.ts';
import { decide as decideBy } from '../src/sampler/intent.ts';
import { NOT_RECORD, RECORD_AND_SAMPLED, type Sampler, type SamplingDecision } from '../src/sampler/types.ts';
import { NonRecordingSpan, type SpanIdentity } from '../src/span-context.ts';
import { seededWords } from './support/seeded.ts';

const THRESHOLDS: Array<[probability: number, text: string]> = [
  [1, '0'],
  [1 / 2, '8'],
  [1 / 3, 'aaab'],
  [1 / 4, 'c'],
  [3 / 4, '4'],
  [2 / 3, '5555'],
  [1 / 10, 'e666'],
  [1 / 100, 'fd70a'],
  [1 / 1000, 'ffbe77'],
  [1e-6, 'ffffef39'],
  [1 - 2 ** -53, '0'],
  [2 ** -50, 'ffffffffffffc'],
  [2 ** -56, 'ffffffffffffff'],
];
for (const [probability, text] of THRESHOLDS) {
  test(`TraceState probability sampling "Rejection Threshold": ${probability} is ${text}`, () => {
    const threshold = thresholdOf(probability);
    assert.equal(threshold?.text, text);
    const bits = BigInt(`0x${text.padEnd(14, '0')}`);
    assert.equal((BigInt(threshold?.high ?? -1) << 32n) | BigInt(threshold?.low ?? -1), bits);
  });
}

test('a probability below 2^-56 has no threshold', () => {
  assert.equal(thresholdOf(2 ** -57), undefined);
  assert.equal(thresholdOf(0), undefined);
});

test('keep exactly when the randomness is not below the threshold', () => {
  // 0.1 has the threshold e666, so R = e6660000000000 is the first that is kept.
  const cases: Array<[t2: number, t3: number, decision: number]> = [
    [0x00e66600, 0, RECORD_AND_SAMPLED],
    [0x7fe66600, 0, RECORD_AND_SAMPLED],
    [0x00e665ff, 0xffffffff | 0, NOT_RECORD],
    [0x00ffffff, -1, RECORD_AND_SAMPLED],
    [0xff000000 | 0, 0, NOT_RECORD],
  ];
  for (const [t2, t3, decision] of cases) assert.equal(decide(ratio(0.1), undefined, t2, t3), decision);
});

test('the lower 32 bits count, and are compared without a sign', () => {
  // 2^-50 below a half: the threshold 8 with R just under and at it.
  const half = ratio(0.5);
  assert.equal(decide(half, undefined, 0x7fffff, -1), NOT_RECORD);
  assert.equal(decide(half, undefined, 0x800000, 0), RECORD_AND_SAMPLED);
  const tiny = ratio(2 ** -30);
  const threshold = thresholdOf(2 ** -30);
  assert.equal(threshold?.text, 'fffffffc');
  assert.equal(decide(tiny, undefined, 0xffffff, 0xfbffffff | 0), NOT_RECORD);
  assert.equal(decide(tiny, undefined, 0xffffff, 0xfc000000 | 0), RECORD_AND_SAMPLED);
});

for (const p of [0.001, 0.01, 0.1, 0.25, 0.5, 0.9]) {
  test(`a ratio of ${p} keeps that share of a million random ids`, () => {
    const count = 1_000_000;
    const sampler = ratio(p);
    const random = seededWords(0x5eed + p * 1e4);
    let kept = 0;
    for (let i = 0; i < count; i++) if (decide(sampler, undefined, random(), random()) === RECORD_AND_SAMPLED) kept++;
    const bound = 4.42 * Math.sqrt(count * p * (1 - p));
    assert.ok(Math.abs(kept - count * p) <= bound, `kept ${kept} of ${count}, bound ${bound.toFixed(0)}`);
  });
}

test('what a lower ratio keeps, a higher one keeps too', () => {
  const random = seededWords(7);
  const [low, high] = [ratio(0.2), ratio(0.3)];
  for (let i = 0; i < 200_000; i++) {
    const [t2, t3] = [random(), random()];
    if (decide(low, undefined, t2, t3) === RECORD_AND_SAMPLED) {
      assert.equal(decide(high, undefined, t2, t3), RECORD_AND_SAMPLED);
    }
  }
});

test('decide and shouldSample agree', () => {
  const random = seededWords(11);
  const sampler = ratio(0.37);
  for (let i = 0; i < 10_000; i++) {
    const span = new NonRecordingSpan(random(), random(), random(), random(), 1, 1, 0, false, undefined);
    const { decision } = ask(sampler, ROOT, span.spanContext().traceId);
    assert.equal(decision, decide(sampler, undefined, span.t2, span.t3));
  }
});

const RANDOMNESS: Array<[what: string, tracestate: string, isKept: boolean]> = [
  ['rv above the threshold', 'ot=rv:ffffffffffffff', true],
  ['rv at the threshold', 'ot=rv:80000000000000', true],
  ['rv below the threshold', 'ot=rv:7fffffffffffff', false],
  ['rv behind other keys', 'ot=th:8;rv:7fffffffffffff;x:y', false],
  ['rv of 13 digits is not used', 'ot=rv:fffffffffffff', true],
  ['rv of 15 digits is not used', 'ot=rv:000000000000000', true],
  ['rv in upper case is not used', 'ot=rv:0FFFFFFFFFFFFF', true],
  ['a key that ends in rv is not used', 'ot=xrv:00000000000000', true],
  ['rv of another vendor is not used', 'xx=rv:00000000000000', true],
];
for (const [what, tracestate, isKept] of RANDOMNESS) {
  test(`TraceState probability sampling "Explicit randomness value rv": ${what}`, () => {
    // The trace id alone would be kept.
    const parent = new NonRecordingSpan(1, 1, -1, -1, 1, 1, 0, true, parseTraceState(tracestate));
    const expected = isKept ? RECORD_AND_SAMPLED : NOT_RECORD;
    assert.equal(decide(ratio(0.5), parent, parent.t2, parent.t3), expected);
    const { decision } = ask(ratio(0.5), withSpanIn(ROOT, parent), parent.spanContext().traceId);
    assert.equal(decision, expected);
  });
}

test('a ratio of 0 keeps nothing and a ratio of 1 everything', () => {
  assert.equal(decide(ratio(0), undefined, -1, -1), NOT_RECORD);
  assert.equal(decide(ratio(1), undefined, 0, 0), RECORD_AND_SAMPLED);
  assert.equal(ask(ratio(1), ROOT, 'not hex').decision, RECORD_AND_SAMPLED);
  assert.equal(ask(ratio(0.5), ROOT, 'not hex').decision, NOT_RECORD);
});

for (const wrong of [-0.0001, 1.0001, Number.NaN, Number.POSITIVE_INFINITY, '0.5', undefined, null]) {
  test(`not a ratio: ${String(wrong)}`, () => {
    // The cast stands for an application in JavaScript.
    assert.throws(() => ratio(wrong as number), {
      code: 'CLEW_ERR_OPTION',
      message: /must be a number from 0 to 1, got /,
    });
  });
}

const remote = (flags: number): NonRecordingSpan => new NonRecordingSpan(1, 2, 3, 4, 5, 6, flags, true, undefined);
const local = (flags: number): NonRecordingSpan => new NonRecordingSpan(1, 2, 3, 4, 5, 6, flags, false, undefined);

const BRANCHES: Array<[parent: NonRecordingSpan | undefined, branch: string]> = [
  [undefined, 'root'],
  [remote(1), 'remoteParentSampled'],
  [remote(3), 'remoteParentSampled'],
  [remote(0), 'remoteParentNotSampled'],
  [remote(2), 'remoteParentNotSampled'],
  [local(1), 'localParentSampled'],
  [local(0), 'localParentNotSampled'],
];
for (const [parent, branch] of BRANCHES) {
  const given = parent === undefined ? 'none' : `${parent.isRemote ? 'remote' : 'local'}, flags ${parent.traceFlags}`;
  test(`SDK "ParentBased": parent ${given} asks ${branch}`, () => {
    const context = parent === undefined ? ROOT : withSpanIn(ROOT, parent);
    const all = { root: alwaysOff(), remoteParentSampled: alwaysOff(), localParentSampled: alwaysOff() };
    const byIds = parentBased({ ...all, [branch]: alwaysOn() });
    assert.equal(ask(byIds, context).decision, RECORD_AND_SAMPLED);
    assert.equal(decide(byIds, parent, 3, 4), RECORD_AND_SAMPLED);

    const foreign: Sampler = { shouldSample: () => ({ decision: RECORD_AND_SAMPLED }), toString: () => 'foreign' };
    const mixed = parentBased({ ...all, [branch]: foreign });
    assert.equal(mixed.rule.byIds(parent, 3, 4), undefined, 'a foreign sampler is asked with everything');
    assert.equal(ask(mixed, context).decision, RECORD_AND_SAMPLED);
  });
}

test('SDK "ParentBased": by default children follow their parent', () => {
  const sampler = parentBased({ root: alwaysOff() });
  assert.deepEqual(
    [undefined, remote(1), remote(0), local(1), local(0)].map((parent) => decide(sampler, parent, 0, 0)),
    [NOT_RECORD, RECORD_AND_SAMPLED, NOT_RECORD, RECORD_AND_SAMPLED, NOT_RECORD],
  );
});

test('an invalid parent counts as none, and a foreign context is read', () => {
  const sampler = parentBased({ root: alwaysOff(), localParentSampled: alwaysOn() });
  const invalid = trace.setSpanContext(ROOT_CONTEXT, {
    traceId: '0'.repeat(32),
    spanId: '1'.repeat(16),
    traceFlags: 1,
  });
  assert.equal(ask(sampler, invalid).decision, NOT_RECORD);
  const valid = trace.setSpanContext(ROOT_CONTEXT, { traceId: '1'.repeat(32), spanId: '1'.repeat(16), traceFlags: 1 });
  assert.equal(ask(sampler, valid).decision, RECORD_AND_SAMPLED);
});

test('parentBased refuses what is no sampler and what it does not know', () => {
  const option = { code: 'CLEW_ERR_OPTION' };
  assert.throws(() => parentBased(undefined as never), { ...option, message: /root of parentBased must be a sampler/ });
  assert.throws(() => parentBased({} as never), option);
  assert.throws(() => parentBased({ root: 0.5 as never }), { ...option, message: /got 0.5/ });
  assert.throws(() => parentBased({ root: alwaysOn(), remoteParentSample: alwaysOn() } as never), {
    ...option,
    message: /did you mean "remoteParentSampled"\?/,
  });
});

const DESCRIPTIONS: Array<[sampler: ClewSampler, description: string]> = [
  [alwaysOn(), 'AlwaysOnSampler'],
  [alwaysOff(), 'AlwaysOffSampler'],
  [ratio(0.25), 'TraceIdRatioBased{0.25}'],
  [parentBased({ root: alwaysOn() }), parentDescription('AlwaysOnSampler')],
  [parentBased({ root: ratio(0.25) }), parentDescription('TraceIdRatioBased{0.25}')],
];
for (const [sampler, description] of DESCRIPTIONS) {
  test(`SDK "Built-in samplers": ${description.slice(0, 48)} describes itself and decides by ids`, () => {
    assert.equal(sampler.toString(), description);
    assert.notEqual(sampler.rule.byIds(undefined, 0, 0), undefined);
  });
}

function parentDescription(root: string): string {
  return (
    `ParentBased{root=${root}, remoteParentSampled=AlwaysOnSampler, remoteParentNotSampled=AlwaysOffSampler, ` +
    'localParentSampled=AlwaysOnSampler, localParentNotSampled=AlwaysOffSampler}'
  );
}

/** The decision by ids alone, as the tracer makes it. */
function decide(sampler: ClewSampler, parent: SpanIdentity | undefined, t2: number, t3: number): SamplingDecision {
  const intent = sampler.rule.byIds(parent, t2, t3) ?? assert.fail('it cannot decide by ids');
  return decideBy(intent, parent, t2, t3);
}

function ask(sampler: Sampler, context: Context, traceId = '0af7651916cd43dd8448eb211c80319c') {
  return sampler.shouldSample(context, traceId, 'name', SpanKind.INTERNAL, {}, []);
}
