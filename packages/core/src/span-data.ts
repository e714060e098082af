/** The plain data of spans: what they are started from, what they keep, and what they need of their tracer. */
import type { HrTime, TraceState } from '@opentelemetry/api';
import type { FlatAttributes } from './attributes.ts';
import type { NonRecordingSpan } from './span-context.ts';

/** How much one span may hold. */
export interface SpanLimits {
  attributeCountLimit: number;
  /** Code points; `Infinity` for none. */
  attributeValueLengthLimit: number;
  eventCountLimit: number;
  linkCountLimit: number;
  attributePerEventCountLimit: number;
  attributePerLinkCountLimit: number;
}

/** The library that made a span: its package name and version, and the conventions it follows. */
export interface InstrumentationScope {
  readonly name: string;
  readonly version?: string;
  readonly schemaUrl?: string;
}

/** An event as a span keeps it. */
export interface SpanEvent {
  readonly name: string;
  /** Monotonic milliseconds in the frame of the span's anchor. */
  readonly atMs: number;
  /** The time that the user gave, when it was a time of day. */
  readonly time: HrTime | undefined;
  readonly attributes: FlatAttributes;
  readonly dropped: number;
}

/** A link as a span keeps it. */
export interface SpanLink {
  readonly target: NonRecordingSpan;
  readonly attributes: FlatAttributes;
  readonly dropped: number;
}

/** What most spans do not have; made on demand. */
export interface SpanExtras {
  events: SpanEvent[];
  links: SpanLink[];
  droppedEvents: number;
  droppedLinks: number;
  statusMessage: string | undefined;
  /** Times of day that the user gave, exactly. */
  startTime: HrTime | undefined;
  endTime: HrTime | undefined;
  /** The parent's, where a sampler gave this span another one. */
  parentTraceState: TraceState | undefined;
  /** Whether processors are just told that the span is about to end. */
  isEnding: boolean;
}
