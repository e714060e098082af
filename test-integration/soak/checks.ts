/** Claims about a run, and the ledger that every run has to balance. */
import type { ExporterStats } from '@clew/core';
import type { Receiver } from './receiver.ts';

/** One claim. */
export interface Check {
  name: string;
  ok: boolean;
  /** What was seen, for the reader of a failure. */
  saw: string;
}

/** What must hold for these counts. */
export interface Expected {
  /** Spans that may be dropped, by reason. Default: none. */
  dropped?: Record<string, number>;
  /** Spans that may come twice. Default 0. */
  duplicates?: number;
}

export function equal(name: string, actual: unknown, expected: unknown): Check {
  const [saw, wanted] = [JSON.stringify(actual), JSON.stringify(expected)];
  return { name, ok: saw === wanted, saw: saw === wanted ? saw : `${saw} instead of ${wanted}` };
}

/** The service's count of spans, the exporter's ledger and the receiver's list agree to the last span. */
export function ledgerChecks(
  ended: number,
  stats: ExporterStats | undefined,
  receiver: Receiver,
  { dropped = {}, duplicates = 0 }: Expected = {},
): Check[] {
  if (stats === undefined) return [{ name: 'there is an exporter', ok: false, saw: 'none' }];
  const given = Object.values(stats.dropped).reduce((sum, count) => sum + count, 0);
  const { exported, rejected, queued, inFlight, retrying, spooled } = stats;
  const sum = exported + rejected + given + queued + inFlight + retrying + spooled;
  return [
    { name: 'spans were made', ok: ended > 0, saw: String(ended) },
    equal('accepted = ended', stats.accepted, ended),
    equal('exported + rejected + dropped + waiting = ended', sum, ended),
    equal('nothing waits', [queued, inFlight, retrying, spooled], [0, 0, 0, 0]),
    equal('dropped', stats.dropped, dropped),
    equal('the receiver took what counts as exported', receiver.received, exported),
    equal('the receiver rejected what counts as rejected', receiver.rejected, rejected),
    equal('duplicates', receiver.duplicates, duplicates),
    equal('requests that cannot be read, spans that end before they start', receiver.malformed, 0),
  ];
}
