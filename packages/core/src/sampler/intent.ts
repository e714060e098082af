/** Intents as our own samplers give them: made once, compared as words, and turned into a decision and a trace state. */
import type { Attributes, TraceState } from '@opentelemetry/api';
import { showValue } from '../config/options.ts';
import { ClewError } from '../errors.ts';
import type { OtMember } from '../propagation/ot-member.ts';
import { lowerBits, NO_OT_MEMBER, otMemberOf, upperBits, withThreshold } from '../propagation/ot-tracestate.ts';
import { EMPTY_TRACE_STATE } from '../propagation/tracestate.ts';
import type { SpanIdentity } from '../span-context.ts';
import { NOT_RECORD, RECORD, RECORD_AND_SAMPLED, type SamplingDecision, type SamplingIntent } from './types.ts';

const THRESHOLD_SHAPE = /^[0-9a-f]{14}$/;

/** An intent with its threshold as words. Samplers keep theirs, so that a decision makes no object. */
export class Intent implements SamplingIntent {
  readonly threshold: string | undefined;
  readonly reliable: boolean;
  readonly attributes: Readonly<Attributes> | undefined;
  readonly reason: string;
  readonly recordsDropped: boolean;
  /** Whether a threshold is also written where there was none; `alwaysOn` by itself does not. */
  readonly addsThreshold: boolean;
  /** The upper 24 and the lower 32 bits of the threshold, unsigned. */
  readonly high: number;
  readonly low: number;
  /** The threshold as it goes over the wire. */
  readonly text: string;
  #rootState: TraceState | undefined = undefined;
  #unreliable: Intent | undefined = undefined;

  constructor(intent: SamplingIntent & { readonly addsThreshold?: boolean }) {
    const { threshold } = intent;
    this.threshold = threshold;
    this.reliable = intent.reliable && threshold !== undefined;
    this.attributes = intent.attributes;
    this.reason = intent.reason;
    this.recordsDropped = intent.recordsDropped === true;
    this.addsThreshold = intent.addsThreshold !== false;
    this.high = upperBits(threshold);
    this.low = lowerBits(threshold);
    this.text = threshold?.replace(/0+$/, '') || '0';
  }

  /** The same intent without a claim about how many spans a kept one stands for. */
  get unreliable(): Intent {
    if (!this.reliable) return this;
    this.#unreliable ??= new Intent({ ...this, reliable: false });
    return this.#unreliable;
  }

  /** The trace state of a kept trace that starts here; shared by all of them. */
  get rootState(): TraceState | undefined {
    if (!this.reliable || !this.addsThreshold) return undefined;
    this.#rootState ??= withThreshold(EMPTY_TRACE_STATE, this.text);
    return this.#rootState;
  }
}

/** Keeps everything; by itself it writes no threshold, as the specification's AlwaysOn does not. */
export const KEEP_ALL: Intent = new Intent({
  threshold: '0'.repeat(14),
  reliable: true,
  reason: 'always_on',
  addsThreshold: false,
});

/** Keeps nothing. */
export const KEEP_NONE: Intent = new Intent({ threshold: undefined, reliable: false, reason: 'always_off' });

const COUNTED_KEEP_ALL = new Intent({ ...KEEP_ALL, addsThreshold: true });

/**
 * The intent as a part of a combination, where traces with and without a threshold would stand side by side: there
 * `alwaysOn` writes its threshold too, as the specification's ComposableAlwaysOn does.
 */
export function counted(intent: Intent): Intent {
  if (intent.addsThreshold) return intent;
  return intent === KEEP_ALL ? COUNTED_KEEP_ALL : new Intent({ ...intent, addsThreshold: true });
}

/**
 * An intent of any sampler in our form.
 *
 * @throws ClewError `CLEW_ERR_OPTION` when the threshold is not one; the caller counts it as a fault of the sampler
 */
export function toIntent(intent: SamplingIntent): Intent {
  if (intent instanceof Intent) return intent;
  const { threshold } = intent;
  if (threshold === undefined || (typeof threshold === 'string' && THRESHOLD_SHAPE.test(threshold))) {
    return new Intent(intent);
  }
  throw new ClewError('CLEW_ERR_OPTION', `a threshold must be 14 hex digits, got ${showValue(threshold)}`);
}

/** The `ot` member that a parent brings along. */
export function otMemberOfParent(parent: SpanIdentity | undefined): OtMember {
  return parent?.traceState === undefined ? NO_OT_MEMBER : otMemberOf(parent.traceState);
}

/**
 * Whether a trace's random number is not below a threshold. It is the trace's `rv`, else the last 56 bits of its id.
 *
 * @param t2  third word of the trace id
 * @param t3  fourth word of the trace id
 */
export function reaches(high: number, low: number, ot: OtMember, t2: number, t3: number): boolean {
  const randomHigh = ot.hasRandomness ? ot.randomnessHigh : t2 & 0xffffff;
  const randomLow = ot.hasRandomness ? ot.randomnessLow : t3 >>> 0;
  return randomHigh > high || (randomHigh === high && randomLow >= low);
}

/** The decision that an intent leads to. */
export function decide(intent: Intent, parent: SpanIdentity | undefined, t2: number, t3: number): SamplingDecision {
  const { threshold, high, low } = intent;
  if (threshold !== undefined) {
    // Without a trace state, as on most spans, only the id counts.
    const isKept =
      parent?.traceState === undefined
        ? (t2 & 0xffffff) > high || ((t2 & 0xffffff) === high && t3 >>> 0 >= low)
        : reaches(high, low, otMemberOf(parent.traceState), t2, t3);
    if (isKept) return RECORD_AND_SAMPLED;
  }
  return intent.recordsDropped ? RECORD : NOT_RECORD;
}

/**
 * The trace state of a span: with the threshold of a reliable intent that kept it, else without one.
 *
 * @param before  the parent's
 */
export function traceStateAfter(
  intent: Intent,
  decision: SamplingDecision,
  before: TraceState | undefined,
): TraceState | undefined {
  const isCounted = decision === RECORD_AND_SAMPLED && intent.reliable;
  if (before === undefined) return isCounted ? intent.rootState : undefined;
  const ot = otMemberOf(before);
  if (!isCounted) return ot.threshold === undefined ? before : withThreshold(before, undefined);
  // Written again only when it is another one: a trace state that nobody changed goes on as it came.
  if (ot.threshold === intent.threshold || (ot.threshold === undefined && !intent.addsThreshold)) return before;
  return withThreshold(before, intent.text);
}
