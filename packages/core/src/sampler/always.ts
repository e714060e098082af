/** Samplers that always answer the same. */
import { type IdSampler, NOT_RECORD, RECORD_AND_SAMPLED, type SamplingDecision, type SamplingResult } from './types.ts';

class ConstantSampler implements IdSampler {
  readonly #decision: SamplingDecision;
  readonly #result: SamplingResult;
  readonly #description: string;

  constructor(decision: SamplingDecision, description: string) {
    this.#decision = decision;
    this.#result = Object.freeze({ decision });
    this.#description = description;
  }

  decide(): SamplingDecision {
    return this.#decision;
  }

  shouldSample(): SamplingResult {
    return this.#result;
  }

  toString(): string {
    return this.#description;
  }
}

const on = new ConstantSampler(RECORD_AND_SAMPLED, 'AlwaysOnSampler');
const off = new ConstantSampler(NOT_RECORD, 'AlwaysOffSampler');

/** A sampler that keeps every span. */
export function alwaysOn(): IdSampler {
  return on;
}

/** A sampler that keeps no span. */
export function alwaysOff(): IdSampler {
  return off;
}
