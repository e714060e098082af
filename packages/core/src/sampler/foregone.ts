/** What samplers decide before any id is known, so that the tracer need not ask them for each span. */
import type { Intent } from './intent.ts';
import { NOT_RECORD, RECORD_AND_SAMPLED, type SamplingDecision } from './types.ts';

/**
 * The decisions of a rule that depend on nothing but the parent's flag: for spans without a trace state, which get none
 * and no attributes either. `undefined` where more has to be known.
 */
export interface Foregone {
  /** New traces. */
  readonly root: SamplingDecision | undefined;
  /** Spans whose parent is in this process and sampled. */
  readonly belowSampled: SamplingDecision | undefined;
  /** Spans whose parent is in this process and not sampled. */
  readonly belowUnsampled: SamplingDecision | undefined;
}

/** Where every span has to be asked for. */
export const NOTHING_FOREGONE: Foregone = { root: undefined, belowSampled: undefined, belowUnsampled: undefined };

/** The decisions of a rule that has one intent for all. */
export function foregoneBy(intent: Intent): Foregone {
  const decision = decisionOf(intent);
  return { root: decision, belowSampled: decision, belowUnsampled: decision };
}

function decisionOf(intent: Intent): SamplingDecision | undefined {
  const { threshold, high, low, attributes, recordsDropped, rootState } = intent;
  if (threshold === undefined) return recordsDropped ? undefined : NOT_RECORD;
  const keepsAll = high === 0 && low === 0;
  return keepsAll && attributes === undefined && rootState === undefined ? RECORD_AND_SAMPLED : undefined;
}
