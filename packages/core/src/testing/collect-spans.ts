/** `collectSpans`: a provider of its own that keeps finished spans for assertions. */
import { SpanKind, type SpanStatus } from '@opentelemetry/api';
import { ClewError } from '../errors.ts';
import type { ReadableSpan, SpanProcessor } from '../export/readable-span.ts';
import type { Sampler } from '../sampler/types.ts';
import { startTracing, type Tracing } from '../start-tracing.ts';

/** A finished span as tests see it. */
export interface CollectedSpan {
  name: string;
  /** `SERVER`, `CLIENT`, `PRODUCER`, `CONSUMER` or `INTERNAL`. */
  kind: SpanKindName;
  traceId: string;
  spanId: string;
  /** `undefined` for a root span. */
  parentSpanId: string | undefined;
  attributes: Record<string, unknown>;
  status: SpanStatus;
  events: ReadableSpan['events'];
  links: ReadableSpan['links'];
  /** The npm package that made it. */
  scope: string;
  /** The span in the official SDK's shape. */
  span: ReadableSpan;
}

/** A span kind by name. */
export type SpanKindName = keyof typeof SpanKind;

/** The part of a test runner's context that `collectSpans` uses: `node:test`'s, or any with `after`. */
export interface TestContextLike {
  after(fn: () => void | Promise<void>): void;
}

/** The collector of one test. */
export interface CollectedSpans {
  /** Hand `tracing.provider` to plugins as `tracerProvider`. Not registered globally unless asked for. */
  readonly tracing: Tracing;
  /**
   * Wait for a finished span that was not taken before, and take it.
   *
   * @param which  a kind (`SERVER`), a name, or a test of your own
   * @param timeoutMs  default 5000
   * @throws ClewError CLEW_ERR_TEST when none arrives in time; the message lists what did
   */
  take(which: string | ((span: CollectedSpan) => boolean), timeoutMs?: number): Promise<CollectedSpan>;
  /** Every span that was not taken yet, in the order in which they ended; takes them. */
  all(): CollectedSpan[];
  /** @throws ClewError CLEW_ERR_TEST when there is a finished span that nobody took */
  assertNone(): void;
}

/**
 * Collect the spans of one test.
 *
 * @param t  the test's context: spans that nobody took fail the test at its end, and tracing is shut down
 * @param options.register  register globally for the test. Default false
 * @param options.sampler  default: every trace
 */
export function collectSpans(
  t?: TestContextLike,
  options: { register?: boolean; sampler?: Sampler | number } = {},
): CollectedSpans {
  const collector = new SpanCollector();
  const tracing = startTracing({
    serviceName: 'test',
    exporter: 'none',
    spanProcessors: [collector],
    register: options.register ?? false,
    ...(options.sampler === undefined ? {} : { sampler: options.sampler }),
  });
  const spans: CollectedSpans = {
    tracing,
    take: (which, timeoutMs) => collector.take(which, timeoutMs),
    all: () => collector.all(),
    assertNone: () => collector.assertNone(),
  };
  t?.after(async () => {
    await tracing.shutdown();
    collector.assertNone();
  });
  return spans;
}

interface Waiter {
  matches: (span: CollectedSpan) => boolean;
  resolve: (span: CollectedSpan) => void;
  timer: NodeJS.Timeout;
}

/** The span processor behind `collectSpans`; works on the official SDK's provider too. */
export class SpanCollector implements SpanProcessor {
  readonly ignoresStart = true;
  readonly #finished: CollectedSpan[] = [];
  readonly #waiters: Waiter[] = [];

  onStart(): void {}

  onEnd(span: ReadableSpan): void {
    const collected = toCollected(span);
    const index = this.#waiters.findIndex((waiter) => waiter.matches(collected));
    const [waiter] = index < 0 ? [] : this.#waiters.splice(index, 1);
    if (waiter === undefined) {
      this.#finished.push(collected);
      return;
    }
    clearTimeout(waiter.timer);
    waiter.resolve(collected);
  }

  async forceFlush(): Promise<void> {}
  async shutdown(): Promise<void> {}

  take(which: string | ((span: CollectedSpan) => boolean), timeoutMs = 5000): Promise<CollectedSpan> {
    const matches =
      typeof which === 'function' ? which : (span: CollectedSpan) => span.kind === which || span.name === which;
    const index = this.#finished.findIndex(matches);
    const [found] = index < 0 ? [] : this.#finished.splice(index, 1);
    if (found !== undefined) return Promise.resolve(found);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        const asked = typeof which === 'function' ? 'the asked-for span' : which;
        this.#waiters.splice(
          this.#waiters.findIndex((waiter) => waiter.timer === timer),
          1,
        );
        reject(new ClewError('CLEW_ERR_TEST', `${asked} did not end within ${timeoutMs} ms; ended: ${this.#list()}`));
      }, timeoutMs);
      this.#waiters.push({ matches, resolve, timer });
    });
  }

  all(): CollectedSpan[] {
    return this.#finished.splice(0);
  }

  assertNone(): void {
    if (this.#finished.length === 0) return;
    const list = this.#list();
    this.#finished.length = 0;
    throw new ClewError('CLEW_ERR_TEST', `spans that no assertion took: ${list}`);
  }

  #list(): string {
    return this.#finished.map((span) => `${span.kind} ${span.name}`).join(', ') || 'none';
  }
}

function toCollected(span: ReadableSpan): CollectedSpan {
  const { traceId, spanId } = span.spanContext();
  return {
    name: span.name,
    // SpanKind's reverse mapping gives the member's name.
    kind: SpanKind[span.kind] as SpanKindName,
    traceId,
    spanId,
    parentSpanId: span.parentSpanContext?.spanId,
    attributes: { ...span.attributes },
    status: span.status,
    events: span.events,
    links: span.links,
    scope: span.instrumentationScope.name,
    span,
  };
}
