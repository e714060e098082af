/** Keeps a share of all traces, chosen by their random bits, so that every service that asks keeps the same ones. */
import { diag } from '@opentelemetry/api';
import { checkInteger, checkOptionNames, showValue } from '../config/options.ts';
import { ClewError } from '../errors.ts';
import { FLAG_RANDOM, type SpanIdentity } from '../span-context.ts';
import { ClewSampler, type SamplingRule } from './clew-sampler.ts';
import { type Foregone, foregoneBy } from './foregone.ts';
import { Intent, KEEP_NONE, otMemberOfParent } from './intent.ts';
import { DEFAULT_PRECISION, thresholdOf } from './threshold.ts';

/** Options of `ratio`. */
export interface RatioOptions {
  /** Significant hex digits of the threshold, behind the leading `f`s of a small ratio. 1 to 12. Default 4. */
  precision?: number;
}

/**
 * A sampler that keeps a share of all traces. It compares the last 56 bits of the trace id, or the `rv` value that the
 * parent's trace state carries, with a threshold, and writes the threshold of kept traces into the trace state.
 *
 * @param probability  0 (none) to 1 (all)
 * @throws ClewError `CLEW_ERR_OPTION` when it is not a number from 0 to 1, or an option is wrong
 * @see https://opentelemetry.io/docs/specs/otel/trace/tracestate-probability-sampling/
 */
export function ratio(probability: number, options?: RatioOptions): ClewSampler {
  if (typeof probability !== 'number' || !(probability >= 0 && probability <= 1)) {
    throw new ClewError(
      'CLEW_ERR_OPTION',
      `a sampling ratio must be a number from 0 to 1, got ${showValue(probability)}`,
    );
  }
  checkOptionNames('ratio', options, ['precision']);
  const precision = checkInteger('precision', options?.precision, 1, 12) ?? DEFAULT_PRECISION;
  const threshold = thresholdOf(probability, precision);
  const intent =
    threshold === undefined
      ? new Intent({ ...KEEP_NONE, reason: 'ratio' })
      : new Intent({ threshold: threshold.text.padEnd(14, '0'), reliable: true, reason: 'ratio' });
  return new ClewSampler(new RatioRule(probability, intent));
}

class RatioRule implements SamplingRule {
  readonly foregone: Foregone;
  readonly #probability: number;
  readonly #intent: Intent;

  constructor(probability: number, intent: Intent) {
    this.#probability = probability;
    this.foregone = foregoneBy(intent);
    this.#intent = intent;
  }

  byIds(parent: SpanIdentity | undefined): Intent {
    if (!isWarned && parent?.isRemote === true) warnOfWeakIds(parent);
    return this.#intent;
  }

  toString(): string {
    return `TraceIdRatioBased{${this.#probability}}`;
  }
}

let isWarned = false;

// Trace SDK, "Compatibility warnings for ProbabilitySampler": the id is taken for random all the same.
function warnOfWeakIds(parent: SpanIdentity): void {
  if ((parent.traceFlags & FLAG_RANDOM) !== 0 || otMemberOfParent(parent).hasRandomness) return;
  isWarned = true;
  diag.warn('clew: a ratio decides by a trace id of a caller that does not say whether it is random (said once)');
}
