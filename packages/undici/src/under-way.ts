/**
 * The attempts that the interceptor has a span for, so that the channels do not make a second one. Kept only while
 * somebody listens to the channels.
 */

let listeners = 0;
const underWay = new Set<string>();

/** Bounded: an attempt that never ends must not stay for good. */
const MAX_UNDER_WAY = 10_000;

/** Somebody starts listening to the channels; returns the end of it. */
export function listening(): () => void {
  listeners++;
  let ended = false;
  return () => {
    if (ended) return;
    ended = true;
    listeners--;
    if (listeners === 0) underWay.clear();
  };
}

/** An attempt with this `traceparent` leaves now. */
export function noteAttempt(traceparent: string | undefined): void {
  if (listeners === 0 || traceparent === undefined) return;
  if (underWay.size >= MAX_UNDER_WAY) underWay.delete(underWay.values().next().value as string);
  underWay.add(traceparent);
}

/** Whether an attempt with this header was noted; forgets it, because each one leaves once. */
export function takeAttempt(traceparent: string): boolean {
  return underWay.delete(traceparent);
}
