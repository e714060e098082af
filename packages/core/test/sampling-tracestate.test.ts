import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ROOT_CONTEXT, type TraceState, trace } from '@opentelemetry/api';
import { faultCounts } from '../src/faults.ts';
import { parseTraceState } from '../src/propagation/tracestate.ts';
import { alwaysOff, alwaysOn } from '../src/sampler/always.ts';
import { anyOf } from '../src/sampler/any-of.ts';
import { parentBased, parentThreshold } from '../src/sampler/parent-based.ts';
import { ratio } from '../src/sampler/ratio.ts';
import { recordAll } from '../src/sampler/record-all.ts';
import { rules } from '../src/sampler/rules.ts';
import type { Sampler } from '../src/sampler/types.ts';
import { collectSpans } from '../src/testing/index.ts';

// Its last 56 bits, the random number, are b3000000000000: kept by a half (th:8), not by a quarter (th:c).
const TRACE_ID = '0af7651916cd43dd84b3000000000000';
const SPAN_ID = 'b7ad6b7169203331';

interface Parent {
  isRemote?: boolean;
  flags?: number;
  state?: string;
}

/** Flags and trace state of a span that starts below a parent. */
function outcome(
  t: Parameters<typeof collectSpans>[0],
  sampler: Sampler,
  { isRemote = true, flags = 3, state }: Parent,
  makeState: (text: string) => TraceState | undefined = parseTraceState,
): [flags: number, tracestate: string] {
  const spans = collectSpans(t, { sampler });
  const traceState = state === undefined ? undefined : makeState(state);
  const context = trace.setSpanContext(ROOT_CONTEXT, {
    traceId: TRACE_ID,
    spanId: SPAN_ID,
    traceFlags: flags,
    isRemote,
    ...(traceState === undefined ? {} : { traceState }),
  });
  const span = spans.tracing.provider.getTracer('test').startSpan('x', {}, context);
  span.end();
  spans.all();
  const after = span.spanContext();
  assert.equal(after.traceId, TRACE_ID);
  return [after.traceFlags, after.traceState?.serialize() ?? ''];
}

const PARENTS: Array<[what: string, parent: Parent, flags: number, tracestate: string]> = [
  ['sampled, th consistent', { state: 'ot=th:8' }, 3, 'ot=th:8'],
  ['sampled, th equal to the random number', { state: 'ot=th:b3' }, 3, 'ot=th:b3'],
  ['sampled, th with zeros at its end stays as it came', { state: 'ot=th:80' }, 3, 'ot=th:80'],
  ['sampled, th inconsistent', { state: 'ot=th:c' }, 3, ''],
  ['sampled, th inconsistent beside other members', { state: 'a=1,ot=th:c,b=2' }, 3, 'a=1,b=2'],
  ['sampled, th inconsistent beside other sub-keys', { state: 'a=1,ot=x:y;th:c' }, 3, 'ot=x:y,a=1'],
  ['sampled, no th', { state: 'a=1' }, 3, 'a=1'],
  ['sampled, no trace state', {}, 3, ''],
  ['sampled, rv reaches th', { state: 'ot=th:c;rv:c0000000000000' }, 3, 'ot=th:c;rv:c0000000000000'],
  ['sampled, rv does not reach th', { state: 'ot=th:8;rv:7fffffffffffff' }, 3, 'ot=rv:7fffffffffffff'],
  ['sampled, rv without th', { state: 'ot=rv:7fffffffffffff' }, 3, 'ot=rv:7fffffffffffff'],
  ['not sampled, with th', { flags: 2, state: 'ot=th:8;rv:c0000000000000' }, 2, 'ot=rv:c0000000000000'],
  ['not sampled, no th', { flags: 2, state: 'a=1' }, 2, 'a=1'],
  ['not sampled, no random flag', { flags: 0 }, 0, ''],
];
for (const isRemote of [true, false]) {
  for (const [what, parent, flags, tracestate] of PARENTS) {
    test(`"Parent-based threshold": a ${isRemote ? 'remote' : 'local'} parent that is ${what}`, (t) => {
      for (const sampler of [parentBased({ root: ratio(0.5) }), parentThreshold(ratio(0.5))]) {
        assert.deepEqual(outcome(t, sampler, { ...parent, isRemote }), [flags, tracestate]);
      }
    });
  }
}

const SAMPLERS: Array<[what: string, sampler: Sampler, state: string | undefined, flags: number, tracestate: string]> =
  [
    ['a ratio that keeps writes its threshold', ratio(0.5), undefined, 3, 'ot=th:8'],
    ['in place of the parent’s', ratio(0.5), 'ot=th:4;x:1', 3, 'ot=th:8;x:1'],
    ['at the front', ratio(0.5), 'a=1,ot=th:4', 3, 'ot=th:8,a=1'],
    ['the same one leaves the trace state alone', ratio(0.5), 'a=1,ot=th:8', 3, 'a=1,ot=th:8'],
    ['a ratio that drops removes it', ratio(0.25), 'a=1,ot=th:8', 2, 'a=1'],
    ['a ratio of 1 writes th:0', ratio(1), undefined, 3, 'ot=th:0'],
    ['a ratio of 0 writes nothing', ratio(0), undefined, 2, ''],
    ['precision shows in the text', ratio(1 / 3, { precision: 6 }), undefined, 3, 'ot=th:aaaaab'],
    ['alwaysOn adds nothing', alwaysOn(), undefined, 3, ''],
    ['alwaysOn adds nothing to others', alwaysOn(), 'a=1', 3, 'a=1'],
    ['alwaysOn corrects a threshold that is there', alwaysOn(), 'ot=th:c', 3, 'ot=th:0'],
    ['alwaysOff removes it', alwaysOff(), 'ot=th:8', 2, ''],
    ['alwaysOn in rules writes th:0', rules([], alwaysOn()), undefined, 3, 'ot=th:0'],
    ['alwaysOn in anyOf writes th:0', anyOf(alwaysOn(), ratio(0.5)), undefined, 3, 'ot=th:0'],
    ['recordAll leaves the flag and the threshold off', recordAll(ratio(0.25)), 'ot=th:8', 2, ''],
    [
      'a branch of parentBased above the parent’s threshold raises it',
      parentBased({ root: alwaysOff(), remoteParentSampled: ratio(0.5) }),
      'ot=th:4',
      3,
      'ot=th:8',
    ],
    [
      'a branch of parentBased below the parent’s threshold keeps the parent’s',
      parentBased({ root: alwaysOff(), remoteParentSampled: ratio(0.9) }),
      'ot=th:8',
      3,
      'ot=th:8',
    ],
    [
      'a branch of parentBased below a parent without a threshold writes none',
      parentBased({ root: alwaysOff(), remoteParentSampled: ratio(0.5) }),
      undefined,
      3,
      '',
    ],
  ];
for (const [what, sampler, state, flags, tracestate] of SAMPLERS) {
  test(`"General requirements" of the threshold: ${what}`, (t) => {
    assert.deepEqual(outcome(t, sampler, state === undefined ? {} : { state }), [flags, tracestate]);
  });
}

test('what is kept below a parent that was not has no threshold', (t) => {
  const sampler = parentBased({ root: alwaysOff(), remoteParentNotSampled: ratio(0.5) });
  assert.deepEqual(outcome(t, sampler, { flags: 2, state: 'ot=th:4' }), [3, '']);
});

test('the trace state of another SDK is read and changed by its own methods', (t) => {
  const foreign = (text: string): TraceState => ({
    get: (key) => (key === 'ot' ? text.slice(3) : undefined),
    set: () => assert.fail('a foreign trace state is copied, not set'),
    unset: () => assert.fail('a foreign trace state is copied, not unset'),
    serialize: () => text,
  });
  assert.deepEqual(outcome(t, ratio(0.5), { state: 'ot=x:1;th:4' }, foreign), [3, 'ot=th:8;x:1']);
  assert.deepEqual(outcome(t, parentBased({ root: alwaysOff() }), { state: 'ot=th:c' }, foreign), [3, '']);
});

for (const [length, fits] of [
  [256, true],
  [257, false],
] as const) {
  test(`an ot member of ${length} characters ${fits ? 'is written' : 'is not, and counted'}`, (t) => {
    const others = `x:${'y'.repeat(length - 'th:8;x:'.length)}`;
    const before = faultCounts().tracestate_full ?? 0;
    const [flags, tracestate] = outcome(t, ratio(0.5), { state: `a=1,ot=${others}` });
    assert.equal(flags, 3);
    assert.equal(tracestate, fits ? `ot=th:8;${others},a=1` : `a=1,ot=${others}`);
    assert.equal((faultCounts().tracestate_full ?? 0) - before, fits ? 0 : 1);
  });
}

const MALFORMED = ['th:', 'th:8g', 'th:8A', 'th:123456789012345', 'xth:8', 'TH:8', 'th8'];
for (const value of MALFORMED) {
  test(`no threshold: ot=${value}`, (t) => {
    const [flags] = outcome(t, parentBased({ root: alwaysOff() }), { state: `ot=${value}` });
    assert.equal(flags, 3, 'the flag decides');
    // What only looks like a threshold is not counted with: a ratio puts its own in its place.
    assert.match(outcome(t, ratio(0.5), { state: `ot=${value}` })[1], /^ot=th:8(;(xth:8|TH:8|th8))?$/);
  });
}

test('root spans that a ratio keeps share one trace state', (t) => {
  const spans = collectSpans(t, { sampler: ratio(0.9) });
  const tracer = spans.tracing.provider.getTracer('test');
  const states = new Set<unknown>();
  for (let i = 0; i < 100; i++) {
    const { traceFlags, traceState } = tracer.startSpan('x', { root: true }).spanContext();
    if ((traceFlags & 1) === 1) states.add(traceState);
    else assert.equal(traceState, undefined);
  }
  assert.equal(states.size, 1);
});
