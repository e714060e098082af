/**
 * Finished spans, exporters and processors in the shape of the official SDK (2.x and 3.x), written down structurally:
 * theirs fit into our pipeline and ours into theirs, without either importing the other.
 */
import type { Attributes, Context, HrTime, Link, Span, SpanContext, SpanKind, SpanStatus } from '@opentelemetry/api';

/** What an exporter reads of the resource. */
export interface SpanResource {
  readonly attributes: Attributes;
  readonly schemaUrl?: string | undefined;
  /** Whether attributes are still being detected; ours never are. */
  readonly asyncAttributesPending?: boolean;
  /** Resolves when they are complete. */
  waitForAsyncAttributes?(): Promise<void>;
}

/** The library that made a span. */
export interface InstrumentationScope {
  readonly name: string;
  readonly version?: string | undefined;
  readonly schemaUrl?: string | undefined;
}

/** An event of a span. */
export interface TimedEvent {
  /** `[seconds, nanoseconds]` since the Unix epoch. */
  time: HrTime;
  name: string;
  attributes?: Attributes;
  droppedAttributesCount?: number;
}

/** A span as exporters and processors see it. */
export interface ReadableSpan {
  readonly name: string;
  readonly kind: SpanKind;
  readonly spanContext: () => SpanContext;
  readonly parentSpanContext?: SpanContext | undefined;
  /** `[seconds, nanoseconds]` since the Unix epoch. */
  readonly startTime: HrTime;
  /** `[seconds, nanoseconds]` since the Unix epoch. */
  readonly endTime: HrTime;
  readonly status: SpanStatus;
  readonly attributes: Attributes;
  readonly links: Link[];
  readonly events: TimedEvent[];
  /** `[seconds, nanoseconds]`. */
  readonly duration: HrTime;
  readonly ended: boolean;
  readonly resource: SpanResource;
  readonly instrumentationScope: InstrumentationScope;
  readonly droppedAttributesCount: number;
  readonly droppedEventsCount: number;
  readonly droppedLinksCount: number;
}

/** `ExportResult.code`: the spans are delivered. */
export const EXPORT_SUCCESS = 0;
/** `ExportResult.code`: the spans are lost, or will be delivered by the exporter's own retries. */
export const EXPORT_FAILED = 1;

/** What an exporter answers; `code` is `EXPORT_SUCCESS` or `EXPORT_FAILED`. */
export interface ExportResult {
  code: 0 | 1;
  error?: Error;
}

/** Sends finished spans somewhere. */
export interface SpanExporter {
  /**
   * @param spans           finished and sampled
   * @param resultCallback  to be called exactly once
   */
  export(spans: ReadableSpan[], resultCallback: (result: ExportResult) => void): void;
  /** Send what is held back. */
  forceFlush?(): Promise<void>;
  /** Send what is held back and refuse everything after. */
  shutdown(): Promise<void>;
}

/** Watches recording spans start and end. */
export interface SpanProcessor {
  onStart(span: Span & ReadableSpan, parentContext: Context): void;
  /** Called when a span is about to end and can still be changed. */
  onEnding?(span: Span & ReadableSpan): void;
  onEnd(span: ReadableSpan): void;
  /** @param timeoutMs  how long the caller waits; ours resolve with what became of the spans */
  forceFlush(timeoutMs?: number): Promise<unknown>;
  shutdown(): Promise<void>;
}
