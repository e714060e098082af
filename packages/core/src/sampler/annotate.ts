/** Adds attributes to the spans that another sampler keeps. */
import type { Attributes } from '@opentelemetry/api';
import { checkObject, showValue } from '../config/options.ts';
import { ClewError } from '../errors.ts';
import type { SpanIdentity } from '../span-context.ts';
import { ClewSampler, type SamplingRule, toClewSampler } from './clew-sampler.ts';
import { Intent } from './intent.ts';
import { IntentCache } from './intent-cache.ts';
import type { IntentSampler, Sampler, SamplingRequest } from './types.ts';

/**
 * A sampler that decides as another one does, and adds attributes to the spans that it keeps.
 *
 * @param attributes  win over those of the inner sampler
 * @throws ClewError `CLEW_ERR_OPTION` when an argument is wrong
 * @see https://opentelemetry.io/docs/specs/otel/trace/sdk/#composableannotating
 */
export function annotate(sampler: Sampler | IntentSampler, attributes: Attributes): ClewSampler {
  const inner = toClewSampler('the first argument of annotate', sampler);
  if (checkObject('the attributes of annotate', attributes) === undefined) {
    throw new ClewError(
      'CLEW_ERR_OPTION',
      `the attributes of annotate must be an object, got ${showValue(attributes)}`,
    );
  }
  return new ClewSampler(new AnnotatingRule(inner, { ...attributes }));
}

class AnnotatingRule implements SamplingRule {
  readonly #inner: ClewSampler;
  readonly #keys: string;
  readonly #annotated: IntentCache;

  constructor(inner: ClewSampler, added: Attributes) {
    this.#inner = inner;
    this.#keys = Object.keys(added).join(', ');
    this.#annotated = new IntentCache((intent) =>
      intent.threshold === undefined
        ? intent
        : new Intent({ ...intent, attributes: Object.freeze({ ...intent.attributes, ...added }) }),
    );
  }

  byIds(parent: SpanIdentity | undefined, t2: number, t3: number): Intent | undefined {
    const intent = this.#inner.rule.byIds(parent, t2, t3);
    return intent === undefined ? undefined : this.#annotated.get(intent);
  }

  byRequest(request: SamplingRequest): Intent {
    return this.#annotated.get(this.#inner.intent(request));
  }

  toString(): string {
    return `Annotating{${this.#inner}, ${this.#keys}}`;
  }
}
