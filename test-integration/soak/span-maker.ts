/** Makes numbered spans at a steady rate. */
import { SpanKind, type Tracer } from '@opentelemetry/api';

const TICK_MS = 10;
// After a pause of the process the rate is taken up again; what was missed is not made up for in one burst.
const MOST_TICKS = 10;

/** Starts at once. */
export class SpanMaker {
  /** Spans that have ended; also the number of the next one. */
  ended = 0;
  readonly #tracer: Tracer;
  readonly #rate: number;
  readonly #timer: NodeJS.Timeout;
  #due = 0;
  #lastMs = performance.now();

  /** @param rate  spans a second */
  constructor(tracer: Tracer, rate: number) {
    this.#tracer = tracer;
    this.#rate = rate;
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Make this many spans now. */
  burst(count: number): void {
    for (let i = 0; i < count; i++) this.around(() => {});
  }

  /** One span around a function. */
  around(run: () => void): void {
    const span = this.#tracer.startSpan('GET /orders/:id', {
      kind: SpanKind.SERVER,
      attributes: { seq: this.ended, 'http.request.method': 'GET', 'http.route': '/orders/:id' },
    });
    run();
    span.setAttribute('http.response.status_code', 200);
    span.end();
    this.ended++;
  }

  #tick(): void {
    const nowMs = performance.now();
    this.#due += (Math.min(nowMs - this.#lastMs, TICK_MS * MOST_TICKS) * this.#rate) / 1000;
    this.#lastMs = nowMs;
    const count = Math.floor(this.#due);
    this.#due -= count;
    this.burst(count);
  }
}
