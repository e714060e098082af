/** The batch processor: collects ended sampled spans, and cuts batches by number, size and time. */
import { monotonicMs } from '../clock.ts';
import { describeError, reportFault } from '../faults.ts';
import { isRecordingSpan, type RecordingSpan } from '../span.ts';
import { FLAG_SAMPLED } from '../span-context.ts';
import { adoptSpan } from './adopt-span.ts';
import { Delivery, type DeliveryOptions } from './delivery.ts';
import type { ExporterStats } from './exporter-stats.ts';
import type { FlushResult } from './flush-watch.ts';
import type { ReadableSpan, SpanProcessor } from './readable-span.ts';
import type { SealedBatch, SpanBuffer } from './span-buffer.ts';
import type { SpoolOptions } from './spool.ts';
import type { BatchTransport } from './transport.ts';

/** Bounds and waits of the batch processor. */
export interface BatchOptions {
  /**
   * Spans that may wait to be sent, full batches included. 1 or more. Default 2048; what does not fit behind requests under
   * way then waits in the store of `retryMaxBytes`.
   */
  maxQueueSpans?: number;
  /** Bytes of the same. 1 or more. Default 16 MiB. */
  maxQueueBytes?: number;
  /**
   * Spans in one request; not more than `maxQueueSpans`. 1 or more. Default 512, and over HTTP four times as many while
   * `exportConcurrency` requests are under way, or none is and more than 2000 spans a second end.
   */
  maxExportBatchSpans?: number;
  /** Longest wait before a partly filled batch is sent. Milliseconds, 0 or more. Default 5000. */
  scheduledDelayMs?: number;
  /** Longest time for one attempt to send. Milliseconds, 1 or more. Default 30000. */
  exportTimeoutMs?: number;
  /** First wait before another attempt. Milliseconds, 1 or more. Default 1000. */
  initialBackoffMs?: number;
  /** Longest wait between attempts. Milliseconds, 1 or more. Default 30000. */
  maxBackoffMs?: number;
  /** How long a batch is tried again. Milliseconds, 1 or more. Default 300000. */
  maxRetryElapsedMs?: number;
  /** Longest wait that a server may ask for by `Retry-After`. Milliseconds, 1 or more. Default 60000. */
  maxRetryAfterMs?: number;
  /** Bytes of batches that wait for another attempt; the oldest go first. 1 or more. Default 32 MiB. */
  retryMaxBytes?: number;
}

const MAX_BATCH_BYTES = 4 * 1024 * 1024;
// A slow backend takes more spans a second in larger requests, and a busy service pays as much for each request as for
// encoding hundreds of spans.
const GROWTH_FACTOR = 4;
/** A service is busy when its batches fill within this time. Milliseconds. */
const BUSY_FILL_MS = 250;
const MIN_RECHECK_MS = 100;
// In the middle of a request the code of the encoder is in no cache of the processor. In a row of spans it is, for all
// but the first.
const ENCODED_TOGETHER = 64;
// Of an ordinary one, without its texts.
const SPAN_BYTES = 256;
// What no ordinary span is larger than.
const SMALL_SPAN_BYTES = 1024;
const SHUTDOWN_TIMEOUT_MS = 5000;
const FLUSH_TIMEOUT_MS = 30_000;

/** Defaults of `BatchOptions`. */
export const BATCH_DEFAULTS: Required<BatchOptions> = {
  maxQueueSpans: 2048,
  maxQueueBytes: 16 * 1024 * 1024,
  maxExportBatchSpans: 512,
  scheduledDelayMs: 5000,
  exportTimeoutMs: 30_000,
  initialBackoffMs: 1000,
  maxBackoffMs: 30_000,
  maxRetryElapsedMs: 300_000,
  maxRetryAfterMs: 60_000,
  retryMaxBytes: 32 * 1024 * 1024,
};

/** Collects spans for one exporter. */
export class BatchSpanProcessor implements SpanProcessor {
  /** Tells the provider that `onStart` need not be called. */
  readonly ignoresStart = true;
  readonly #delivery: Delivery;
  readonly #stats: Delivery['stats'];
  readonly #buffer: SpanBuffer;
  readonly #options: Required<BatchOptions>;
  readonly #maxGrownSpans: number;
  // Numbers that somebody chose limit what may wait.
  readonly #maySpill: boolean;
  // Not in the buffer yet, and what they will take there, roughly.
  #ended: RecordingSpan[] = [];
  #endedBytes = 0;
  // How many more small spans may end before there is anything to look at: a full row, a full queue, a batch to cut.
  #room = 0;
  #timer: NodeJS.Timeout | undefined;
  #isDue = false;
  /** When the batch was begun, and whether the one before it has filled fast. */
  #begunMs = 0;
  #isBusy = false;
  #shutdown: Promise<void> | undefined;

  /** @param spool  where batches go that would be lost; transports of span objects do without */
  constructor(transport: BatchTransport, options: BatchOptions = {}, spool?: Required<SpoolOptions>) {
    this.#options = { ...BATCH_DEFAULTS, ...options };
    const { maxExportBatchSpans, maxQueueSpans, maxQueueBytes } = this.#options;
    // A number that somebody chose is a limit of the backend or of an exporter that is not ours.
    const mayGrow = transport.target !== undefined && maxExportBatchSpans === BATCH_DEFAULTS.maxExportBatchSpans;
    this.#maySpill = maxQueueSpans === BATCH_DEFAULTS.maxQueueSpans && maxQueueBytes === BATCH_DEFAULTS.maxQueueBytes;
    this.#maxGrownSpans = Math.min(maxExportBatchSpans * (mayGrow ? GROWTH_FACTOR : 1), maxQueueSpans);
    const delivery: DeliveryOptions = { ...this.#options, backoffMultiplier: 1.5, jitter: 0.2, spool };
    this.#buffer = transport.createBuffer();
    this.#delivery = new Delivery(transport, delivery, () => this.#takeReady());
    this.#stats = this.#delivery.stats;
  }

  /** Where the spans of this exporter are. */
  get stats(): ExporterStats {
    const { stats, spoolStats } = this.#delivery;
    return { ...stats, dropped: { ...stats.dropped }, ...(spoolStats === undefined ? {} : { spool: spoolStats }) };
  }

  onStart(): void {}

  onEnd(span: ReadableSpan): void {
    if (this.#room > 0 && isRecordingSpan(span) && (span.traceFlags & FLAG_SAMPLED) !== 0) {
      const bytes = roughBytes(span);
      if (bytes <= SMALL_SPAN_BYTES) {
        this.#room--;
        this.#stats.accepted++;
        this.#stats.queued++;
        this.#endedBytes += bytes;
        this.#ended.push(span);
        return;
      }
    }
    this.#lookAt(span);
  }

  #lookAt(span: ReadableSpan): void {
    const stats = this.#stats;
    const traceFlags = isRecordingSpan(span) ? span.traceFlags : span.spanContext().traceFlags;
    if ((traceFlags & FLAG_SAMPLED) === 0) {
      stats.unsampled++;
      return;
    }
    stats.accepted++;
    if (this.#shutdown !== undefined) {
      this.#delivery.drop('already_shutdown', 1);
    } else if (this.#isQueueFull() && !this.#spill()) {
      this.#delivery.drop('queue_full', 1);
    } else {
      this.#add(span);
    }
  }

  /** @returns how it ended; never rejects */
  flush(timeoutMs: number = FLUSH_TIMEOUT_MS): Promise<FlushResult> {
    this.#cut();
    return this.#delivery.flush(timeoutMs);
  }

  forceFlush(timeoutMs?: number): Promise<FlushResult> {
    return this.flush(timeoutMs);
  }

  /** Write what is not delivered to the spool, if there is one, and do not return before. For a dying process. */
  saveNow(): void {
    this.#cut();
    this.#delivery.saveNow();
  }

  shutdown(timeoutMs: number = SHUTDOWN_TIMEOUT_MS): Promise<void> {
    if (this.#shutdown === undefined) {
      this.#cut();
      this.#shutdown = this.#delivery.close(timeoutMs);
    }
    return this.#shutdown;
  }

  #add(span: ReadableSpan): void {
    let own: RecordingSpan;
    try {
      // The encoders read our spans' fields; on another provider there are only copies to read.
      own = isRecordingSpan(span) ? span : adoptSpan(span);
    } catch (error) {
      this.#lose(error);
      return;
    }
    this.#stats.queued++;
    this.#ended.push(own);
    this.#endedBytes += roughBytes(own);
    if (this.#mustEncode()) {
      this.#encode();
      if (this.#isFull()) {
        this.#noteRate();
        this.#cut();
        return;
      }
    }
    if (this.#timer === undefined) {
      this.#begunMs = monotonicMs();
      this.#startTimer(this.#options.scheduledDelayMs);
    }
    this.#room = this.#countRoom();
  }

  // The span that fills something up is looked at, and one in each row of a batch that grows.
  #countRoom(): number {
    const { maxQueueSpans, maxQueueBytes, maxExportBatchSpans } = this.#options;
    const bytes = this.#queuedBytes() + this.#endedBytes;
    const batchBytes = this.#buffer.bytes + this.#endedBytes;
    const count = this.#buffer.count + this.#ended.length;
    return Math.min(
      ENCODED_TOGETHER - this.#ended.length - 1,
      (count < maxExportBatchSpans ? maxExportBatchSpans : this.#maxGrownSpans) - count - 1,
      maxQueueSpans - this.#stats.queued,
      Math.floor(Math.min(maxQueueBytes - bytes, MAX_BATCH_BYTES - batchBytes) / SMALL_SPAN_BYTES) - 1,
    );
  }

  #isQueueFull(): boolean {
    const { maxQueueSpans, maxQueueBytes } = this.#options;
    return this.#stats.queued >= maxQueueSpans || this.#queuedBytes() >= maxQueueBytes;
  }

  /** @returns whether the queue has room now */
  #spill(): boolean {
    if (!this.#maySpill) return false;
    this.#cut();
    this.#delivery.setAsideFresh();
    return !this.#isQueueFull();
  }

  #queuedBytes(): number {
    return this.#delivery.freshBytes + this.#buffer.bytes;
  }

  #mustEncode(): boolean {
    if (this.#ended.length >= ENCODED_TOGETHER || this.#isFull()) return true;
    return this.#queuedBytes() + this.#endedBytes >= this.#options.maxQueueBytes;
  }

  /** As far as the batch has room. */
  #encode(): void {
    const ended = this.#ended;
    this.#room = 0;
    if (ended.length === 0) return;
    // Whoever is told of a fault below may end spans himself.
    this.#ended = [];
    this.#endedBytes = 0;
    let i = 0;
    while (i < ended.length && this.#buffer.bytes < MAX_BATCH_BYTES) {
      try {
        this.#buffer.add(ended[i++] as RecordingSpan);
      } catch (error) {
        this.#stats.queued--;
        this.#lose(error);
      }
    }
    if (i < ended.length) this.#ended = [...ended.slice(i), ...this.#ended];
  }

  #lose(error: unknown): void {
    reportFault('encode_error', `a span could not be encoded: ${describeError(error)}`);
    this.#delivery.drop('encode_error', 1);
  }

  #isFull(): boolean {
    const count = this.#buffer.count + this.#ended.length;
    if (count >= this.#maxGrownSpans || this.#buffer.bytes + this.#endedBytes >= MAX_BATCH_BYTES) return true;
    if (count < this.#options.maxExportBatchSpans || this.#delivery.isBacklogged) return false;
    return !(this.#isBusy && this.#delivery.isIdle);
  }

  // Of the batch that is full now, for the one that follows it: a first burst is sent at once.
  #noteRate(): void {
    const { maxExportBatchSpans } = this.#options;
    const fillMs = (monotonicMs() - this.#begunMs) * (maxExportBatchSpans / this.#buffer.count);
    this.#isBusy = fillMs < BUSY_FILL_MS;
  }

  // While every way is taken, the batch grows until one is free: cut now, a slow backend would get many small requests
  // and never catch up.
  #onDelay(): void {
    this.#isBusy = false;
    if (!this.#delivery.isFull) {
      this.#cut();
      return;
    }
    this.#isDue = true;
    // Where a way is free and nothing may be sent yet, nobody asks.
    this.#startTimer(Math.max(this.#options.scheduledDelayMs, MIN_RECHECK_MS));
  }

  #cut(): void {
    this.#stopTimer();
    do {
      this.#encode();
      if (this.#buffer.count > 0) this.#delivery.submit(this.#buffer.seal());
    } while (this.#ended.length > 0);
  }

  #takeReady(): SealedBatch | undefined {
    const enough = this.#isDue ? 1 : this.#options.maxExportBatchSpans;
    if (this.#buffer.count + this.#ended.length < enough) return undefined;
    this.#encode();
    if (this.#buffer.count === 0) return undefined;
    this.#stopTimer();
    if (this.#ended.length > 0) this.#startTimer(this.#options.scheduledDelayMs);
    return this.#buffer.seal();
  }

  #startTimer(delayMs: number): void {
    this.#timer = setTimeout(() => this.#onDelay(), delayMs);
    this.#timer.unref();
  }

  #stopTimer(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#isDue = false;
  }
}

// What makes some spans a thousand times as large as others is texts.
function roughBytes({ flat, extras }: RecordingSpan): number {
  // Spans with events, and below those with lists, are few and not worth a closer look.
  if (extras !== undefined) return MAX_BATCH_BYTES;
  let bytes = SPAN_BYTES;
  if (flat === undefined) return bytes;
  for (let i = 1; i < flat.length; i += 2) {
    const value = flat[i];
    if (typeof value === 'string') bytes += value.length;
    else if (typeof value === 'object') return MAX_BATCH_BYTES;
  }
  return bytes;
}
