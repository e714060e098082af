/** What the tracer takes for decided before it has ids: never anything else than what the sampler says with them. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { type Context, SpanKind } from '@opentelemetry/api';
import { ROOT, withSpanIn } from '../src/context.ts';
import { alwaysOff, alwaysOn } from '../src/sampler/always.ts';
import { annotate } from '../src/sampler/annotate.ts';
import { anyOf } from '../src/sampler/any-of.ts';
import type { ClewSampler } from '../src/sampler/clew-sampler.ts';
import { NOTHING_FOREGONE } from '../src/sampler/foregone.ts';
import { parentBased, parentThreshold } from '../src/sampler/parent-based.ts';
import { ratio } from '../src/sampler/ratio.ts';
import { recordAll } from '../src/sampler/record-all.ts';
import { rules } from '../src/sampler/rules.ts';
import { FLAG_SAMPLED, NonRecordingSpan } from '../src/span-context.ts';

type Known = [root: number | undefined, belowSampled: number | undefined, belowUnsampled: number | undefined];

const SAMPLERS: ReadonlyArray<readonly [string, ClewSampler, Known]> = [
  ['alwaysOn', alwaysOn(), [2, 2, 2]],
  ['alwaysOff', alwaysOff(), [0, 0, 0]],
  ['ratio 0', ratio(0), [0, 0, 0]],
  // It writes a threshold into the trace state.
  ['ratio 1', ratio(1), [undefined, undefined, undefined]],
  ['ratio 0.5', ratio(0.5), [undefined, undefined, undefined]],
  ['parentBased over alwaysOn', parentBased({ root: alwaysOn() }), [2, 2, 0]],
  ['parentBased over ratio 0', parentBased({ root: ratio(0) }), [0, 2, 0]],
  ['parentBased over ratio 0.5', parentBased({ root: ratio(0.5) }), [undefined, 2, 0]],
  [
    'parentBased the other way round',
    parentBased({ root: alwaysOn(), localParentSampled: alwaysOff(), localParentNotSampled: alwaysOn() }),
    [2, 0, 2],
  ],
  ['parentBased within parentBased', parentBased({ root: parentBased({ root: alwaysOff() }) }), [0, 2, 0]],
  // Its new traces have a threshold.
  ['parentThreshold over alwaysOn', parentThreshold(alwaysOn()), [undefined, 2, 0]],
  ['annotate', annotate(alwaysOn(), { why: 'always' }), [undefined, undefined, undefined]],
  ['anyOf', anyOf(alwaysOn(), alwaysOff()), [undefined, undefined, undefined]],
  ['recordAll', recordAll(alwaysOff()), [undefined, undefined, undefined]],
  ['rules', rules([], alwaysOff()), [undefined, undefined, undefined]],
];

for (const [name, sampler, known] of SAMPLERS) {
  test(`${name}: foregone is what no id changes, and nothing that leaves a mark on the span`, () => {
    const { root, belowSampled, belowUnsampled } = sampler.rule.foregone ?? NOTHING_FOREGONE;
    assert.deepEqual([root, belowSampled, belowUnsampled], known);
    for (let i = 0; i < 200; i++) {
      // The first and the last trace ids there are among them: thresholds are at both ends.
      const traceId = i === 0 ? `${'0'.repeat(31)}1` : i === 1 ? 'f'.repeat(32) : randomBytes(16).toString('hex');
      agrees(sampler, root, ROOT, traceId);
      agrees(sampler, belowSampled, below(traceId, FLAG_SAMPLED), traceId);
      agrees(sampler, belowUnsampled, below(traceId, 0), traceId);
    }
  });
}

function agrees(sampler: ClewSampler, foregone: number | undefined, context: Context, traceId: string): void {
  if (foregone === undefined) return;
  const result = sampler.shouldSample(context, traceId, 'work', SpanKind.INTERNAL, {}, []);
  assert.deepEqual(result, { decision: foregone });
}

function below(traceId: string, traceFlags: number): Context {
  const word = (at: number): number => Number.parseInt(traceId.slice(at, at + 8), 16) | 0;
  const parent = new NonRecordingSpan(word(0), word(8), word(16), word(24), 1, 2, traceFlags, false, undefined);
  return withSpanIn(ROOT, parent);
}
