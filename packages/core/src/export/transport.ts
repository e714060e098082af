/** What a way to a backend has to be able to do. */
import type { SealedBatch, SpanBuffer } from './span-buffer.ts';

/** How one attempt to send a batch ended. */
export type AttemptResult =
  /** `isWritten`: the body has left the process whole, so that its memory may be used again. */
  | { kind: 'delivered'; rejected: number; message?: string; isWritten?: boolean }
  /** A passing failure. `retryAfterMs`: how long the server asked us to wait. */
  | { kind: 'retry'; reason: string; retryAfterMs?: number }
  /** A failure that another attempt would not change. */
  | { kind: 'drop'; reason: string };

/** The way to one backend. */
export interface BatchTransport {
  /** For messages, such as `otlp http://collector:4318/v1/traces`. */
  readonly name: string;
  /** `otel.component.type` of the semantic conventions, such as `otlp_http_exporter`; for metrics. */
  readonly componentType?: string;
  /** The URL without credentials. With `componentType` it tells whose batches those on disk are; without it none are. */
  readonly target?: string;
  /** How many batches may be under way at once. */
  readonly concurrency: number;
  createBuffer(): SpanBuffer;
  /** Send once. May reject: that counts as `drop`. */
  send(batch: SealedBatch, signal: AbortSignal): Promise<AttemptResult>;
  flush?(): Promise<void>;
  close(): Promise<void>;
}
