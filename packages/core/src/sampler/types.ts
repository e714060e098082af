/** What a sampler decides: in the official SDK's shape, and as an intent that samplers can combine. */
import type { Attributes, Context, Link, SpanKind, TraceState } from '@opentelemetry/api';

/** The span is a non-recording one; nothing is kept of it. */
export const NOT_RECORD = 0;
/** The span records for local processors, but is neither exported nor marked as sampled. */
export const RECORD = 1;
/** The span records, is marked as sampled and exported. */
export const RECORD_AND_SAMPLED = 2;

/** `NOT_RECORD`, `RECORD` or `RECORD_AND_SAMPLED`; the numbers are those of the official SDK's `SamplingDecision`. */
export type SamplingDecision = 0 | 1 | 2;

/** What happens to a span whose sampler throws: it is kept, dropped, or goes with its parent (kept without one). */
export type OnSamplerError = 'keep' | 'drop' | 'parent';

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

/** What is known about a span that is about to start. */
export interface SamplingRequest {
  /** The parent's context. */
  readonly context: Context;
  /** 32 hex digits; the parent's, where there is one. */
  readonly traceId: string;
  readonly name: string;
  readonly kind: SpanKind;
  /** Those given at the start of the span. */
  readonly attributes: Attributes;
  readonly links: Link[];
  /** `service.name` of the provider's resource; only on providers of Clew. */
  readonly serviceName?: string | undefined;
}

/** What a sampler wants for a trace, before the trace's random number is compared with it. */
export interface SamplingIntent {
  /** Kept are traces whose random number is not below it: 14 lower-case hex digits. `undefined` keeps none. */
  readonly threshold: string | undefined;
  /**
   * Whether a kept span stands for 2^56 / (2^56 − threshold) spans. Then the threshold goes into the trace state, as
   * `ot=th:…`, and backends can count with it.
   */
  readonly reliable: boolean;
  /** Attributes for kept spans. */
  readonly attributes?: Readonly<Attributes> | undefined;
  /** Who decided, such as `ratio`; low in cardinality. */
  readonly reason: string;
  /** Whether a span that is not kept records all the same, for local processors. Default `false`. */
  readonly recordsDropped?: boolean;
}

/** A sampler that can be combined with others. An intent may depend on anything but the trace's random number. */
export interface IntentSampler {
  intent(request: SamplingRequest): SamplingIntent;
  /** A description, such as `Rules{…}`. */
  toString(): string;
}
