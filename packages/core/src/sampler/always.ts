/** Samplers that always answer the same. */
import { ClewSampler, type SamplingRule } from './clew-sampler.ts';
import { type Foregone, foregoneBy } from './foregone.ts';
import { type Intent, KEEP_ALL, KEEP_NONE } from './intent.ts';

class ConstantRule implements SamplingRule {
  readonly foregone: Foregone;
  readonly #intent: Intent;
  readonly #description: string;

  constructor(intent: Intent, description: string) {
    this.foregone = foregoneBy(intent);
    this.#intent = intent;
    this.#description = description;
  }

  byIds(): Intent {
    return this.#intent;
  }

  toString(): string {
    return this.#description;
  }
}

const on = new ClewSampler(new ConstantRule(KEEP_ALL, 'AlwaysOnSampler'));
const off = new ClewSampler(new ConstantRule(KEEP_NONE, 'AlwaysOffSampler'));

/**
 * A sampler that keeps every span. By itself and as a branch of `parentBased` it adds no threshold to a trace state; as
 * a part of `rules`, `anyOf` and `parentThreshold` it writes `th:0`.
 */
export function alwaysOn(): ClewSampler {
  return on;
}

/** A sampler that keeps no span. */
export function alwaysOff(): ClewSampler {
  return off;
}
