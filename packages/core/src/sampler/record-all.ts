/** Records what another sampler drops, so that local processors see every span. */
import { ClewSampler, type SamplingRule, toClewSampler } from './clew-sampler.ts';
import { Intent } from './intent.ts';
import { IntentCache } from './intent-cache.ts';
import type { SpanIdentity } from '../span-context.ts';
import type { IntentSampler, Sampler, SamplingRequest } from './types.ts';

/**
 * A sampler under which spans that another one drops record all the same. They are neither marked as sampled nor
 * exported; processors such as those that make metrics of spans see them.
 *
 * @throws ClewError `CLEW_ERR_OPTION` when the argument is no sampler
 * @see https://opentelemetry.io/docs/specs/otel/trace/sdk/#alwaysrecord
 */
export function recordAll(sampler: Sampler | IntentSampler): ClewSampler {
  return new ClewSampler(new RecordAllRule(toClewSampler('the argument of recordAll', sampler)));
}

class RecordAllRule implements SamplingRule {
  readonly #inner: ClewSampler;
  readonly #recording = new IntentCache((intent) => new Intent({ ...intent, recordsDropped: true }));

  constructor(inner: ClewSampler) {
    this.#inner = inner;
  }

  byIds(parent: SpanIdentity | undefined, t2: number, t3: number): Intent | undefined {
    const intent = this.#inner.rule.byIds(parent, t2, t3);
    return intent === undefined ? undefined : this.#recording.get(intent);
  }

  byRequest(request: SamplingRequest): Intent {
    return this.#recording.get(this.#inner.intent(request));
  }

  toString(): string {
    return `AlwaysRecordSampler{${this.#inner}}`;
  }
}
