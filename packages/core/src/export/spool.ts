/**
 * Keeps batches of one exporter on disk: those that could not be sent, until they can be, also by a later process.
 * Files are written and read asynchronously, but by the functions for a process that is about to die.
 */
import { unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { runInContext, SUPPRESSED } from '../context.ts';
import { describeError, reportFault } from '../faults.ts';
import type { SealedBatch } from './span-buffer.ts';
import { adoptAbandoned } from './spool-adopt.ts';
import { formatSpoolName, SPOOL_HEADER_BYTES } from './spool-file.ts';
import { HEARTBEAT_MS, leaveHome, openHome, touchLock } from './spool-home.ts';
import { readBatch, removeNow, writeBatch, writeBatchNow } from './spool-io.ts';

/** Where batches are kept that could not be sent, and how much of them. */
export interface SpoolOptions {
  /** A directory for this purpose alone; made if it is not there. A relative path counts from where the process starts. */
  dir: string;
  /** Bytes that one process keeps there for one exporter; the oldest batches go first. 1 or more. Default 64 MiB. */
  maxBytes?: number;
  /** Batches older than this are removed unsent. Milliseconds, 1 or more. Default 24 hours. */
  maxAgeMs?: number;
}

/** One batch on disk, or on its way there. */
export interface SpoolRecord {
  readonly path: string;
  /** Milliseconds since the epoch. */
  readonly timeMs: number;
  readonly bytes: number;
  /** Spans. */
  readonly count: number;
  /** Left by a process that has ended. */
  readonly isAdopted: boolean;
  /** What its file will hold, until the file is complete. */
  pending: SealedBatch | undefined;
  /** It is being sent from memory still, and must not be sent from here. */
  isInFlight: boolean;
}

/** Who is told what the spool does by itself. */
export interface SpoolOwner {
  /** Spans that were on disk are lost. */
  lost(record: SpoolRecord, reason: string): void;
  /** Spans of a process that has ended are here now. */
  adopted(count: number): void;
  /** There is something to send. */
  ready(): void;
}

const PAUSE_AFTER_FAILURE_MS = 60_000;
// Batches that wait for a disk that hangs are memory.
const MAX_PENDING_BYTES = 16 * 1024 * 1024;

/** The spool of one exporter. */
export class Spool {
  readonly #parent: string;
  readonly #options: Required<SpoolOptions>;
  readonly #owner: SpoolOwner;
  #home: string | undefined;
  /** Oldest first. */
  #records: SpoolRecord[] = [];
  /** Sent or given up, but the file could not be removed. */
  #undeleted: string[] = [];
  #bytes = 0;
  #pendingBytes = 0;
  #evicted = 0;
  #seq = 0;
  #pausedUntilMs = 0;
  #writes: Promise<unknown> = Promise.resolve();
  #upkeep: Promise<void>;
  readonly #timer: NodeJS.Timeout;
  #isClosed = false;

  /** @param parent  the directory of the exporter, as `exporterDir` names it */
  constructor(parent: string, options: Required<SpoolOptions>, owner: SpoolOwner) {
    this.#parent = parent;
    this.#options = options;
    this.#owner = owner;
    this.#open();
    this.#upkeep = quietly(() => this.#adoptAll());
    this.#timer = setInterval(() => this.#keepUp(), HEARTBEAT_MS);
    this.#timer.unref();
  }

  get bytes(): number {
    return this.#bytes;
  }

  get files(): number {
    return this.#records.length;
  }

  /** Spans removed unsent, for want of room or for their age. */
  get evicted(): number {
    return this.#evicted;
  }

  /** The oldest batch that can be sent. */
  oldest(): SpoolRecord | undefined {
    this.#expire();
    return this.#records.find(isAtRest);
  }

  /**
   * Write a batch.
   *
   * @param timeMs  when it was made, milliseconds since the epoch
   * @returns whether it is on disk; if not, its spans are the caller's still. Never rejects.
   */
  async put(batch: SealedBatch, timeMs: number): Promise<boolean> {
    const { body, count } = batch;
    if (this.#pendingBytes >= MAX_PENDING_BYTES) return false;
    const record = this.#reserve(batch, timeMs);
    if (record === undefined || body === undefined) return false;
    this.#pendingBytes += record.bytes;
    const written = this.#writes.then(() => quietly(() => writeBatch(record.path, body, count)));
    this.#writes = written.catch(() => {});
    try {
      await written;
      record.pending = undefined;
    } catch (error) {
      this.#fail(record, error);
      return false;
    } finally {
      this.#pendingBytes -= record.bytes;
    }
    this.#owner.ready();
    return true;
  }

  /** Write a batch, and do not return before. @returns `undefined` when that was not possible */
  putNow(batch: SealedBatch, timeMs: number): SpoolRecord | undefined {
    const record = this.#reserve(batch, timeMs);
    if (record === undefined || batch.body === undefined) return undefined;
    try {
      writeBatchNow(record.path, batch.body, batch.count);
      record.pending = undefined;
      return record;
    } catch (error) {
      this.#fail(record, error);
      return undefined;
    }
  }

  /** Write what `put` has not finished, and do not return before: the process may end before it does. */
  finishNow(): void {
    for (const { path, pending } of this.#records) {
      if (pending?.body === undefined) continue;
      try {
        writeBatchNow(path, pending.body, pending.count);
      } catch (error) {
        this.#pause(error);
        return;
      }
    }
  }

  /** @returns the batch, or `undefined` when the file cannot be read; its spans have been counted as lost then */
  async read(record: SpoolRecord): Promise<SealedBatch | undefined> {
    let reason = 'spool_unreadable';
    try {
      const batch = await quietly(() => readBatch(record.path));
      if (batch !== undefined) return batch;
      reason = 'spool_corrupt';
      reportCorrupt(record.path);
    } catch (error) {
      reportFault('spool_failed', `cannot read ${record.path}: ${describeError(error)}`);
    }
    this.#owner.lost(record, reason);
    await this.done(record);
    return undefined;
  }

  /** Remove a batch that was delivered or given up. Never rejects. */
  async done(record: SpoolRecord): Promise<void> {
    this.#forget(record);
    await quietly(() => this.#remove(record.path));
  }

  /** Wait for what is being written, then leave the directory to the next process. Never rejects. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearInterval(this.#timer);
    await Promise.all([this.#writes, this.#upkeep]);
    const home = this.#home;
    if (home !== undefined) await quietly(() => leaveHome(home));
  }

  #open(): string | undefined {
    if (this.#home !== undefined || performance.now() < this.#pausedUntilMs) return this.#home;
    try {
      this.#home = runInContext(SUPPRESSED, () => openHome(this.#parent));
    } catch (error) {
      this.#pause(error);
    }
    return this.#home;
  }

  #reserve(batch: SealedBatch, timeMs: number): SpoolRecord | undefined {
    const { maxBytes } = this.#options;
    const bytes = SPOOL_HEADER_BYTES + batch.bytes;
    const home = performance.now() < this.#pausedUntilMs ? undefined : this.#open();
    if (home === undefined || bytes > maxBytes) return undefined;
    this.#makeRoom(maxBytes - bytes);
    if (this.#bytes + bytes > maxBytes) return undefined;
    const path = join(home, formatSpoolName(timeMs, this.#seq++));
    const record = { path, timeMs, bytes, count: batch.count, isAdopted: false, pending: batch, isInFlight: false };
    this.#remember(record);
    return record;
  }

  #fail(record: SpoolRecord, error: unknown): void {
    this.#forget(record);
    this.#pause(error);
    // The directory is gone: another one is made when the pause is over.
    if (codeOf(error) === 'ENOENT') this.#home = undefined;
  }

  #pause(error: unknown): void {
    this.#pausedUntilMs = performance.now() + PAUSE_AFTER_FAILURE_MS;
    reportFault('spool_failed', `cannot write to ${this.#parent}, not tried for a minute: ${describeError(error)}`);
  }

  #remember(record: SpoolRecord): void {
    // From the end: most are the newest.
    const before = this.#records.findLastIndex(({ timeMs }) => timeMs <= record.timeMs);
    this.#records.splice(before + 1, 0, record);
    this.#bytes += record.bytes;
  }

  #forget(record: SpoolRecord): void {
    const index = this.#records.indexOf(record);
    if (index < 0) return;
    this.#records.splice(index, 1);
    this.#bytes -= record.bytes;
  }

  #makeRoom(allowedBytes: number): void {
    while (this.#bytes > allowedBytes) {
      const oldest = this.#records.find(isAtRest);
      if (oldest === undefined) return;
      this.#evict(oldest, 'spool_evicted');
    }
  }

  #expire(): void {
    const bornAfterMs = Date.now() - this.#options.maxAgeMs;
    for (;;) {
      const oldest = this.#records.find(isAtRest);
      if (oldest === undefined || oldest.timeMs >= bornAfterMs) return;
      this.#evict(oldest, 'spool_expired');
    }
  }

  #evict(record: SpoolRecord, reason: string): void {
    this.#forget(record);
    this.#evicted += record.count;
    this.#owner.lost(record, reason);
    // At once, so that what takes its place does not find the disk full; unlinking one file is no long pause.
    if (!runInContext(SUPPRESSED, () => removeNow(record.path))) this.#undeleted.push(record.path);
  }

  async #remove(path: string): Promise<void> {
    try {
      await unlink(path);
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return;
      this.#undeleted.push(path);
      reportFault('spool_failed', `cannot remove ${path}, it may be sent twice: ${describeError(error)}`);
    }
  }

  #keepUp(): void {
    this.#expire();
    this.#upkeep = this.#upkeep.then(() =>
      quietly(async () => {
        for (const path of this.#undeleted.splice(0)) await this.#remove(path);
        await this.#adoptAll();
      }),
    );
  }

  async #adoptAll(): Promise<void> {
    const home = this.#open();
    if (home === undefined) return;
    try {
      await touchLock(home);
      await adoptAbandoned(this.#parent, home, {
        isClosed: () => this.#isClosed,
        nameFor: (timeMs) => formatSpoolName(timeMs, this.#seq++),
        taken: (path, timeMs, size) => {
          this.#owner.adopted(size.count);
          this.#remember({ path, timeMs, ...size, isAdopted: true, pending: undefined, isInFlight: false });
        },
        corrupt: (path, from) => {
          reportCorrupt(from);
          return this.#remove(path);
        },
      });
    } catch (error) {
      // Somebody removed the directory: another one is made.
      if (codeOf(error) === 'ENOENT') this.#home = undefined;
      reportFault('spool_failed', `cannot take over what is in ${this.#parent}: ${describeError(error)}`);
    }
    this.#makeRoom(this.#options.maxBytes);
    if (this.oldest() !== undefined) this.#owner.ready();
  }
}

// Suppressed: an instrumentation of node:fs must not trace us.
function quietly<R>(work: () => Promise<R>): Promise<R> {
  return runInContext(SUPPRESSED, work);
}

function isAtRest(record: SpoolRecord): boolean {
  return record.pending === undefined && !record.isInFlight;
}

function codeOf(error: unknown): unknown {
  return (error as NodeJS.ErrnoException | undefined)?.code;
}

function reportCorrupt(path: string): void {
  reportFault('spool_corrupt', `${path} is torn or was changed, and is removed`);
}
