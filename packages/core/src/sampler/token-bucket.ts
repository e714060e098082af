/** So many per second and no more, with a reserve for bursts. */
import { monotonicMs } from '../clock.ts';

/** A token bucket that starts full; on the monotonic clock, so that a wall clock that is set neither fills nor empties it. */
export class TokenBucket {
  readonly #perSecond: number;
  readonly #burst: number;
  #tokens: number;
  #filledAtMs: number;

  /** @param perSecond  may be below 1: 0.2 is one in five seconds */
  constructor(perSecond: number, burst: number = Math.max(1, perSecond)) {
    this.#perSecond = perSecond;
    this.#burst = burst;
    this.#tokens = burst;
    this.#filledAtMs = monotonicMs();
  }

  /** Take one if there is one. */
  take(): boolean {
    const nowMs = monotonicMs();
    this.#tokens = Math.min(this.#burst, this.#tokens + (this.#perSecond * (nowMs - this.#filledAtMs)) / 1000);
    this.#filledAtMs = nowMs;
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }
}
