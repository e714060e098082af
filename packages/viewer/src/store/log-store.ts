/** Log lines in memory, by trace; over a bound, the lines of the trace that logged first go. */
import type { LogLine } from './model.ts';

/** Bounds of a {@link LogStore}. */
export interface LogStoreLimits {
  /** Most lines kept. 1 or more. */
  readonly maxLines: number;
  /** Most bytes kept, counted as received (inflated). */
  readonly maxBytes: number;
}

/** Counters of a {@link LogStore}, all since the start or the last `clear`. */
export interface LogStoreStats {
  readonly lines: number;
  readonly maxLines: number;
  readonly bytes: number;
  /** Well-formed, but of no trace: not kept, as nothing could show them. */
  readonly linesWithoutTrace: number;
  /** Not kept: the lines of one trace alone fill the store. */
  readonly rejectedLines: number;
  readonly evictedLines: number;
}

interface TraceLines {
  readonly lines: LogLine[];
  bytes: number;
}

export class LogStore {
  readonly #limits: LogStoreLimits;
  /** In the order of their first line's arrival. */
  readonly #traces = new Map<string, TraceLines>();
  #lines = 0;
  #bytes = 0;
  #counts = { withoutTrace: 0, rejected: 0, evicted: 0 };

  constructor(limits: LogStoreLimits) {
    this.#limits = limits;
  }

  /**
   * Keeps the lines of one request.
   *
   * @param bytes  what the request took, shared evenly among its lines
   * @returns how many were refused; lines of no trace are not among them
   */
  add(lines: readonly LogLine[], bytes: number): number {
    const share = lines.length === 0 ? 0 : Math.ceil(bytes / lines.length);
    const rejectedBefore = this.#counts.rejected;
    for (const line of lines) this.#keep(line, share);
    this.#evictOverflow();
    return this.#counts.rejected - rejectedBefore;
  }

  /** The lines of a trace, by time. */
  get(traceId: string): readonly LogLine[] {
    const lines = this.#traces.get(traceId)?.lines ?? [];
    return lines.toSorted((a, b) => (a.timeNs < b.timeNs ? -1 : a.timeNs > b.timeNs ? 1 : 0));
  }

  count(traceId: string): number {
    return this.#traces.get(traceId)?.lines.length ?? 0;
  }

  /** Forgets the lines of an evicted trace. */
  drop(traceId: string): void {
    const held = this.#traces.get(traceId);
    if (held === undefined) return;
    this.#traces.delete(traceId);
    this.#lines -= held.lines.length;
    this.#bytes -= held.bytes;
    this.#counts.evicted += held.lines.length;
  }

  clear(): void {
    this.#traces.clear();
    this.#lines = 0;
    this.#bytes = 0;
    this.#counts = { withoutTrace: 0, rejected: 0, evicted: 0 };
  }

  stats(): LogStoreStats {
    return {
      lines: this.#lines,
      maxLines: this.#limits.maxLines,
      bytes: this.#bytes,
      linesWithoutTrace: this.#counts.withoutTrace,
      rejectedLines: this.#counts.rejected,
      evictedLines: this.#counts.evicted,
    };
  }

  #keep(line: LogLine, bytes: number): void {
    if (line.traceId === '') {
      this.#counts.withoutTrace++;
      return;
    }
    const held = this.#traces.get(line.traceId) ?? { lines: [], bytes: 0 };
    if (held.lines.length >= this.#limits.maxLines || held.bytes + bytes > this.#limits.maxBytes) {
      this.#counts.rejected++;
      return;
    }
    this.#traces.set(line.traceId, held);
    held.lines.push(line);
    held.bytes += bytes;
    this.#lines++;
    this.#bytes += bytes;
  }

  #evictOverflow(): void {
    for (const traceId of this.#traces.keys()) {
      if (this.#lines <= this.#limits.maxLines && this.#bytes <= this.#limits.maxBytes) return;
      this.drop(traceId);
    }
  }
}
