/** From the official SDK's samplers to ours, and back. */
import { type ClewSampler, toClewSampler } from './clew-sampler.ts';
import type { IntentSampler, Sampler } from './types.ts';

/**
 * A sampler of another SDK as a part for ours. What it keeps counts as not reliable: nobody can say for how many spans
 * a kept one stands, so a threshold in the trace state is removed.
 *
 * @throws ClewError `CLEW_ERR_OPTION` when it has no `shouldSample`
 */
export function fromOtel(sampler: Sampler): ClewSampler {
  return toClewSampler('the argument of fromOtel', sampler);
}

/**
 * A sampler that has only an `intent`, as one that any SDK takes: it compares the threshold with the trace's random
 * number, and keeps the trace state right. Our own samplers need no such help.
 *
 * @throws ClewError `CLEW_ERR_OPTION` when it has no `intent`
 */
export function toOtel(sampler: IntentSampler): Sampler {
  return toClewSampler('the argument of toOtel', sampler);
}
