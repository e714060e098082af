/** The end of an attempt to send that nobody has ended. */

/**
 * Give up after a time, or when the signal says so.
 *
 * @param signal     not aborted yet
 * @param timeoutMs  of the attempt, connecting included
 * @param giveUp     called at most once, with the signal's reason or an error whose code is `ETIMEDOUT`
 * @returns ends the watch; to be called when the attempt is over
 */
export function watchDeadline(signal: AbortSignal, timeoutMs: number, giveUp: (reason: unknown) => void): () => void {
  const timer = setTimeout(() => {
    giveUp(Object.assign(new Error(`no answer within ${timeoutMs} ms`), { code: 'ETIMEDOUT' }));
  }, timeoutMs);
  timer.unref();
  const abort = (): void => giveUp(signal.reason);
  signal.addEventListener('abort', abort);
  return () => {
    clearTimeout(timer);
    signal.removeEventListener('abort', abort);
  };
}
