/**
 * Faults of Clew's own: counted always, reported through the API's `diag` logger. The first of a kind has a line of its
 * own; what comes afterwards is summed up in one line a minute. A fault never becomes an exception in the application.
 */
import { diag } from '@opentelemetry/api';

const SUMMARY_INTERVAL_MS = 60_000;

interface FaultCount {
  total: number;
  unreported: number;
  lastMessage: string;
}

const counts = new Map<string, FaultCount>();
let summaryDueMs = Number.POSITIVE_INFINITY;

/**
 * Count one fault, and report it if it is the first of its kind or a summary is due.
 *
 * @param kind     a short constant such as `hook_threw`; faults are counted and reported by kind
 * @param message  one sentence for the operator; must not hold personal data
 * @param times    how often it happened, 1 or more
 * @throws never
 */
export function reportFault(kind: string, message: string, times = 1): void {
  const count = counts.get(kind);
  if (count === undefined) {
    counts.set(kind, { total: times, unreported: 0, lastMessage: message });
    log(`${kind} (${timesText(times)}, ${times} in all): ${message}`);
    return;
  }
  count.total += times;
  count.unreported += times;
  count.lastMessage = message;
  const nowMs = performance.now();
  if (summaryDueMs === Number.POSITIVE_INFINITY) summaryDueMs = nowMs + SUMMARY_INTERVAL_MS;
  if (nowMs >= summaryDueMs) reportRemainingFaults();
}

/** How often each kind of fault happened since the process started. */
export function faultCounts(): Record<string, number> {
  const totals: Record<string, number> = Object.create(null);
  for (const [kind, count] of counts) totals[kind] = count.total;
  return totals;
}

/** Report in one line what was counted but not yet reported; also used when the pipeline shuts down. */
export function reportRemainingFaults(): void {
  summaryDueMs = Number.POSITIVE_INFINITY;
  const parts: string[] = [];
  for (const [kind, count] of counts) {
    if (count.unreported === 0) continue;
    parts.push(`${kind} (${timesText(count.unreported)}, ${count.total} in all): ${count.lastMessage}`);
    count.unreported = 0;
  }
  if (parts.length > 0) log(`since the last report: ${parts.join('; ')}`);
}

/** Forget all counts; for tests. */
export function resetFaults(): void {
  counts.clear();
  summaryDueMs = Number.POSITIVE_INFINITY;
}

function timesText(times: number): string {
  return times === 1 ? 'once' : `${times} times`;
}

function log(text: string): void {
  try {
    diag.warn(`clew: ${text}`);
  } catch {
    // A logger of the application that throws must not reach the code that reported to it.
  }
}

/** A text for a caught value, for messages to the operator; never throws. At most 300 characters. */
export function describeError(error: unknown): string {
  try {
    // The text of a list that holds another one twice, and so on, is endless.
    if (Array.isArray(error)) return 'a list';
    const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    return text.slice(0, 300);
  } catch {
    return 'a value that cannot be shown';
  }
}
