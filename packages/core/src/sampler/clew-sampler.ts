/** What all samplers of ours are: a rule for intents, usable by any SDK and as a part of other samplers. */
import type { Attributes, Context, Link, SpanKind } from '@opentelemetry/api';
import { showValue } from '../config/options.ts';
import { spanOf } from '../context.ts';
import { ClewError } from '../errors.ts';
import { describeError, reportFault } from '../faults.ts';
import { parseHexWord, takeMalformed } from '../ids.ts';
import { isDecision } from '../remote-parent.ts';
import { FLAG_SAMPLED, identityOf, isValidIdentity, type SpanIdentity } from '../span-context.ts';
import type { Foregone } from './foregone.ts';
import { decide, type Intent, KEEP_ALL, KEEP_NONE, toIntent, traceStateAfter } from './intent.ts';
import {
  type IntentSampler,
  type OnSamplerError,
  RECORD_AND_SAMPLED,
  type Sampler,
  type SamplingRequest,
  type SamplingResult,
} from './types.ts';

/** How one kind of sampler finds its intent. */
export interface SamplingRule {
  /** What it decides whatever the ids are; the tracer does not ask it then. Default: nothing. */
  readonly foregone?: Foregone;
  /**
   * From the ids alone: this is asked for every span, and costs neither texts nor an attribute object, which is most of
   * what an unsampled span would cost.
   *
   * @param parent  the valid parent, or a decision without ids that a caller sent; `undefined` for a new trace
   * @param t2      third word of the trace id
   * @param t3      fourth word of the trace id
   * @returns `undefined` when more has to be known
   */
  byIds(parent: SpanIdentity | undefined, t2: number, t3: number): Intent | undefined;
  /** From everything; asked when `byIds` has no answer. */
  byRequest?(request: SamplingRequest): Intent;
  toString(): string;
}

/** A sampler of ours. */
export class ClewSampler implements Sampler, IntentSampler {
  /** @internal The tracer asks it directly for each span: a call in between would be a tenth of an unsampled one. */
  readonly rule: SamplingRule;

  constructor(rule: SamplingRule) {
    this.rule = rule;
  }

  intent(request: SamplingRequest): Intent {
    return this.#intent(request, idsOf(request));
  }

  /** The decision of this sampler. Throws what samplers and predicates of the application throw. */
  decide(request: SamplingRequest): SamplingResult {
    const ids = idsOf(request);
    return toResult(this.#intent(request, ids), ids);
  }

  #intent(request: SamplingRequest, { parent, t2, t3 }: RequestIds): Intent {
    // A rule that cannot tell by ids has the other method.
    return this.rule.byIds(parent, t2, t3) ?? (this.rule.byRequest?.(request) as Intent);
  }

  shouldSample(
    context: Context,
    traceId: string,
    name: string,
    kind: SpanKind,
    attributes: Attributes,
    links: Link[],
  ): SamplingResult {
    const request = { context, traceId, name, kind, attributes, links };
    try {
      return this.decide(request);
    } catch (error) {
      // Another SDK would let it through to the application.
      return decideOnError('parent', request, error);
    }
  }

  toString(): string {
    return this.rule.toString();
  }
}

/** The ids that a request is decided by. */
interface RequestIds {
  /** The valid parent, or a decision without ids. */
  readonly parent: SpanIdentity | undefined;
  /** Third and fourth word of the trace id. */
  readonly t2: number;
  readonly t3: number;
}

/** Read the ids that a request is decided by. */
export function idsOf({ context, traceId }: SamplingRequest): RequestIds {
  const span = spanOf(context);
  const identity = span === undefined ? undefined : identityOf(span);
  const counts = identity !== undefined && (isValidIdentity(identity) || isDecision(identity));
  const t2 = parseHexWord(traceId, 16);
  const t3 = parseHexWord(traceId, 24);
  // A trace id that is no hex has no random bits; its words are 0, so only a threshold of 0 keeps it.
  takeMalformed();
  return { parent: counts ? identity : undefined, t2, t3 };
}

function toResult(intent: Intent, { parent, t2, t3 }: RequestIds): SamplingResult {
  const decision = decide(intent, parent, t2, t3);
  const result: SamplingResult = { decision };
  if (decision === RECORD_AND_SAMPLED && intent.attributes !== undefined) result.attributes = intent.attributes;
  const traceState = traceStateAfter(intent, decision, parent?.traceState);
  if (traceState !== undefined) result.traceState = traceState;
  return result;
}

/** What happens to a span whose sampler threw: counted, reported once a minute, decided by the policy. */
export function decideOnError(policy: OnSamplerError, request: SamplingRequest, error: unknown): SamplingResult {
  reportFault('sampler_threw', `the sampler threw, "${policy}" decided: ${describeError(error)}`);
  const ids = idsOf(request);
  const { parent } = ids;
  const goesOn = parent === undefined || (parent.traceFlags & FLAG_SAMPLED) !== 0;
  const isKept = policy === 'keep' || (policy === 'parent' && goesOn);
  return toResult(isKept ? KEEP_ALL.unreliable : KEEP_NONE, ids);
}

/** Whether something is a sampler of ours. */
export function isClewSampler(value: unknown): value is ClewSampler {
  // By shape, not instanceof: there may be two copies of the core.
  const { rule, decide: decides } = (value ?? {}) as Partial<ClewSampler>;
  return typeof rule?.byIds === 'function' && typeof decides === 'function';
}

/**
 * Check an argument that is a sampler, and give it in our form: other SDKs' samplers count as not reliable, because
 * nobody can say what share of spans theirs stand for.
 *
 * @param name  for the error
 * @throws ClewError `CLEW_ERR_OPTION` when it is none
 */
export function toClewSampler(name: string, value: unknown): ClewSampler {
  if (isClewSampler(value)) return value;
  // A sampler can be a class with everything on its prototype, so it is told by its one method.
  const { shouldSample, intent } = (typeof value === 'object' && value !== null ? value : {}) as Partial<
    Sampler & IntentSampler
  >;
  // The casts hold: each has the method that makes it one.
  if (typeof intent === 'function') return new ClewSampler(new IntentRule(value as IntentSampler));
  if (typeof shouldSample === 'function') return new ClewSampler(new ForeignRule(value as Sampler));
  throw new ClewError('CLEW_ERR_OPTION', `${name} must be a sampler, got ${showValue(value)}`);
}

/** An intent sampler of the application. */
class IntentRule implements SamplingRule {
  readonly #sampler: IntentSampler;

  constructor(sampler: IntentSampler) {
    this.#sampler = sampler;
  }

  byIds(): undefined {
    return undefined;
  }

  byRequest(request: SamplingRequest): Intent {
    return toIntent(this.#sampler.intent(request));
  }

  toString(): string {
    return String(this.#sampler);
  }
}

/** A sampler of another SDK. */
class ForeignRule implements SamplingRule {
  readonly #sampler: Sampler;

  constructor(sampler: Sampler) {
    this.#sampler = sampler;
  }

  byIds(): undefined {
    return undefined;
  }

  byRequest({ context, traceId, name, kind, attributes, links }: SamplingRequest): Intent {
    const result = this.#sampler.shouldSample(context, traceId, name, kind, attributes, links);
    const isKept = result.decision === RECORD_AND_SAMPLED;
    return toIntent({
      threshold: isKept ? KEEP_ALL.threshold : undefined,
      reliable: false,
      attributes: result.attributes,
      reason: 'foreign',
      recordsDropped: result.decision === 1,
    });
  }

  toString(): string {
    return String(this.#sampler);
  }
}
