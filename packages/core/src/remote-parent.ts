/**
 * What callers of older formats leave open. A caller can name a span without saying whether its trace is sampled, and
 * it can ask for a decision without naming a span. W3C Trace Context knows neither.
 */
import { FLAG_SAMPLED, fromSpanContext, NonRecordingSpan } from './span-context.ts';

/** A remote parent that left the sampling decision to us: the sampler for new traces decides. */
export class DeferredSpan extends NonRecordingSpan {
  readonly isDeferred = true;
}

/** No parent: only the decision for a trace that starts here. Its ids are zero, so nobody takes it for a parent. */
export class DecisionSpan extends NonRecordingSpan {
  readonly isDecision = true;

  constructor(isSampled: boolean) {
    super(0, 0, 0, 0, 0, 0, isSampled ? FLAG_SAMPLED : 0, true, undefined);
  }
}

/** Whether a span is a parent that left the sampling decision open. */
export function isDeferred(span: object): boolean {
  // By shape, not instanceof: there may be two copies of the core.
  return (span as Partial<DeferredSpan>).isDeferred === true;
}

/** Whether a span stands for a decision alone; the decision is its sampled flag. */
export function isDecision(span: object): boolean {
  return (span as Partial<DecisionSpan>).isDecision === true;
}

/**
 * The remote parent that a header names.
 *
 * @param traceId    32 lower-case hex digits
 * @param spanId     16 lower-case hex digits
 * @param isSampled  `undefined` when the caller left it open
 * @returns `undefined` when an id is malformed or all zero
 */
export function makeRemoteParent(
  traceId: string,
  spanId: string,
  isSampled: boolean | undefined,
): NonRecordingSpan | undefined {
  const traceFlags = isSampled === true ? FLAG_SAMPLED : 0;
  const span = fromSpanContext({ traceId, spanId, traceFlags, isRemote: true });
  if (span === undefined || isSampled !== undefined) return span;
  return new DeferredSpan(span.t0, span.t1, span.t2, span.t3, span.s0, span.s1, 0, true, undefined);
}
