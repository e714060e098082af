/** Keeps what one of several samplers keeps. */
import { ClewError } from '../errors.ts';
import type { SpanIdentity } from '../span-context.ts';
import { ClewSampler, type SamplingRule, toClewSampler } from './clew-sampler.ts';
import { counted, Intent, KEEP_NONE } from './intent.ts';
import { IntentCache } from './intent-cache.ts';
import type { IntentSampler, Sampler, SamplingRequest } from './types.ts';

/**
 * A sampler that goes with the one of several that keeps most: the lowest threshold wins, with its attributes, and
 * among equals a reliable one.
 *
 * @throws ClewError `CLEW_ERR_OPTION` without arguments, or for one that is no sampler
 */
export function anyOf(...samplers: Array<Sampler | IntentSampler>): ClewSampler {
  if (samplers.length === 0) throw new ClewError('CLEW_ERR_OPTION', 'anyOf needs at least one sampler');
  return new ClewSampler(
    new AnyOfRule(samplers.map((sampler, i) => toClewSampler(`argument ${i + 1} of anyOf`, sampler))),
  );
}

class AnyOfRule implements SamplingRule {
  readonly #samplers: readonly ClewSampler[];
  readonly #recording = new IntentCache((intent) => new Intent({ ...intent, recordsDropped: true }));

  constructor(samplers: readonly ClewSampler[]) {
    this.#samplers = samplers;
  }

  byIds(parent: SpanIdentity | undefined, t2: number, t3: number): Intent | undefined {
    let best = KEEP_NONE;
    let records = false;
    for (const sampler of this.#samplers) {
      const intent = sampler.rule.byIds(parent, t2, t3);
      if (intent === undefined) return undefined;
      records ||= intent.recordsDropped;
      if (isBetter(intent, best)) best = intent;
    }
    return this.#winner(best, records);
  }

  byRequest(request: SamplingRequest): Intent {
    let best = KEEP_NONE;
    let records = false;
    for (const sampler of this.#samplers) {
      const intent = sampler.intent(request);
      records ||= intent.recordsDropped;
      if (isBetter(intent, best)) best = intent;
    }
    return this.#winner(best, records);
  }

  #winner(best: Intent, records: boolean): Intent {
    const intent = counted(best);
    return records && !intent.recordsDropped ? this.#recording.get(intent) : intent;
  }

  toString(): string {
    return `AnyOf{${this.#samplers.join(', ')}}`;
  }
}

function isBetter(intent: Intent, best: Intent): boolean {
  if (intent.threshold === undefined) return false;
  if (best.threshold === undefined || intent.threshold < best.threshold) return true;
  return intent.threshold === best.threshold && intent.reliable && !best.reliable;
}
