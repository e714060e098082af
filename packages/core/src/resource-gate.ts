/** Holds ended spans back while the resource is still being detected, so that the first batch has all of it. */
import type { BatchSpanProcessor } from './export/batch.ts';
import { type FlushResult, worstOf } from './export/flush-watch.ts';
import type { ReadableSpan, SpanProcessor, SpanResource } from './export/readable-span.ts';

const MAX_WAIT_MS = 2000;
const SHUTDOWN_TIMEOUT_MS = 5000;

/** A processor in front of the batches; once it is open it only hands on. */
export class ResourceGate implements SpanProcessor {
  /** Tells the provider that `onStart` need not be called. */
  readonly ignoresStart = true;
  readonly #batches: readonly BatchSpanProcessor[];
  readonly #maxSpans: number;
  readonly #timer: NodeJS.Timeout;
  readonly #opened: Promise<void>;
  #resolve: () => void = () => {};
  #held: ReadableSpan[] | undefined = [];
  readonly #onExit = (): void => this.open();

  /**
   * @param resource  whose attributes are waited for, 2 seconds at most
   * @param maxSpans  held at most; then they go on with what is known
   */
  constructor(batches: readonly BatchSpanProcessor[], resource: SpanResource, maxSpans: number) {
    this.#batches = batches;
    this.#maxSpans = maxSpans;
    this.#opened = new Promise((resolve) => {
      this.#resolve = resolve;
    });
    this.#timer = setTimeout(() => this.open(), MAX_WAIT_MS);
    this.#timer.unref();
    // Registered before the listener that flushes the batches, which are to have everything then.
    process.on('beforeExit', this.#onExit);
    void resource.waitForAsyncAttributes?.().then(() => this.open());
  }

  onStart(): void {}

  onEnd(span: ReadableSpan): void {
    if (this.#held === undefined) {
      this.#handOn(span);
      return;
    }
    this.#held.push(span);
    if (this.#held.length >= this.#maxSpans) this.open();
  }

  /** Hand on what is held, with what is known of the resource by now. */
  open(): void {
    const held = this.#held;
    if (held === undefined) return;
    this.#held = undefined;
    clearTimeout(this.#timer);
    process.off('beforeExit', this.#onExit);
    for (const span of held) this.#handOn(span);
    this.#resolve();
  }

  async forceFlush(timeoutMs?: number): Promise<FlushResult> {
    await this.#wait();
    return worstOf(await Promise.all(this.#batches.map((batch) => batch.forceFlush(timeoutMs))));
  }

  async shutdown(): Promise<void> {
    const sinceMs = performance.now();
    await this.#wait();
    const leftMs = SHUTDOWN_TIMEOUT_MS - (performance.now() - sinceMs);
    await Promise.all(this.#batches.map((batch) => batch.shutdown(leftMs)));
  }

  #wait(): Promise<void> {
    // Somebody waits now, so the timer has to keep the process alive.
    if (this.#held !== undefined) this.#timer.ref();
    return this.#opened;
  }

  #handOn(span: ReadableSpan): void {
    for (const batch of this.#batches) batch.onEnd(span);
  }
}
