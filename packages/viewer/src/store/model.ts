/**
 * What the receivers make and everything else reads: spans, their attributes, and log lines.
 *
 * Attribute values keep their OTLP type, because Jaeger's replies tell `1` (int64) from `1` (float64).
 */

/** One OTLP `AnyValue`. Integers beyond 2^53 are `bigint`, all others `number`. */
export type AnyValue =
  | { readonly type: 'string'; readonly value: string }
  | { readonly type: 'bool'; readonly value: boolean }
  | { readonly type: 'int64'; readonly value: number | bigint }
  | { readonly type: 'float64'; readonly value: number }
  | { readonly type: 'bytes'; readonly value: Uint8Array }
  | { readonly type: 'array'; readonly value: readonly AnyValue[] }
  | { readonly type: 'map'; readonly value: readonly Attribute[] }
  | { readonly type: 'empty' };

/** A key and its value. */
export interface Attribute {
  readonly key: string;
  readonly value: AnyValue;
}

/** What sent a span: one per `ResourceSpans` of a request, shared by its spans. */
export interface Resource {
  /** `service.name`, or Jaeger's stand-in when the sender gave none. */
  service: string;
  attributes: Attribute[];
}

/** The library that made a span. */
export interface Scope {
  name: string;
  version: string;
}

/** Something that happened at one moment of a span. */
export interface SpanEvent {
  readonly timeNs: bigint;
  readonly name: string;
  readonly attributes: readonly Attribute[];
}

/** A pointer from a span to another span, often of another trace. */
export interface SpanLink {
  readonly traceId: string;
  readonly spanId: string;
  readonly attributes: readonly Attribute[];
}

/** One span as it is kept. */
export interface Span {
  /** 32 lower-case hex digits. */
  readonly traceId: string;
  /** 16 lower-case hex digits. */
  readonly spanId: string;
  /** 16 lower-case hex digits, or empty for a root. */
  readonly parentSpanId: string;
  readonly traceState: string;
  readonly name: string;
  /** OTLP number: 0 unspecified, 1 internal, 2 server, 3 client, 4 producer, 5 consumer. */
  readonly kind: number;
  /** Nanoseconds since the Unix epoch. */
  readonly startNs: bigint;
  /** Nanoseconds since the Unix epoch, as sent: may lie before `startNs`. */
  readonly endNs: bigint;
  readonly attributes: readonly Attribute[];
  readonly events: readonly SpanEvent[];
  readonly links: readonly SpanLink[];
  /** OTLP number: 0 unset, 1 ok, 2 error. */
  readonly statusCode: number;
  readonly statusMessage: string;
  readonly resource: Resource;
  readonly scope: Scope;
}

/** One log line of a trace. */
export interface LogLine {
  readonly traceId: string;
  /** Nanoseconds since the Unix epoch. */
  readonly timeNs: bigint;
  readonly level: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal';
  /** 16 lower-case hex digits, or empty. */
  readonly spanId: string;
  readonly service: string;
  readonly msg: string;
  /** Everything else the line said, as plain JSON. */
  readonly fields: Readonly<Record<string, unknown>>;
}

/** Span kinds by their OTLP number, in Jaeger's spelling. */
export const KIND_NAMES: readonly string[] = ['', 'internal', 'server', 'client', 'producer', 'consumer'];

/** OTLP status code of a failed span. */
export const STATUS_ERROR = 2;

/** What Jaeger calls a service that did not say its name. */
export const UNNAMED_SERVICE = 'missing-service-name';

/** The service that a resource's attributes name. */
export function serviceName(attributes: readonly Attribute[]): string {
  const found = attributes.find((attribute) => attribute.key === 'service.name')?.value;
  return found?.type === 'string' && found.value !== '' ? found.value : UNNAMED_SERVICE;
}

/** Nanoseconds that a span lasted, never negative: senders' clocks can step back. */
export function durationNs(span: Span): number {
  return span.endNs > span.startNs ? Number(span.endNs - span.startNs) : 0;
}

const TRACE_ID = /^(?!0{32})[0-9a-f]{32}$/;
const SPAN_ID = /^(?!0{16})[0-9a-f]{16}$/;

/** Whether this is a trace id as W3C Trace Context defines it: 32 hex digits, not all zero. */
export function isTraceId(text: string): boolean {
  return TRACE_ID.test(text);
}

/** Whether this is a span id as W3C Trace Context defines it: 16 hex digits, not all zero. */
export function isSpanId(text: string): boolean {
  return SPAN_ID.test(text);
}
