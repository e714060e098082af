/**
 * Brings sealed batches to one backend: several at once, again after passing failures, and never more than the bounds
 * on spans and bytes allow. Every span that comes in is accounted for until it is delivered or dropped with a reason.
 */
import { describeError, reportFault } from '../faults.ts';
import { type BackoffOptions, Circuit } from './circuit.ts';
import type { ExporterStats, Ledger, SpoolStats } from './exporter-stats.ts';
import { type FlushResult, FlushWatch, within } from './flush-watch.ts';
import { type Entry, RetryStore } from './retry-store.ts';
import type { SealedBatch } from './span-buffer.ts';
import type { SpoolOptions } from './spool.ts';
import { SpoolDelivery } from './spool-delivery.ts';
import type { AttemptResult, BatchTransport } from './transport.ts';

/** Bounds and waits of a delivery; milliseconds, bytes and spans as the names say. */
export interface DeliveryOptions extends BackoffOptions {
  exportTimeoutMs: number;
  maxRetryElapsedMs: number;
  retryMaxBytes: number;
  /** Where batches go that would be lost otherwise. */
  spool?: Required<SpoolOptions> | undefined;
}

// All ways taken, one of them for this long: the backend is slow, and the queue must not fill up behind it.
// 2048 spans are 200 ms at 10 000 spans a second.
const SLOW_AFTER_MS = 200;
// Of the time of a shutdown, for what comes after the flush: a fifth, and not more than this.
const MAX_CLOSING_MS = 1000;
const MAX_SHOWN_CHARACTERS = 512;

/** The delivery of one exporter. */
export class Delivery {
  readonly stats: ExporterStats = {
    accepted: 0,
    exported: 0,
    rejected: 0,
    dropped: {},
    spooled: 0,
    unsampled: 0,
    queued: 0,
    inFlight: 0,
    retrying: 0,
  };
  readonly #transport: BatchTransport;
  readonly #options: DeliveryOptions;
  readonly #refill: () => SealedBatch | undefined;
  readonly #circuit: Circuit;
  readonly #spool: SpoolDelivery | undefined;
  readonly #store = new RetryStore();
  readonly #watch = new FlushWatch();
  readonly #underWay = new Map<Entry, AbortController>();
  #fresh: Entry[] = [];
  #freshBytes = 0;
  #timer: NodeJS.Timeout | undefined;
  /** What `close` has still to put on disk or give up. */
  #left: Entry[] = [];
  #submitted = 0;
  #flushing: { submitted: number; result: Promise<FlushResult> } | undefined;
  #closed = false;

  /** @param refill  cuts a batch that is full or due and was not submitted because there was no free way */
  constructor(transport: BatchTransport, options: DeliveryOptions, refill: () => SealedBatch | undefined) {
    this.#transport = transport;
    this.#options = options;
    this.#refill = refill;
    this.#circuit = new Circuit(options);
    this.#spool = SpoolDelivery.start(transport, options.spool, this.#circuit, {
      stats: this.stats,
      send: (batch, controller) => this.#send(batch, controller),
      count: (batch, result, ledger) => this.#count(batch, result, ledger),
      drop: (reason, count, ledger) => this.drop(reason, count, ledger),
      answered: () => this.#backendAnswered(),
      pump: () => this.#pump(),
    });
  }

  /** Bytes of batches that have not been tried yet. */
  get freshBytes(): number {
    return this.#freshBytes;
  }

  /** What is on disk, if anything may be. */
  get spoolStats(): SpoolStats | undefined {
    return this.#spool?.stats;
  }

  /** Whether a batch that is submitted now would have to wait. */
  get isBacklogged(): boolean {
    return this.isFull || this.#circuit.isOpen;
  }

  /** Whether no request is under way: the backend has answered everything. */
  get isIdle(): boolean {
    return this.#waysTaken() === 0;
  }

  /** Whether every way is taken; when one becomes free, `refill` is asked. */
  get isFull(): boolean {
    return this.#waysTaken() >= this.#transport.concurrency;
  }

  /** Take a batch; its spans are counted as queued already. */
  submit(batch: SealedBatch): void {
    this.#addFresh(batch);
    this.#pump();
  }

  /** Batches leave the queue for the larger store, so that the queue stays free while the backend is away or slow. */
  setAsideFresh(): void {
    for (const entry of this.#fresh.splice(0)) {
      this.#leaveQueue(entry);
      this.#setAside(entry);
    }
  }

  /** Count spans as lost. */
  drop(reason: string, count: number, ledger: Ledger = this.stats): void {
    ledger.dropped[reason] = (ledger.dropped[reason] ?? 0) + count;
    reportFault(`spans_dropped.${reason}`, `spans for ${this.#transport.name} were lost`, count);
  }

  /** Wait until everything that was submitted before is delivered, on disk or given up; never rejects. */
  flush(timeoutMs: number): Promise<FlushResult> {
    this.#pump();
    // Whoever asks while nothing new has come waits for the same run.
    if (this.#flushing?.submitted !== this.#submitted) {
      const run = { submitted: this.#submitted, result: this.#settleAll() };
      this.#flushing = run;
      void run.result.then(() => {
        if (this.#flushing === run) this.#flushing = undefined;
      });
    }
    return within(this.#flushing.result, timeoutMs);
  }

  /** Flush, then put on disk or give up what is left; never rejects and takes no longer than `timeoutMs`. */
  async close(timeoutMs: number): Promise<void> {
    const deadlineMs = performance.now() + timeoutMs;
    const needsTime = this.#spool !== undefined || this.#transport.flush !== undefined;
    await this.flush(timeoutMs - (needsTime ? Math.min(MAX_CLOSING_MS, timeoutMs / 5) : 0));
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#left = this.#takeAll();
    const result = await within(this.#leave(), deadlineMs - performance.now());
    for (const entry of [...this.#left.splice(0), ...this.#takeAll()]) this.#lose(entry, 'shutdown');
    if (result === 'timeout') reportFault('export_failed', `closing ${this.#transport.name} was not done in time`);
  }

  /** Write everything that is not delivered to disk, and do not return before; for a process that is about to end. */
  saveNow(): void {
    const spool = this.#spool;
    if (spool === undefined) return;
    this.setAsideFresh();
    for (const entry of this.#left.splice(0)) this.#setAside(entry);
    for (const entry of this.#store.entries()) {
      if (!spool.putNow(entry)) return;
      this.#store.remove(entry);
      this.stats.retrying = this.#store.spans;
      this.#watch.settled(entry, true);
    }
    for (const entry of this.#underWay.keys()) spool.copyNow(entry);
    spool.finishNow();
  }

  #waysTaken(): number {
    return this.#underWay.size + (this.#spool?.isSending ? 1 : 0);
  }

  /** When the request that waits longest for its answer was started; the one from the spool aside. */
  #oldestStartMs(): number {
    for (const { startedMs } of this.#underWay.keys()) return startedMs;
    return 0;
  }

  #addFresh(batch: SealedBatch): void {
    const nowMs = performance.now();
    this.#fresh.push({ batch, createdMs: nowMs, attempts: 0, dueMs: nowMs, startedMs: nowMs });
    this.#freshBytes += batch.bytes;
    this.#submitted++;
  }

  async #settleAll(): Promise<FlushResult> {
    const entries = [
      ...this.#fresh,
      ...this.#store.entries(),
      ...this.#underWay.keys(),
      ...(this.#spool?.writing ?? []),
    ];
    const result = await this.#watch.wait(entries);
    try {
      await this.#transport.flush?.();
      return result;
    } catch (error) {
      reportFault('export_failed', `flushing ${this.#transport.name} failed: ${describeError(error)}`);
      return 'failed';
    }
  }

  #takeAll(): Entry[] {
    const left = [...this.#store.entries(), ...this.#underWay.keys(), ...this.#fresh.splice(0)];
    for (const entry of this.#store.entries()) this.#store.remove(entry);
    for (const controller of this.#underWay.values()) controller.abort();
    this.#underWay.clear();
    this.#freshBytes = 0;
    Object.assign(this.stats, { queued: 0, inFlight: 0, retrying: 0 });
    return left;
  }

  async #leave(): Promise<void> {
    for (let entry = this.#left.shift(); entry !== undefined; entry = this.#left.shift()) {
      await this.#giveUp(entry, 'shutdown');
    }
    await this.#spool?.close();
    try {
      await this.#transport.close();
    } catch (error) {
      reportFault('export_failed', `closing ${this.#transport.name} failed: ${describeError(error)}`);
    }
  }

  #pump(): void {
    while (!this.#closed) {
      const nowMs = performance.now();
      const isFull = this.isFull;
      const slowFromMs = this.#oldestStartMs() + SLOW_AFTER_MS;
      if (this.#circuit.isOpen || (isFull && nowMs >= slowFromMs)) this.setAsideFresh();
      // A queue that is full submits nothing more, so nobody else would look again before an answer comes.
      if (isFull && this.#fresh.length > 0) this.#wakeAt(slowFromMs, nowMs);
      if (isFull || (this.#circuit.isOpen && this.#waysTaken() > 0)) return;
      const mayStart = nowMs >= this.#circuit.pausedUntilMs;
      const entry = mayStart ? this.#takeDue(nowMs) : undefined;
      if (entry !== undefined) {
        this.#start(entry);
      } else if (!mayStart || !this.#spool?.trySend(nowMs, this.#isEmpty())) {
        this.#wakeLater(nowMs);
        return;
      }
    }
  }

  #isEmpty(): boolean {
    return this.#fresh.length === 0 && this.#store.size === 0 && this.#underWay.size === 0;
  }

  #takeDue(nowMs: number): Entry | undefined {
    const retried = this.#store.takeDue(nowMs);
    if (retried !== undefined) {
      this.stats.retrying = this.#store.spans;
      return retried;
    }
    const full = this.#fresh.length === 0 ? this.#refill() : undefined;
    if (full !== undefined) this.#addFresh(full);
    const fresh = this.#fresh.shift();
    if (fresh !== undefined) this.#leaveQueue(fresh);
    return fresh;
  }

  #leaveQueue({ batch }: Entry): void {
    this.#freshBytes -= batch.bytes;
    this.stats.queued -= batch.count;
  }

  #start(entry: Entry): void {
    const controller = new AbortController();
    this.#underWay.set(entry, controller);
    this.stats.inFlight += entry.batch.count;
    entry.startedMs = performance.now();
    // Not in the tick of the span that filled the batch: its caller should not wait for a socket. Not unref'd: an idle
    // event loop would sleep in front of an unref'd immediate until something else wakes it, and a flush with it.
    setImmediate(() => this.#attempt(entry, controller));
  }

  async #attempt(entry: Entry, controller: AbortController): Promise<void> {
    if (controller.signal.aborted) return;
    const result = await this.#send(entry.batch, controller);
    // Given up meanwhile by `close`: it has been counted there.
    if (!this.#underWay.delete(entry)) return;
    this.stats.inFlight -= entry.batch.count;
    if (result.kind === 'retry') {
      this.#retryLater(entry, result);
    } else {
      this.#backendAnswered();
      const isLost = this.#count(entry.batch, result, this.stats);
      // Only here is it certain that nobody has taken the batch to put it on disk.
      if (result.kind === 'delivered' && result.isWritten) entry.batch.release?.();
      if (entry.record !== undefined) void this.#spool?.discard(entry.record);
      this.#watch.settled(entry, isLost);
    }
    this.#pump();
  }

  async #send(batch: SealedBatch, controller: AbortController): Promise<AttemptResult> {
    const timer = setTimeout(() => controller.abort(), this.#options.exportTimeoutMs);
    timer.unref();
    try {
      return await this.#transport.send(batch, controller.signal);
    } catch (error) {
      reportFault('export_failed', `sending to ${this.#transport.name} threw: ${describeError(error)}`);
      return { kind: 'drop', reason: 'exporter_threw' };
    } finally {
      clearTimeout(timer);
    }
  }

  #backendAnswered(): void {
    if (this.#circuit.isOpen) this.#store.makeAllDue();
    this.#circuit.closed();
  }

  /** @returns whether some spans of the batch were not delivered */
  #count({ count }: SealedBatch, result: Exclude<AttemptResult, { kind: 'retry' }>, ledger: Ledger): boolean {
    if (result.kind === 'drop') {
      this.drop(result.reason, count, ledger);
      return true;
    }
    const rejected = Math.min(Math.max(result.rejected, 0), count);
    ledger.rejected += rejected;
    ledger.exported += count - rejected;
    const text = (result.message ?? 'no reason given').slice(0, MAX_SHOWN_CHARACTERS);
    const { name } = this.#transport;
    if (rejected > 0) reportFault('spans_rejected', `${name} rejected spans: ${text}`, rejected);
    else if (result.message !== undefined) reportFault('backend_warning', `${name} took the spans and says: ${text}`);
    return rejected > 0;
  }

  #retryLater(entry: Entry, result: { reason: string; retryAfterMs?: number }): void {
    const nowMs = performance.now();
    reportFault('export_failed', `${this.#transport.name}: ${result.reason}; the spans wait for another attempt`);
    const waitMs = this.#circuit.failed(entry.attempts, result.retryAfterMs, nowMs);
    entry.attempts++;
    entry.dueMs = nowMs + waitMs;
    if (entry.record !== undefined || nowMs - entry.createdMs + waitMs > this.#options.maxRetryElapsedMs) {
      void this.#giveUp(entry, 'retry_gave_up');
    } else {
      this.#setAside(entry);
    }
  }

  #setAside(entry: Entry): void {
    this.#store.add(entry);
    while (this.#store.bytes > this.#options.retryMaxBytes) {
      const oldest = this.#store.shift();
      if (oldest !== undefined) void this.#giveUp(oldest, 'retry_evicted');
    }
    this.stats.retrying = this.#store.spans;
  }

  async #giveUp(entry: Entry, reason: string): Promise<void> {
    if (this.#spool !== undefined && (await this.#spool.put(entry))) this.#watch.settled(entry, true);
    else this.#lose(entry, reason);
  }

  #lose(entry: Entry, reason: string): void {
    this.drop(reason, entry.batch.count);
    this.#watch.settled(entry, true);
  }

  #wakeLater(nowMs: number): void {
    let nextMs = Math.min(this.#store.nextDueMs(), this.#spool?.nextDueMs(this.#isEmpty()) ?? Number.POSITIVE_INFINITY);
    if (this.#fresh.length > 0) nextMs = nowMs;
    nextMs = Math.max(nextMs, this.#circuit.pausedUntilMs);
    if (nextMs !== Number.POSITIVE_INFINITY) this.#wakeAt(nextMs, nowMs);
  }

  #wakeAt(atMs: number, nowMs: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#pump(), Math.max(1, Math.ceil(atMs - nowMs)));
    this.#timer.unref();
  }
}
