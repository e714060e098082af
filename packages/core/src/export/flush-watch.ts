/** Lets somebody wait until certain batches are delivered or given up. */
import type { Entry } from './retry-store.ts';

/** How a flush ended; `failed`: some spans were not delivered. */
export type FlushResult = 'ok' | 'timeout' | 'failed';

/** The result of several: whatever is none of the words counts as `ok`. */
export function worstOf(results: readonly unknown[]): FlushResult {
  return results.includes('timeout') ? 'timeout' : results.includes('failed') ? 'failed' : 'ok';
}

interface Watcher {
  readonly remaining: Set<Entry>;
  hasLost: boolean;
  readonly done: (result: FlushResult) => void;
}

/** Everybody who waits at one exporter. */
export class FlushWatch {
  readonly #watchers = new Set<Watcher>();

  /** Resolves when all these are settled. */
  wait(entries: Iterable<Entry>): Promise<FlushResult> {
    const remaining = new Set(entries);
    if (remaining.size === 0) return Promise.resolve('ok');
    return new Promise((done) => {
      this.#watchers.add({ remaining, hasLost: false, done });
    });
  }

  /** @param isLost  whether some of its spans were not delivered */
  settled(entry: Entry, isLost: boolean): void {
    for (const watcher of this.#watchers) {
      if (!watcher.remaining.delete(entry)) continue;
      watcher.hasLost ||= isLost;
      if (watcher.remaining.size > 0) continue;
      this.#watchers.delete(watcher);
      watcher.done(watcher.hasLost ? 'failed' : 'ok');
    }
  }
}

/**
 * Wait for a promise that does not reject, for a limited time. The timer keeps the process alive: somebody waits.
 *
 * @returns `timeout` when the time was over
 */
export function within<T>(promise: Promise<T>, timeoutMs: number): Promise<T | 'timeout'> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve('timeout'), Math.max(0, timeoutMs));
    void promise.then((value) => {
      clearTimeout(timer);
      resolve(value);
    });
  });
}
