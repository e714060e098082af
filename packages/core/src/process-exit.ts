/** What is done with spans that are not delivered yet when the process ends. */
import type { BatchSpanProcessor } from './export/batch.ts';

const EXIT_FLUSH_MS = 2000;

/**
 * Flush when the event loop runs empty, for 2 seconds at most.
 *
 * @returns stops watching
 */
export function flushBeforeExit(batches: readonly BatchSpanProcessor[]): () => void {
  if (batches.length === 0) return () => {};
  let tried = false;
  const onBeforeExit = (): void => {
    const pending = batches.some(({ stats }) => stats.queued + stats.inFlight + stats.retrying > 0);
    // Once only: a backend that is away must not keep the process in this loop.
    if (!pending || tried) return;
    tried = true;
    for (const batch of batches) void batch.flush(EXIT_FLUSH_MS);
  };
  process.on('beforeExit', onBeforeExit);
  return () => process.off('beforeExit', onBeforeExit);
}

/**
 * Call a function when nothing asynchronous will run any more: at the exit of the process, and for an uncaught
 * exception, before the listeners that could end it in ways that have no exit.
 *
 * @param save  must not throw
 * @returns stops watching
 */
export function saveAtExit(save: () => void): () => void {
  process.on('uncaughtExceptionMonitor', save);
  process.on('exit', save);
  return () => {
    process.off('uncaughtExceptionMonitor', save);
    process.off('exit', save);
  };
}
