/**
 * Traces in memory, bounded twice: by spans, and by the bytes they arrived as.
 *
 * Over a bound the trace that arrived first is dropped whole: half a trace would look like a broken one. What comes for
 * it later is kept, and marked as partial.
 */
import { randomUUID } from 'node:crypto';

import { isSpanId, isTraceId, type Span } from './model.ts';

/** Bounds of a {@link TraceStore}. */
export interface TraceStoreLimits {
  /** Most spans kept. 1 or more. */
  readonly maxSpans: number;
  /** Most bytes kept, counted as received (inflated). */
  readonly maxBytes: number;
}

/** One trace, growing as its spans arrive. */
export interface StoredTrace {
  readonly traceId: string;
  /** By span id and kind: a CLIENT and a SERVER span may share one id, as Zipkin's do. */
  readonly spans: Map<string, Span>;
  /** Rises with every change of this trace; comparable across traces. */
  revision: number;
  /** Earlier spans were evicted before these came. */
  readonly isPartial: boolean;
  bytes: number;
}

/** Counters of a {@link TraceStore}, all since the start or the last `clear`. */
export interface TraceStoreStats {
  readonly spans: number;
  readonly maxSpans: number;
  readonly traces: number;
  readonly bytes: number;
  readonly acceptedSpans: number;
  /** Not kept: an invalid id, or a trace that alone fills the store. */
  readonly rejectedSpans: number;
  readonly evictedSpans: number;
  readonly evictedTraces: number;
}

/** Evicted trace ids that are remembered, to mark what comes late. */
const REMEMBERED_EVICTIONS = 10_000;

export class TraceStore {
  readonly #limits: TraceStoreLimits;
  /** In the order of their first span's arrival: the first is the next to be evicted. */
  readonly #traces = new Map<string, StoredTrace>();
  readonly #evicted = new Set<string>();
  readonly #listeners = new Set<() => void>();
  #revision = 0;
  #spans = 0;
  #bytes = 0;
  #counts = { accepted: 0, rejected: 0, evictedSpans: 0, evictedTraces: 0 };

  /** Called with each evicted trace id, so that what hangs on the trace can go too. */
  onEvict: (traceId: string) => void = () => {};

  constructor(limits: TraceStoreLimits) {
    this.#limits = limits;
  }

  /** Tells this store from that of another run, whose revisions mean nothing here. */
  readonly epoch: string = randomUUID().slice(0, 8);

  /** Rises with every change. */
  get revision(): number {
    return this.#revision;
  }

  /**
   * Keeps the spans of one request. A span that came before (a retried export) is replaced.
   *
   * @param bytes  what the request took, shared evenly among its spans
   * @returns how many were not kept, and why the last of them was not
   */
  add(spans: readonly Span[], bytes: number): { rejected: number; reason: string } {
    const share = spans.length === 0 ? 0 : Math.ceil(bytes / spans.length);
    let rejected = 0;
    let reason = '';
    this.#revision++;
    for (const span of spans) {
      const refusal = this.#keep(span, share);
      if (refusal === undefined) continue;
      rejected++;
      reason = refusal;
    }
    this.#counts.accepted += spans.length - rejected;
    this.#counts.rejected += rejected;
    this.#evictOverflow();
    for (const listener of this.#listeners) listener();
    return { rejected, reason };
  }

  get(traceId: string): StoredTrace | undefined {
    return this.#traces.get(traceId);
  }

  /** All traces, in the order of arrival. */
  all(): Iterable<StoredTrace> {
    return this.#traces.values();
  }

  /** Calls back after each change. @returns the function that ends it */
  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  clear(): void {
    this.#traces.clear();
    this.#evicted.clear();
    this.#spans = 0;
    this.#bytes = 0;
    this.#counts = { accepted: 0, rejected: 0, evictedSpans: 0, evictedTraces: 0 };
    this.#revision++;
  }

  stats(): TraceStoreStats {
    return {
      spans: this.#spans,
      maxSpans: this.#limits.maxSpans,
      traces: this.#traces.size,
      bytes: this.#bytes,
      acceptedSpans: this.#counts.accepted,
      rejectedSpans: this.#counts.rejected,
      evictedSpans: this.#counts.evictedSpans,
      evictedTraces: this.#counts.evictedTraces,
    };
  }

  #keep(span: Span, bytes: number): string | undefined {
    if (!isTraceId(span.traceId)) return `invalid trace id "${span.traceId.slice(0, 40)}"`;
    if (!isSpanId(span.spanId)) return `invalid span id "${span.spanId.slice(0, 40)}"`;
    const known = this.#traces.get(span.traceId);
    const key = `${span.spanId}${span.kind}`;
    const isNew = known?.spans.has(key) !== true;
    const { size } = known?.spans ?? { size: 0 };
    if (isNew && size >= this.#limits.maxSpans)
      return `trace ${span.traceId} has ${size} spans, the most that are kept`;
    const total = (known?.bytes ?? 0) + bytes;
    if (total > this.#limits.maxBytes)
      return `trace ${span.traceId} would have ${total} bytes, ${this.#limits.maxBytes} are kept`;
    const trace = known ?? this.#newTrace(span.traceId);
    trace.spans.set(key, span);
    trace.revision = this.#revision;
    trace.bytes += bytes;
    this.#bytes += bytes;
    if (isNew) this.#spans++;
    return undefined;
  }

  #newTrace(traceId: string): StoredTrace {
    const isPartial = this.#evicted.has(traceId);
    const trace: StoredTrace = { traceId, spans: new Map(), revision: this.#revision, isPartial, bytes: 0 };
    this.#traces.set(traceId, trace);
    return trace;
  }

  #evictOverflow(): void {
    for (const trace of this.#traces.values()) {
      if (this.#spans <= this.#limits.maxSpans && this.#bytes <= this.#limits.maxBytes) return;
      this.#traces.delete(trace.traceId);
      this.#spans -= trace.spans.size;
      this.#bytes -= trace.bytes;
      this.#counts.evictedSpans += trace.spans.size;
      this.#counts.evictedTraces++;
      this.#remember(trace.traceId);
      this.onEvict(trace.traceId);
    }
  }

  #remember(traceId: string): void {
    this.#evicted.add(traceId);
    if (this.#evicted.size <= REMEMBERED_EVICTIONS) return;
    const [oldest] = this.#evicted;
    if (oldest !== undefined) this.#evicted.delete(oldest);
  }
}
