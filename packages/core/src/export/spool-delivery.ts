/** Moves batches of one exporter to its spool and sends them from there, the oldest first, one at a time. */
import { reportFault } from '../faults.ts';
import type { Circuit } from './circuit.ts';
import type { ExporterStats, Ledger, SpoolStats } from './exporter-stats.ts';
import type { Entry } from './retry-store.ts';
import type { SealedBatch } from './span-buffer.ts';
import { Spool, type SpoolOptions, type SpoolRecord } from './spool.ts';
import { exporterDir } from './spool-home.ts';
import type { AttemptResult, BatchTransport } from './transport.ts';

/** What the spool's sender needs of the delivery that it belongs to. */
export interface SpoolHost {
  readonly stats: ExporterStats;
  send(batch: SealedBatch, controller: AbortController): Promise<AttemptResult>;
  count(batch: SealedBatch, result: Exclude<AttemptResult, { kind: 'retry' }>, ledger: Ledger): void;
  drop(reason: string, count: number, ledger: Ledger): void;
  /** The backend took or refused a batch. */
  answered(): void;
  pump(): void;
}

/** The spool of one delivery. */
export class SpoolDelivery {
  /** Batches that are being written. */
  readonly writing: Set<Entry> = new Set();
  readonly #name: string;
  readonly #circuit: Circuit;
  readonly #host: SpoolHost;
  readonly #spool: Spool;
  readonly #adopted: Ledger = { accepted: 0, exported: 0, rejected: 0, dropped: {}, spooled: 0 };
  #sending: { controller: AbortController; ended: Promise<void> } | undefined;
  #dueMs = 0;

  /** @returns `undefined` when there is no such option, or the transport has nothing that could be written */
  static start(
    transport: BatchTransport,
    options: Required<SpoolOptions> | undefined,
    circuit: Circuit,
    host: SpoolHost,
  ): SpoolDelivery | undefined {
    const { target, componentType, name } = transport;
    if (options === undefined || target === undefined) return undefined;
    const parent = exporterDir(options.dir, componentType ?? 'exporter', target);
    return new SpoolDelivery(name, parent, options, circuit, host);
  }

  private constructor(
    name: string,
    parent: string,
    options: Required<SpoolOptions>,
    circuit: Circuit,
    host: SpoolHost,
  ) {
    this.#name = name;
    this.#circuit = circuit;
    this.#host = host;
    this.#spool = new Spool(parent, options, {
      lost: (record, reason) => {
        this.#ledgerOf(record).spooled -= record.count;
        host.drop(reason, record.count, this.#ledgerOf(record));
      },
      adopted: (count) => {
        this.#adopted.accepted += count;
        this.#adopted.spooled += count;
      },
      ready: () => host.pump(),
    });
  }

  get stats(): SpoolStats {
    const { files, bytes, evicted } = this.#spool;
    return { files, bytes, evicted, adopted: { ...this.#adopted, dropped: { ...this.#adopted.dropped } } };
  }

  get isSending(): boolean {
    return this.#sending !== undefined;
  }

  /**
   * Write a batch, or keep the copy that was made while it was being sent. Its spans are counted as spooled meanwhile.
   *
   * @returns whether it is on disk
   */
  async put(entry: Entry): Promise<boolean> {
    const { stats } = this.#host;
    const { count } = entry.batch;
    stats.spooled += count;
    if (entry.record !== undefined) {
      entry.record.isInFlight = false;
      return true;
    }
    this.writing.add(entry);
    const isWritten = await this.#spool.put(entry.batch, madeAtMs(entry));
    this.writing.delete(entry);
    if (!isWritten) stats.spooled -= count;
    return isWritten;
  }

  /** Like `put`, done on return. */
  putNow(entry: Entry): boolean {
    if (this.#spool.putNow(entry.batch, madeAtMs(entry)) === undefined) return false;
    this.#host.stats.spooled += entry.batch.count;
    return true;
  }

  /** Copy a batch that is being sent; the copy is removed when it has been. */
  copyNow(entry: Entry): void {
    if (entry.record !== undefined) return;
    const record = this.#spool.putNow(entry.batch, madeAtMs(entry));
    if (record === undefined) return;
    record.isInFlight = true;
    entry.record = record;
  }

  /** Finish what `put` has begun, and do not return before. */
  finishNow(): void {
    this.#spool.finishNow();
  }

  /** Remove a copy that is not needed any more. Never rejects. */
  discard(record: SpoolRecord): Promise<void> {
    return this.#spool.done(record);
  }

  /**
   * When the next batch may be sent: after a success, or when it is the only way to learn whether the backend is back.
   *
   * @param isOnly  nothing waits in memory
   * @returns a `performance.now()` reading; infinity when there is nothing to send
   */
  nextDueMs(isOnly: boolean): number {
    const mayTry = this.#sending === undefined && (this.#circuit.isHealthy || isOnly);
    return mayTry && this.#spool.oldest() !== undefined ? this.#dueMs : Number.POSITIVE_INFINITY;
  }

  /** Send the oldest batch if it may be sent. @returns whether it was started */
  trySend(nowMs: number, isOnly: boolean): boolean {
    if (this.nextDueMs(isOnly) > nowMs) return false;
    const record = this.#spool.oldest();
    if (record === undefined) return false;
    const controller = new AbortController();
    this.#sending = { controller, ended: this.#send(record, controller) };
    return true;
  }

  /** Stop sending, finish writing and leave the directory to the next process. Never rejects. */
  async close(): Promise<void> {
    this.#sending?.controller.abort();
    await this.#sending?.ended;
    await this.#spool.close();
  }

  async #send(record: SpoolRecord, controller: AbortController): Promise<void> {
    const batch = await this.#spool.read(record);
    if (batch !== undefined) await this.#sendBatch(record, batch, controller);
    this.#sending = undefined;
    this.#host.pump();
  }

  async #sendBatch(record: SpoolRecord, batch: SealedBatch, controller: AbortController): Promise<void> {
    const result: AttemptResult = controller.signal.aborted
      ? { kind: 'retry', reason: 'shutdown' }
      : await this.#host.send(batch, controller);
    if (result.kind !== 'retry') {
      // Only now that the backend has answered for good: until then another process may have to send it.
      await this.#spool.done(record);
      const ledger = this.#ledgerOf(record);
      ledger.spooled -= record.count;
      this.#host.count(batch, result, ledger);
      this.#host.answered();
    } else if (!controller.signal.aborted) {
      reportFault('export_failed', `${this.#name}: ${result.reason}; the spans stay on disk`);
      this.#dueMs = performance.now() + this.#circuit.failed(0, result.retryAfterMs, performance.now());
    }
  }

  #ledgerOf(record: SpoolRecord): Ledger {
    return record.isAdopted ? this.#adopted : this.#host.stats;
  }
}

/** Milliseconds since the epoch. */
function madeAtMs(entry: Entry): number {
  return Date.now() - (performance.now() - entry.createdMs);
}
