/** So many per second and no more, with a reserve for bursts. */
import { monotonicMs } from '../clock.ts';

/** A token bucket that starts full; on the monotonic clock, so that a wall clock that is set neither fills nor empties it. */
export class TokenBucket {
  readonly #intervalMs: number;
  readonly #fullAfterMs: number;
  /** When it was or would have been empty. One time in place of a level, which would gather rounding errors. */
  #emptyAtMs: number;

  /** @param perSecond  may be below 1: 0.2 is one in five seconds */
  constructor(perSecond: number, burst: number = Math.max(1, perSecond)) {
    this.#intervalMs = 1000 / perSecond;
    this.#fullAfterMs = burst * this.#intervalMs;
    this.#emptyAtMs = monotonicMs() - this.#fullAfterMs;
  }

  /** Take one if there is one. */
  take(): boolean {
    const nowMs = monotonicMs();
    this.#emptyAtMs = Math.max(this.#emptyAtMs, nowMs - this.#fullAfterMs);
    if (nowMs - this.#emptyAtMs < this.#intervalMs) return false;
    this.#emptyAtMs += this.#intervalMs;
    return true;
  }
}
