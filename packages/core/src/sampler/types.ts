/** What a sampler decides, in the official SDK's shape, so that samplers of either side fit into the other. */
import type { Attributes, Context, Link, SpanKind, TraceState } from '@opentelemetry/api';
import type { SpanIdentity } from '../span-context.ts';

/** The span is a non-recording one; nothing is kept of it. */
export const NOT_RECORD = 0;
/** The span records for local processors, but is neither exported nor marked as sampled. */
export const RECORD = 1;
/** The span records, is marked as sampled and exported. */
export const RECORD_AND_SAMPLED = 2;

/** `NOT_RECORD`, `RECORD` or `RECORD_AND_SAMPLED`; the numbers are those of the official SDK's `SamplingDecision`. */
export type SamplingDecision = 0 | 1 | 2;

/** The answer of a sampler. */
export interface SamplingResult {
  decision: SamplingDecision;
  /** Attributes to add to the span. */
  attributes?: Readonly<Attributes>;
  /** Replaces the parent's trace state when given. */
  traceState?: TraceState;
}

/** Decides for each span at its start. The official SDK's samplers fit as they are. */
export interface Sampler {
  /**
   * @param context     the parent's context
   * @param traceId     32 hex digits
   * @param attributes  those given at the start of the span
   */
  shouldSample(
    context: Context,
    traceId: string,
    spanName: string,
    spanKind: SpanKind,
    attributes: Attributes,
    links: Link[],
  ): SamplingResult;
  /** A description, such as `ParentBased{…}`. */
  toString(): string;
}

/**
 * A sampler that needs no more than the ids. The tracer asks it without making strings or attribute objects, which is
 * most of what an unsampled span would cost.
 */
export interface IdSampler extends Sampler {
  /**
   * @param parent  the valid parent, or a decision without ids that a caller sent; `undefined` for a new trace
   * @param t2      third word of the trace id
   * @param t3      fourth word of the trace id
   */
  decide(parent: SpanIdentity | undefined, t2: number, t3: number): SamplingDecision;
}

/** Whether a sampler can decide by ids alone. */
export function isIdSampler(sampler: Sampler): sampler is IdSampler {
  return typeof (sampler as Partial<IdSampler>).decide === 'function';
}
