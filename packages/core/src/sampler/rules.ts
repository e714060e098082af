/** A list of rules: the first one that applies has its sampler asked. */
import { checkArray, checkNumber, checkOptionNames, showValue } from '../config/options.ts';
import { ClewError } from '../errors.ts';
import { ClewSampler, idsOf, type SamplingRule, toClewSampler } from './clew-sampler.ts';
import { counted, decide, type Intent, KEEP_NONE } from './intent.ts';
import { compileCriteria, type Criterion, type RuleCriteria } from './rule-match.ts';
import { TokenBucket } from './token-bucket.ts';
import { type IntentSampler, RECORD_AND_SAMPLED, type Sampler, type SamplingRequest } from './types.ts';

/** One rule. */
export interface Rule {
  /** When it applies. */
  when: RuleCriteria;
  /** Decides then. */
  sampler: Sampler | IntentSampler;
  /** Higher ones are looked at first; among equals the order of the list counts. Default 0. */
  priority?: number;
  /**
   * Traces that this rule keeps, per second; what its sampler keeps above that is dropped. Above 0. With it the rule
   * writes no threshold: nobody knows then for how many spans a kept one stands. Default: no limit.
   */
  hardLimitPerSecond?: number;
}

/**
 * A sampler that asks the sampler of the first rule that applies, else the fallback. Children follow their parents only
 * under `parentBased` or `parentThreshold`: `parentBased({ root: rules([…], fallback) })`.
 *
 * @throws ClewError `CLEW_ERR_OPTION` naming what is wrong
 * @see https://opentelemetry.io/docs/specs/otel/trace/sdk/#composablerulebased
 */
export function rules(list: readonly Rule[], fallback: Sampler | IntentSampler): ClewSampler {
  if (checkArray('the rules', list) === undefined) {
    throw new ClewError('CLEW_ERR_OPTION', `the rules must be an array, got ${showValue(list)}`);
  }
  const compiled = list.map(compileRule);
  // `sort` keeps the order of equals.
  compiled.sort((a, b) => b.priority - a.priority);
  return new ClewSampler(new FirstMatchRule(compiled, toClewSampler('the fallback of rules', fallback)));
}

interface CompiledRule {
  applies: Criterion;
  sampler: ClewSampler;
  priority: number;
  limit: TokenBucket | undefined;
}

function compileRule(rule: Rule, index: number): CompiledRule {
  const where = `rule ${index + 1}`;
  checkOptionNames(where, rule, ['when', 'sampler', 'priority', 'hardLimitPerSecond']);
  if (rule?.when === undefined) throw new ClewError('CLEW_ERR_OPTION', `${where} must say when it applies`);
  const perSecond = checkNumber(`hardLimitPerSecond of ${where}`, rule.hardLimitPerSecond, Number.MIN_VALUE);
  return {
    applies: compileCriteria(where, rule.when),
    sampler: toClewSampler(`sampler of ${where}`, rule.sampler),
    priority: checkNumber(`priority of ${where}`, rule.priority, -Number.MAX_VALUE) ?? 0,
    limit: perSecond === undefined ? undefined : new TokenBucket(perSecond),
  };
}

class FirstMatchRule implements SamplingRule {
  readonly #rules: readonly CompiledRule[];
  readonly #fallback: ClewSampler;

  constructor(list: readonly CompiledRule[], fallback: ClewSampler) {
    this.#rules = list;
    this.#fallback = fallback;
  }

  byIds(): undefined {
    return undefined;
  }

  byRequest(request: SamplingRequest): Intent {
    for (const rule of this.#rules) if (rule.applies(request)) return intentOf(rule, request);
    return counted(this.#fallback.intent(request));
  }

  toString(): string {
    return `Rules{${[...this.#rules.map(({ sampler }) => sampler), this.#fallback].join(', ')}}`;
  }
}

function intentOf({ sampler, limit }: CompiledRule, request: SamplingRequest): Intent {
  const intent = counted(sampler.intent(request));
  if (limit === undefined) return intent;
  const { parent, t2, t3 } = idsOf(request);
  // Only what would be kept takes from the bucket.
  if (decide(intent, parent, t2, t3) !== RECORD_AND_SAMPLED) return intent;
  return limit.take() ? intent.unreliable : KEEP_NONE;
}
