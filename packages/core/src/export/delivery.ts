/**
 * Brings sealed batches to one backend: several at once, again after passing failures, and never more than the bounds
 * on spans and bytes allow. Every span that comes in is accounted for until it is delivered or dropped with a reason.
 */
import { describeError, reportFault } from '../faults.ts';
import type { SealedBatch, SpanBuffer } from './span-buffer.ts';

/** How one attempt to send a batch ended. */
export type AttemptResult =
  | { kind: 'delivered'; rejected: number; message?: string }
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
  /** How many batches may be under way at once. */
  readonly concurrency: number;
  createBuffer(): SpanBuffer;
  /** Send once. May reject: that counts as `drop`. */
  send(batch: SealedBatch, signal: AbortSignal): Promise<AttemptResult>;
  flush?(): Promise<void>;
  close(): Promise<void>;
}

/** Bounds and waits of a delivery; milliseconds, bytes and spans as the names say. */
export interface DeliveryOptions {
  exportTimeoutMs: number;
  initialBackoffMs: number;
  backoffMultiplier: number;
  maxBackoffMs: number;
  /** Share of the wait by which it is varied, 0 to 1. */
  jitter: number;
  maxRetryElapsedMs: number;
  maxRetryAfterMs: number;
  retryMaxBytes: number;
}

/** Where the spans of one exporter are. At rest: accepted = exported + rejected + dropped + queued + inFlight + retrying. */
export interface ExporterStats {
  /** Sampled spans that ended while this exporter was there. */
  accepted: number;
  exported: number;
  /** Refused by the backend in an answer of partial success. */
  rejected: number;
  /** Given up, by reason. */
  dropped: Record<string, number>;
  queued: number;
  inFlight: number;
  /** Waiting for another attempt. */
  retrying: number;
}

interface Entry {
  readonly batch: SealedBatch;
  readonly createdMs: number;
  attempts: number;
  dueMs: number;
}

interface Watcher {
  readonly remaining: Set<Entry>;
  lost: boolean;
  readonly done: (result: FlushResult) => void;
}

/** How a flush ended. */
export type FlushResult = 'ok' | 'timeout' | 'failed';

// After this many failures in a row only one batch at a time tries, so that an outage costs memory and not sockets.
const OPEN_AFTER_FAILURES = 3;

/** The delivery of one exporter. */
export class Delivery {
  readonly stats: ExporterStats = {
    accepted: 0,
    exported: 0,
    rejected: 0,
    dropped: {},
    queued: 0,
    inFlight: 0,
    retrying: 0,
  };
  readonly #transport: BatchTransport;
  readonly #options: DeliveryOptions;
  #fresh: Entry[] = [];
  #retrying: Entry[] = [];
  #retryBytes = 0;
  #freshBytes = 0;
  #underWay = new Map<Entry, AbortController>();
  #failuresInARow = 0;
  #pausedUntilMs = 0;
  #timer: NodeJS.Timeout | undefined;
  #watchers = new Set<Watcher>();
  #closed = false;

  constructor(transport: BatchTransport, options: DeliveryOptions) {
    this.#transport = transport;
    this.#options = options;
  }

  /** Bytes of batches that have not been tried yet. */
  get freshBytes(): number {
    return this.#freshBytes;
  }

  /** Take a batch; its spans are counted as queued already. */
  submit(batch: SealedBatch): void {
    const nowMs = performance.now();
    this.#fresh.push({ batch, createdMs: nowMs, attempts: 0, dueMs: nowMs });
    this.#freshBytes += batch.bytes;
    this.#pump();
  }

  /** Count spans as lost. */
  drop(reason: string, count: number): void {
    this.stats.dropped[reason] = (this.stats.dropped[reason] ?? 0) + count;
    reportFault(`spans_dropped.${reason}`, `spans for ${this.#transport.name} were lost`, count);
  }

  /** Wait until everything that was submitted before is delivered or given up; never rejects. */
  flush(timeoutMs: number): Promise<FlushResult> {
    this.#pump();
    const remaining = new Set([...this.#fresh, ...this.#retrying, ...this.#underWay.keys()]);
    if (remaining.size === 0) return Promise.resolve('ok');
    return new Promise((resolve) => {
      const watcher: Watcher = {
        remaining,
        lost: false,
        done: (result) => {
          clearTimeout(timer);
          this.#watchers.delete(watcher);
          resolve(result);
        },
      };
      // The one timer that keeps the process alive: somebody waits for this, and not for longer than `timeoutMs`.
      const timer = setTimeout(() => watcher.done('timeout'), timeoutMs);
      this.#watchers.add(watcher);
    });
  }

  /** Flush, then give up what is left; never rejects and takes no longer than `timeoutMs` and the transport's closing. */
  async close(timeoutMs: number): Promise<void> {
    await this.flush(timeoutMs);
    this.#closed = true;
    clearTimeout(this.#timer);
    const left = [...this.#fresh, ...this.#retrying];
    this.#fresh = [];
    this.#retrying = [];
    this.stats.queued = 0;
    this.stats.retrying = 0;
    for (const entry of left) this.#giveUp(entry, 'shutdown');
    for (const controller of this.#underWay.values()) controller.abort();
    for (const entry of [...this.#underWay.keys()]) {
      this.#underWay.delete(entry);
      this.stats.inFlight -= entry.batch.count;
      this.#giveUp(entry, 'shutdown');
    }
    try {
      await this.#transport.close();
    } catch (error) {
      reportFault('export_failed', `closing ${this.#transport.name} failed: ${describeError(error)}`);
    }
  }

  #pump(): void {
    while (!this.#closed && this.#underWay.size < this.#transport.concurrency) {
      const nowMs = performance.now();
      const open = this.#failuresInARow >= OPEN_AFTER_FAILURES;
      if (open) this.#setAsideFresh();
      if (open && this.#underWay.size > 0) return;
      const entry = nowMs < this.#pausedUntilMs ? undefined : this.#takeDue(nowMs);
      if (entry === undefined) {
        this.#wakeLater(nowMs);
        return;
      }
      this.#start(entry);
    }
  }

  #takeDue(nowMs: number): Entry | undefined {
    const index = this.#retrying.findIndex((entry) => entry.dueMs <= nowMs);
    const [retried] = index < 0 ? [] : this.#retrying.splice(index, 1);
    if (retried !== undefined) {
      this.#retryBytes -= retried.batch.bytes;
      this.stats.retrying -= retried.batch.count;
      return retried;
    }
    const fresh = this.#fresh.shift();
    if (fresh === undefined) return undefined;
    this.#freshBytes -= fresh.batch.bytes;
    this.stats.queued -= fresh.batch.count;
    return fresh;
  }

  #start(entry: Entry): void {
    const controller = new AbortController();
    this.#underWay.set(entry, controller);
    this.stats.inFlight += entry.batch.count;
    // Not in the tick of the span that filled the batch: its caller should not wait for a socket. Not unref'd: an idle
    // event loop would sleep in front of an unref'd immediate until something else wakes it, and a flush with it.
    setImmediate(() => this.#attempt(entry, controller));
  }

  async #attempt(entry: Entry, controller: AbortController): Promise<void> {
    if (controller.signal.aborted) return;
    const timer = setTimeout(() => controller.abort(), this.#options.exportTimeoutMs);
    timer.unref();
    let result: AttemptResult;
    try {
      result = await this.#transport.send(entry.batch, controller.signal);
    } catch (error) {
      reportFault('export_failed', `sending to ${this.#transport.name} threw: ${describeError(error)}`);
      result = { kind: 'drop', reason: 'exporter_threw' };
    }
    clearTimeout(timer);
    // Given up meanwhile by `close`: it has been counted there.
    if (!this.#underWay.delete(entry)) return;
    this.stats.inFlight -= entry.batch.count;
    this.#settle(entry, result);
    this.#pump();
  }

  #settle(entry: Entry, result: AttemptResult): void {
    const { count } = entry.batch;
    if (result.kind === 'retry') {
      this.#retryLater(entry, result);
      return;
    }
    if (this.#failuresInARow >= OPEN_AFTER_FAILURES) for (const waiting of this.#retrying) waiting.dueMs = 0;
    this.#failuresInARow = 0;
    if (result.kind === 'drop') {
      this.#giveUp(entry, result.reason);
      return;
    }
    const rejected = Math.min(Math.max(result.rejected, 0), count);
    this.stats.rejected += rejected;
    this.stats.exported += count - rejected;
    if (rejected > 0 || result.message !== undefined) {
      const text = (result.message ?? 'no reason given').slice(0, 512);
      reportFault(
        'spans_rejected',
        `${this.#transport.name} rejected ${rejected} spans: ${text}`,
        Math.max(1, rejected),
      );
    }
    this.#tellWatchers(entry, rejected > 0);
  }

  #retryLater(entry: Entry, result: { reason: string; retryAfterMs?: number }): void {
    const nowMs = performance.now();
    this.#failuresInARow++;
    reportFault('export_failed', `${this.#transport.name}: ${result.reason}; the spans wait for another attempt`);
    const waitMs =
      result.retryAfterMs === undefined
        ? this.#backoffMs(Math.max(entry.attempts, this.#failuresInARow - OPEN_AFTER_FAILURES))
        : Math.min(result.retryAfterMs, this.#options.maxRetryAfterMs);
    if (result.retryAfterMs !== undefined || this.#failuresInARow >= OPEN_AFTER_FAILURES) {
      this.#pausedUntilMs = Math.max(this.#pausedUntilMs, nowMs + waitMs);
    }
    entry.attempts++;
    entry.dueMs = nowMs + waitMs;
    if (nowMs - entry.createdMs + waitMs > this.#options.maxRetryElapsedMs) {
      this.#giveUp(entry, 'retry_gave_up');
      return;
    }
    this.#setAside(entry);
  }

  #backoffMs(attempt: number): number {
    const { initialBackoffMs, backoffMultiplier, maxBackoffMs, jitter } = this.#options;
    const baseMs = Math.min(maxBackoffMs, initialBackoffMs * backoffMultiplier ** attempt);
    return baseMs * (1 - jitter + 2 * jitter * Math.random());
  }

  // While the backend is away, batches leave the queue for the larger store, so that the queue stays free for spans.
  #setAsideFresh(): void {
    for (const entry of this.#fresh.splice(0)) {
      this.#freshBytes -= entry.batch.bytes;
      this.stats.queued -= entry.batch.count;
      this.#setAside(entry);
    }
  }

  #setAside(entry: Entry): void {
    const behind = this.#retrying.findIndex((other) => other.createdMs > entry.createdMs);
    this.#retrying.splice(behind < 0 ? this.#retrying.length : behind, 0, entry);
    this.#retryBytes += entry.batch.bytes;
    this.stats.retrying += entry.batch.count;
    while (this.#retryBytes > this.#options.retryMaxBytes) {
      const oldest = this.#retrying.shift() as Entry;
      this.#retryBytes -= oldest.batch.bytes;
      this.stats.retrying -= oldest.batch.count;
      this.#giveUp(oldest, 'retry_evicted');
    }
  }

  #giveUp(entry: Entry, reason: string): void {
    this.drop(reason, entry.batch.count);
    this.#tellWatchers(entry, true);
  }

  #tellWatchers(entry: Entry, lost: boolean): void {
    for (const watcher of this.#watchers) {
      if (!watcher.remaining.delete(entry)) continue;
      watcher.lost ||= lost;
      if (watcher.remaining.size === 0) watcher.done(watcher.lost ? 'failed' : 'ok');
    }
  }

  #wakeLater(nowMs: number): void {
    let nextMs = Number.POSITIVE_INFINITY;
    for (const entry of this.#retrying) nextMs = Math.min(nextMs, entry.dueMs);
    if (this.#fresh.length > 0) nextMs = nowMs;
    nextMs = Math.max(nextMs, this.#pausedUntilMs);
    if (nextMs === Number.POSITIVE_INFINITY) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#pump(), Math.max(1, Math.ceil(nextMs - nowMs)));
    this.#timer.unref();
  }
}
