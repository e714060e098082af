/** Follows the decision that the parent carries, so that a trace is kept whole or not at all. */
import type { Attributes, Context, Link, SpanKind } from '@opentelemetry/api';
import { checkOptionNames, showValue } from '../config/options.ts';
import { spanOf } from '../context.ts';
import { ClewError } from '../errors.ts';
import { isDecision, isDeferred } from '../remote-parent.ts';
import { FLAG_SAMPLED, identityOf, isValidIdentity, type SpanIdentity } from '../span-context.ts';
import { alwaysOff, alwaysOn } from './always.ts';
import { type IdSampler, isIdSampler, type Sampler, type SamplingDecision, type SamplingResult } from './types.ts';

/** Who decides in which case. */
export interface ParentBasedOptions {
  /** Decides for a span without a parent. Required. */
  root: Sampler;
  /** Decides when the parent is in another process and sampled. Default: keep. */
  remoteParentSampled?: Sampler;
  /** Decides when the parent is in another process and not sampled. Default: drop. */
  remoteParentNotSampled?: Sampler;
  /** Decides when the parent is in this process and sampled. Default: keep. */
  localParentSampled?: Sampler;
  /** Decides when the parent is in this process and not sampled. Default: drop. */
  localParentNotSampled?: Sampler;
}

type Branches<S extends Sampler> = Record<keyof ParentBasedOptions, S>;

const OPTION_NAMES: ReadonlyArray<keyof ParentBasedOptions> = [
  'root',
  'remoteParentSampled',
  'remoteParentNotSampled',
  'localParentSampled',
  'localParentNotSampled',
];

/**
 * A sampler that asks one of five others, by the parent. When all five decide by ids alone, so does this one.
 *
 * @throws ClewError `CLEW_ERR_OPTION` for an unknown option or a value that is no sampler
 * @see https://opentelemetry.io/docs/specs/otel/trace/sdk/#parentbased
 */
export function parentBased(options: ParentBasedOptions): Sampler {
  checkOptionNames('parentBased', options, OPTION_NAMES);
  const branches: Branches<Sampler> = {
    root: options?.root,
    remoteParentSampled: options?.remoteParentSampled ?? alwaysOn(),
    remoteParentNotSampled: options?.remoteParentNotSampled ?? alwaysOff(),
    localParentSampled: options?.localParentSampled ?? alwaysOn(),
    localParentNotSampled: options?.localParentNotSampled ?? alwaysOff(),
  };
  for (const name of OPTION_NAMES) checkSampler(`${name} of parentBased`, branches[name]);
  return decideByIds(branches) ? new IdParentBasedSampler(branches) : new ParentBasedSampler(branches);
}

/** Check an option that is a sampler. Throws `CLEW_ERR_OPTION` when it is none. */
export function checkSampler(name: string, value: Sampler | undefined): Sampler {
  // A sampler can be a class with everything on its prototype, so it is told by its one method.
  if (typeof value === 'object' && value !== null && typeof value.shouldSample === 'function') return value;
  throw new ClewError('CLEW_ERR_OPTION', `${name} must be a sampler, got ${showValue(value)}`);
}

function decideByIds(branches: Branches<Sampler>): branches is Branches<IdSampler> {
  return OPTION_NAMES.every((name) => isIdSampler(branches[name]));
}

function branchFor<S extends Sampler>(branches: Branches<S>, parent: SpanIdentity | undefined): S {
  if (parent === undefined) return branches.root;
  // A caller that left the decision to us is asked like a new trace; otherwise nobody would ever decide to keep it.
  if (parent.isRemote && isDeferred(parent)) return branches.root;
  const isSampled = (parent.traceFlags & FLAG_SAMPLED) !== 0;
  if (parent.isRemote) return isSampled ? branches.remoteParentSampled : branches.remoteParentNotSampled;
  return isSampled ? branches.localParentSampled : branches.localParentNotSampled;
}

function parentIn(context: Context): SpanIdentity | undefined {
  const span = spanOf(context);
  const identity = span === undefined ? undefined : identityOf(span);
  return identity !== undefined && (isValidIdentity(identity) || isDecision(identity)) ? identity : undefined;
}

function describe(branches: Branches<Sampler>): string {
  return `ParentBased{${OPTION_NAMES.map((name) => `${name}=${branches[name].toString()}`).join(', ')}}`;
}

class ParentBasedSampler implements Sampler {
  readonly #branches: Branches<Sampler>;

  constructor(branches: Branches<Sampler>) {
    this.#branches = branches;
  }

  shouldSample(
    context: Context,
    traceId: string,
    spanName: string,
    spanKind: SpanKind,
    attributes: Attributes,
    links: Link[],
  ): SamplingResult {
    const branch = branchFor(this.#branches, parentIn(context));
    return branch.shouldSample(context, traceId, spanName, spanKind, attributes, links);
  }

  toString(): string {
    return describe(this.#branches);
  }
}

class IdParentBasedSampler implements IdSampler {
  readonly #branches: Branches<IdSampler>;

  constructor(branches: Branches<IdSampler>) {
    this.#branches = branches;
  }

  decide(parent: SpanIdentity | undefined, t2: number, t3: number): SamplingDecision {
    return branchFor(this.#branches, parent).decide(parent, t2, t3);
  }

  shouldSample(
    context: Context,
    traceId: string,
    spanName: string,
    spanKind: SpanKind,
    attributes: Attributes,
    links: Link[],
  ): SamplingResult {
    const branch = branchFor(this.#branches, parentIn(context));
    return branch.shouldSample(context, traceId, spanName, spanKind, attributes, links);
  }

  toString(): string {
    return describe(this.#branches);
  }
}
