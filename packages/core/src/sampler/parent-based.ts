/** Follows the decision that the parent carries, so that a trace is kept whole or not at all. */
import { checkOptionNames } from '../config/options.ts';
import { isDeferred } from '../remote-parent.ts';
import { FLAG_SAMPLED, type SpanIdentity } from '../span-context.ts';
import { alwaysOff, alwaysOn } from './always.ts';
import { ClewSampler, idsOf, type SamplingRule, toClewSampler } from './clew-sampler.ts';
import { type Foregone, NOTHING_FOREGONE } from './foregone.ts';
import { counted, Intent, otMemberOfParent, reaches } from './intent.ts';
import type { IntentSampler, Sampler, SamplingRequest } from './types.ts';

/** Who decides in which case. */
export interface ParentBasedOptions {
  /** Decides for a span without a parent. Required. */
  root: Sampler | IntentSampler;
  /** Decides when the parent is in another process and sampled. Default: keep. */
  remoteParentSampled?: Sampler | IntentSampler;
  /** Decides when the parent is in another process and not sampled. Default: drop. */
  remoteParentNotSampled?: Sampler | IntentSampler;
  /** Decides when the parent is in this process and sampled. Default: keep. */
  localParentSampled?: Sampler | IntentSampler;
  /** Decides when the parent is in this process and not sampled. Default: drop. */
  localParentNotSampled?: Sampler | IntentSampler;
}

type Branches = Record<keyof ParentBasedOptions, ClewSampler>;

const OPTION_NAMES: ReadonlyArray<keyof ParentBasedOptions> = [
  'root',
  'remoteParentSampled',
  'remoteParentNotSampled',
  'localParentSampled',
  'localParentNotSampled',
];

/**
 * A sampler that asks one of five others, by the parent. A span that is kept below a sampled parent keeps the parent's
 * threshold too, unless its own sampler has a higher one.
 *
 * @throws ClewError `CLEW_ERR_OPTION` for an unknown option or a value that is no sampler
 * @see https://opentelemetry.io/docs/specs/otel/trace/sdk/#parentbased
 */
export function parentBased(options: ParentBasedOptions): ClewSampler {
  checkOptionNames('parentBased', options, OPTION_NAMES);
  const branch = (name: keyof ParentBasedOptions, otherwise?: ClewSampler): ClewSampler =>
    toClewSampler(`${name} of parentBased`, options?.[name] ?? otherwise);
  return new ClewSampler(
    new ParentBasedRule({
      root: branch('root'),
      remoteParentSampled: branch('remoteParentSampled', alwaysOn()),
      remoteParentNotSampled: branch('remoteParentNotSampled', alwaysOff()),
      localParentSampled: branch('localParentSampled', alwaysOn()),
      localParentNotSampled: branch('localParentNotSampled', alwaysOff()),
    }),
  );
}

/**
 * A sampler that keeps what the parent kept, with the parent's threshold, and asks another one for new traces.
 *
 * @throws ClewError `CLEW_ERR_OPTION` when `root` is no sampler
 * @see https://opentelemetry.io/docs/specs/otel/trace/sdk/#composableparentthreshold
 */
export function parentThreshold(root: Sampler | IntentSampler): ClewSampler {
  const inner = toClewSampler('root of parentThreshold', root);
  const sampled = alwaysOn();
  const notSampled = alwaysOff();
  const rule = new ParentBasedRule(
    {
      root: inner,
      remoteParentSampled: sampled,
      remoteParentNotSampled: notSampled,
      localParentSampled: sampled,
      localParentNotSampled: notSampled,
    },
    `ParentThreshold{root=${inner}}`,
  );
  return new ClewSampler(rule);
}

class ParentBasedRule implements SamplingRule {
  readonly foregone: Foregone;
  readonly #branches: Branches;
  /** Decides for new traces, where its intent needs no change. */
  readonly #root: SamplingRule | undefined;
  readonly #description: string | undefined;

  /** @param description  of a combination that counts every trace; by default the specification's ParentBased */
  constructor(branches: Branches, description?: string) {
    this.#branches = branches;
    this.#root = description === undefined ? branches.root.rule : undefined;
    this.#description = description;
    this.foregone = {
      root: foregoneOf(this.#root).root,
      belowSampled: foregoneOf(branches.localParentSampled.rule).belowSampled,
      belowUnsampled: foregoneOf(branches.localParentNotSampled.rule).belowUnsampled,
    };
  }

  byIds(parent: SpanIdentity | undefined, t2: number, t3: number): Intent | undefined {
    // What most spans that are not recorded are: the short way for them.
    if (parent === undefined && this.#root !== undefined) return this.#root.byIds(parent, t2, t3);
    const intent = this.#branchFor(parent).rule.byIds(parent, t2, t3);
    return intent === undefined ? undefined : this.#below(intent, parent, t2, t3);
  }

  byRequest(request: SamplingRequest): Intent {
    const { parent, t2, t3 } = idsOf(request);
    return this.#below(this.#branchFor(parent).intent(request), parent, t2, t3);
  }

  #branchFor(parent: SpanIdentity | undefined): ClewSampler {
    const branches = this.#branches;
    if (!decides(parent)) return branches.root;
    const isSampled = (parent.traceFlags & FLAG_SAMPLED) !== 0;
    if (parent.isRemote) return isSampled ? branches.remoteParentSampled : branches.remoteParentNotSampled;
    return isSampled ? branches.localParentSampled : branches.localParentNotSampled;
  }

  #below(intent: Intent, parent: SpanIdentity | undefined, t2: number, t3: number): Intent {
    if (!decides(parent)) return this.#description === undefined ? intent : counted(intent);
    if (intent.threshold === undefined) return intent;
    // What is kept below a parent that was not says nothing about the share of all spans.
    return (parent.traceFlags & FLAG_SAMPLED) === 0 ? intent.unreliable : belowSampled(intent, parent, t2, t3);
  }

  toString(): string {
    if (this.#description !== undefined) return this.#description;
    return `ParentBased{${OPTION_NAMES.map((name) => `${name}=${this.#branches[name]}`).join(', ')}}`;
  }
}

function foregoneOf(rule: SamplingRule | undefined): Foregone {
  return rule?.foregone ?? NOTHING_FOREGONE;
}

// A caller that left the decision to us counts as none; otherwise nobody would ever decide to keep its trace.
function decides(parent: SpanIdentity | undefined): parent is SpanIdentity {
  return parent !== undefined && !(parent.isRemote && isDeferred(parent));
}

// "Parent-based threshold": a threshold that the parent's own trace does not reach was not what kept it.
function belowSampled(intent: Intent, parent: SpanIdentity, t2: number, t3: number): Intent {
  const ot = otMemberOfParent(parent);
  const { threshold, thresholdHigh: high, thresholdLow: low } = ot;
  if (threshold === undefined || !reaches(high, low, ot, t2, t3)) return intent.unreliable;
  const isHigher = intent.high > high || (intent.high === high && intent.low >= low);
  if (isHigher || !intent.reliable) return intent;
  return sharedIntent(threshold, intent);
}

const MAX_SHARED = 64;
const shared = new Map<string, Intent>();

// Services use few thresholds, and every span below a sampled parent has its parent's.
function sharedIntent(threshold: string, { attributes, recordsDropped }: Intent): Intent {
  if (attributes !== undefined || recordsDropped) {
    return new Intent({ threshold, reliable: true, attributes, recordsDropped, reason: 'parent' });
  }
  const known = shared.get(threshold);
  if (known !== undefined) return known;
  const intent = new Intent({ threshold, reliable: true, reason: 'parent' });
  // Callers choose the thresholds, so there is an end to how many are kept.
  if (shared.size >= MAX_SHARED) shared.clear();
  shared.set(threshold, intent);
  return intent;
}
