/** Keeps finished spans in memory, for tests. */
import {
  EXPORT_FAILED,
  EXPORT_SUCCESS,
  type ExportResult,
  type ReadableSpan,
  type SpanExporter,
} from './readable-span.ts';

/** An exporter that keeps what it was given until `reset`. It has no limit: it is for tests. */
export class InMemorySpanExporter implements SpanExporter {
  #spans: ReadableSpan[] = [];
  #isShutDown = false;

  export(spans: ReadableSpan[], resultCallback: (result: ExportResult) => void): void {
    if (this.#isShutDown) {
      resultCallback({ code: EXPORT_FAILED, error: new Error('the exporter has been shut down') });
      return;
    }
    for (const span of spans) this.#spans.push(span);
    resultCallback({ code: EXPORT_SUCCESS });
  }

  /** The spans so far, in the order in which they were exported; a copy. */
  getFinishedSpans(): ReadableSpan[] {
    return this.#spans.slice();
  }

  /** Forget the spans so far. */
  reset(): void {
    this.#spans = [];
  }

  /** Resolves at once: nothing is held back. */
  forceFlush(): Promise<void> {
    return Promise.resolve();
  }

  /** Forget everything and refuse what comes after. */
  shutdown(): Promise<void> {
    this.#isShutDown = true;
    this.#spans = [];
    return Promise.resolve();
  }
}
