/** Sends what is still queued when the process is told to end. */

const SIGNAL_FLUSH_MS = 3000;
const SIGNALS = ['SIGTERM', 'SIGINT'] as const;

/**
 * On SIGTERM or SIGINT flush, for 3 seconds at most. When nobody else listens, the signal is then raised again without
 * us, so that it ends the process and is its exit status; a second one does so at once. Otherwise they decide.
 *
 * @param flush  must not reject
 * @param save   called right before the signal ends the process, for what could not be sent; must not throw
 * @returns stops watching
 */
export function flushOnSignals(flush: (timeoutMs: number) => Promise<unknown>, save: () => void): () => void {
  const stop = (): void => {
    for (const signal of SIGNALS) process.off(signal, onSignal);
  };
  let isFlushing = false;
  const onSignal = (signal: NodeJS.Signals): void => {
    const isAlone = process.listenerCount(signal) === 1;
    const raise = (): void => {
      stop();
      save();
      process.kill(process.pid, signal);
    };
    if (!isAlone) stop();
    else if (isFlushing) raise();
    if (isFlushing) return;
    isFlushing = true;
    void flush(SIGNAL_FLUSH_MS).then(() => (isAlone ? raise() : undefined));
  };
  // Before the others: one that was added by `once` would be gone, and look as if nobody else listened.
  for (const signal of SIGNALS) process.prependListener(signal, onSignal);
  return stop;
}
