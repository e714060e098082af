/** Where the spans of one exporter are, in numbers. */

/** What became of spans. At rest: accepted = exported + rejected + dropped + spooled. */
export interface Ledger {
  accepted: number;
  exported: number;
  /** Refused by the backend in an answer of partial success. */
  rejected: number;
  /** Given up, by reason. */
  dropped: Record<string, number>;
  /** On disk, not sent yet. */
  spooled: number;
}

/**
 * Where the spans of one exporter are. `accepted`: sampled spans that ended while it was there. At rest: accepted =
 * exported + rejected + dropped + spooled + queued + inFlight + retrying.
 */
export interface ExporterStats extends Ledger {
  /** Recording spans that ended without being sampled, and are nobody's to export. */
  unsampled: number;
  queued: number;
  inFlight: number;
  /** Waiting for another attempt, or for a backend that is away or slow. */
  retrying: number;
  /** There when the option `spool` is set, for exporters that can have one. */
  spool?: SpoolStats;
}

/** What is on disk for one exporter of this process. */
export interface SpoolStats {
  files: number;
  bytes: number;
  /** Spans removed unsent, for want of room or for their age. */
  evicted: number;
  /** Spans that processes left behind that have ended; they are in no other number. */
  adopted: Ledger;
}
