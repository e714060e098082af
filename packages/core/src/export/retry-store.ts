/** Batches that wait for another attempt: oldest first, bounded by bytes. */
import type { SealedBatch } from './span-buffer.ts';
import type { SpoolRecord } from './spool.ts';

/** A batch on its way, with what happened to it so far. Times are `performance.now()` readings. */
export interface Entry {
  readonly batch: SealedBatch;
  readonly createdMs: number;
  attempts: number;
  /** Not to be tried before. */
  dueMs: number;
  /** When its last attempt was started. */
  startedMs: number;
  /** Its copy on disk, if one was made while it was being sent. */
  record?: SpoolRecord;
}

/** The store of one exporter. */
export class RetryStore {
  #entries: Entry[] = [];
  #bytes = 0;
  #spans = 0;

  get size(): number {
    return this.#entries.length;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get spans(): number {
    return this.#spans;
  }

  /** Oldest first; a copy. */
  entries(): Entry[] {
    return [...this.#entries];
  }

  add(entry: Entry): void {
    const behind = this.#entries.findIndex((other) => other.createdMs > entry.createdMs);
    this.#entries.splice(behind < 0 ? this.#entries.length : behind, 0, entry);
    this.#bytes += entry.batch.bytes;
    this.#spans += entry.batch.count;
  }

  /** Take the oldest out. */
  shift(): Entry | undefined {
    return this.#takeAt(0);
  }

  /** Take the oldest that may be tried now. */
  takeDue(nowMs: number): Entry | undefined {
    return this.#takeAt(this.#entries.findIndex((entry) => entry.dueMs <= nowMs));
  }

  remove(entry: Entry): void {
    this.#takeAt(this.#entries.indexOf(entry));
  }

  /** When the next may be tried; infinity when there is none. */
  nextDueMs(): number {
    return this.#entries.reduce((nextMs, { dueMs }) => Math.min(nextMs, dueMs), Number.POSITIVE_INFINITY);
  }

  /** All may be tried now. */
  makeAllDue(): void {
    for (const entry of this.#entries) entry.dueMs = 0;
  }

  #takeAt(index: number): Entry | undefined {
    if (index < 0) return undefined;
    const [entry] = this.#entries.splice(index, 1);
    if (entry !== undefined) {
      this.#bytes -= entry.batch.bytes;
      this.#spans -= entry.batch.count;
    }
    return entry;
  }
}
