/** Keeps a share of all traces, chosen by their random bits, so that every service that asks keeps the same ones. */
import type { Context, TraceState } from '@opentelemetry/api';
import { showValue } from '../config/options.ts';
import { spanOf } from '../context.ts';
import { ClewError } from '../errors.ts';
import { parseHexWord, takeMalformed } from '../ids.ts';
import { identityOf, isValidIdentity, type SpanIdentity } from '../span-context.ts';
import { type Threshold, thresholdOf } from './threshold.ts';
import { type IdSampler, NOT_RECORD, RECORD_AND_SAMPLED, type SamplingDecision, type SamplingResult } from './types.ts';

const KEEP: SamplingResult = Object.freeze({ decision: RECORD_AND_SAMPLED });
const DROP: SamplingResult = Object.freeze({ decision: NOT_RECORD });

/**
 * A sampler that keeps a share of all traces. It compares the last 56 bits of the trace id, or the `rv` value that the
 * parent's trace state carries, with a threshold.
 *
 * @param probability  0 (none) to 1 (all); the threshold has four significant hex digits
 * @throws ClewError `CLEW_ERR_OPTION` when it is not a number from 0 to 1
 * @see https://opentelemetry.io/docs/specs/otel/trace/tracestate-probability-sampling/
 */
export function ratio(probability: number): IdSampler {
  if (typeof probability !== 'number' || !(probability >= 0 && probability <= 1)) {
    throw new ClewError(
      'CLEW_ERR_OPTION',
      `a sampling ratio must be a number from 0 to 1, got ${showValue(probability)}`,
    );
  }
  return new RatioSampler(probability);
}

class RatioSampler implements IdSampler {
  readonly #probability: number;
  readonly #threshold: Threshold | undefined;

  constructor(probability: number) {
    this.#probability = probability;
    this.#threshold = thresholdOf(probability);
  }

  decide(parent: SpanIdentity | undefined, t2: number, t3: number): SamplingDecision {
    const threshold = this.#threshold;
    if (threshold === undefined) return NOT_RECORD;
    let high = t2 & 0xffffff;
    let low = t3 >>> 0;
    if (parent?.traceState !== undefined) {
      const explicit = explicitRandomness(parent.traceState);
      if (explicit !== undefined) {
        high = Number.parseInt(explicit.slice(0, 6), 16);
        low = Number.parseInt(explicit.slice(6), 16);
      }
    }
    const isKept = high > threshold.high || (high === threshold.high && low >= threshold.low);
    return isKept ? RECORD_AND_SAMPLED : NOT_RECORD;
  }

  shouldSample(context: Context, traceId: string): SamplingResult {
    const span = spanOf(context);
    const identity = span === undefined ? undefined : identityOf(span);
    const parent = identity !== undefined && isValidIdentity(identity) ? identity : undefined;
    const t2 = parseHexWord(traceId, 16);
    const t3 = parseHexWord(traceId, 24);
    // A trace id that is no hex has no random bits; its words are 0, so only a ratio of 1 keeps it.
    takeMalformed();
    return this.decide(parent, t2, t3) === RECORD_AND_SAMPLED ? KEEP : DROP;
  }

  toString(): string {
    return `TraceIdRatioBased{${this.#probability}}`;
  }
}

// "Explicit randomness value rv": exactly 14 lower-case hex digits, in a list of `key:value` parted by semicolons.
const RANDOMNESS = /(?:^|;)rv:([0-9a-f]{14})(?:;|$)/;

function explicitRandomness(traceState: TraceState): string | undefined {
  try {
    const value = traceState.get('ot');
    return value === undefined ? undefined : RANDOMNESS.exec(value)?.[1];
  } catch {
    // A foreign trace state that throws says nothing.
    return undefined;
  }
}
