/**
 * Faults of Clew's own: counted always, reported through the API's `diag` logger at most once a minute and kind.
 * A fault never becomes an exception in the application.
 */
import { diag } from '@opentelemetry/api';

const REPORT_INTERVAL_MS = 60_000;

interface FaultCount {
  total: number;
  unreported: number;
  reportedAtMs: number;
}

const counts = new Map<string, FaultCount>();

/**
 * Count one fault, and report it if its kind was not reported during the last minute.
 *
 * @param kind     a short constant such as `hook_threw`; faults are counted and reported by kind
 * @param message  one sentence for the operator; must not hold personal data
 * @param times    how often it happened, 1 or more
 * @throws never
 */
export function reportFault(kind: string, message: string, times = 1): void {
  let count = counts.get(kind);
  if (count === undefined) {
    count = { total: 0, unreported: 0, reportedAtMs: Number.NEGATIVE_INFINITY };
    counts.set(kind, count);
  }
  count.total += times;
  count.unreported += times;
  const nowMs = performance.now();
  if (nowMs - count.reportedAtMs < REPORT_INTERVAL_MS) return;
  report(kind, count, message, nowMs);
}

/** How often each kind of fault happened since the process started. */
export function faultCounts(): Record<string, number> {
  const totals: Record<string, number> = Object.create(null);
  for (const [kind, count] of counts) totals[kind] = count.total;
  return totals;
}

/** Report what was counted but not yet reported; used when the pipeline shuts down. */
export function reportRemainingFaults(): void {
  for (const [kind, count] of counts) {
    if (count.unreported > 0) report(kind, count, 'counted since the last report', performance.now());
  }
}

/** Forget all counts; for tests. */
export function resetFaults(): void {
  counts.clear();
}

function report(kind: string, count: FaultCount, message: string, nowMs: number): void {
  const times = count.unreported === 1 ? 'once' : `${count.unreported} times`;
  count.unreported = 0;
  count.reportedAtMs = nowMs;
  try {
    diag.warn(`clew: ${kind} (${times}, ${count.total} in all): ${message}`);
  } catch {
    // A logger of the application that throws must not reach the code that reported to it.
  }
}

/** A text for a caught value, for messages to the operator; never throws. At most 300 characters. */
export function describeError(error: unknown): string {
  try {
    const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    return text.slice(0, 300);
  } catch {
    return 'a value that cannot be shown';
  }
}
