/** When a backend is tried again, and whether it is away. */

/** How long to wait after failures; milliseconds. */
export interface BackoffOptions {
  initialBackoffMs: number;
  backoffMultiplier: number;
  maxBackoffMs: number;
  /** Share of the wait by which it is varied, 0 to 1. */
  jitter: number;
  maxRetryAfterMs: number;
}

// After this many failures in a row only one batch at a time tries, so that an outage costs memory and not sockets.
const OPEN_AFTER_FAILURES = 3;

/** The state of the way to one backend. */
export class Circuit {
  readonly #options: BackoffOptions;
  #failuresInARow = 0;
  #pausedUntilMs = 0;

  constructor(options: BackoffOptions) {
    this.#options = options;
  }

  /** The backend is taken to be away: one attempt at a time. */
  get isOpen(): boolean {
    return this.#failuresInARow >= OPEN_AFTER_FAILURES;
  }

  /** The last attempt did not fail, or there was none. */
  get isHealthy(): boolean {
    return this.#failuresInARow === 0;
  }

  /** Nothing may be sent before; by `performance.now()`. */
  get pausedUntilMs(): number {
    return this.#pausedUntilMs;
  }

  /** An attempt reached the backend. */
  closed(): void {
    this.#failuresInARow = 0;
  }

  /**
   * An attempt failed in a way that passes.
   *
   * @param attempts      earlier attempts of the same batch
   * @param retryAfterMs  what the server asked for
   * @returns how long the batch has to wait, in milliseconds
   */
  failed(attempts: number, retryAfterMs: number | undefined, nowMs: number): number {
    this.#failuresInARow++;
    const waitMs =
      retryAfterMs === undefined
        ? this.#backoffMs(Math.max(attempts, this.#failuresInARow - OPEN_AFTER_FAILURES))
        : Math.min(retryAfterMs, this.#options.maxRetryAfterMs);
    if (retryAfterMs !== undefined || this.isOpen) {
      this.#pausedUntilMs = Math.max(this.#pausedUntilMs, nowMs + waitMs);
    }
    return waitMs;
  }

  #backoffMs(attempt: number): number {
    const { initialBackoffMs, backoffMultiplier, maxBackoffMs, jitter } = this.#options;
    const baseMs = Math.min(maxBackoffMs, initialBackoffMs * backoffMultiplier ** attempt);
    return baseMs * (1 - jitter + 2 * jitter * Math.random());
  }
}
