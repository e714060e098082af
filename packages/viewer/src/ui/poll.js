// Asks again and again, but not while nobody looks.

import { NoAnswer } from './api.js';

/**
 * Runs now and then every so often after it has finished, while the page is visible.
 *
 * @param {() => Promise<void>} ask
 * @param {number} everyMs
 * @returns {{ now: () => void, stop: () => void }}
 */
export function poll(ask, everyMs) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  let isStopped = false;
  let isAsking = false;
  const run = async () => {
    clearTimeout(timer);
    if (isAsking || isStopped) return;
    isAsking = true;
    // That the viewer is away is told by the status line, and may pass; anything else is a mistake of the page.
    if (!document.hidden) await ask().catch((error) => error instanceof NoAnswer || reportError(error));
    isAsking = false;
    if (!isStopped) timer = setTimeout(run, everyMs);
  };
  const onVisible = () => {
    if (!document.hidden) run();
  };
  document.addEventListener('visibilitychange', onVisible);
  run();
  const stop = () => {
    isStopped = true;
    clearTimeout(timer);
    document.removeEventListener('visibilitychange', onVisible);
  };
  return { now: run, stop };
}
