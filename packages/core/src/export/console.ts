/** Draws finished traces in the terminal, for development. */
import { checkBoolean, checkOptionNames } from '../config/options.ts';
import { ClewError } from '../errors.ts';
import { describeError, reportFault } from '../faults.ts';
import { type ConsoleStream, writeGuarded } from './console-stream.ts';
import {
  EXPORT_FAILED,
  EXPORT_SUCCESS,
  type ExportResult,
  type ReadableSpan,
  type SpanExporter,
} from './readable-span.ts';
import { formatWaterfall } from './waterfall.ts';

/** Options of `ConsoleSpanExporter`. */
export interface ConsoleSpanExporterOptions {
  /** Where to write to. Default `process.stdout`. */
  stream?: ConsoleStream;
  /** Whether to use terminal colours. Default: when the stream is a terminal and `NO_COLOR` is not set. */
  colors?: boolean;
}

/** Longest wait for the local root of a trace. */
const WAIT_MS = 1000;
const MAX_WAITING_SPANS = 10_000;

interface WaitingTrace {
  spans: ReadableSpan[];
  sinceMs: number;
}

/**
 * An exporter that draws a tree for each trace. The spans of a trace wait until its local root has arrived, at most one
 * second and 10 000 spans, so that a trace that is exported in several batches is still drawn in one piece.
 */
export class ConsoleSpanExporter implements SpanExporter {
  readonly #stream: ConsoleStream;
  readonly #colors: boolean;
  /** By trace id, the one that waits longest first. */
  readonly #waiting = new Map<string, WaitingTrace>();
  #waitingSpans = 0;
  #timer: NodeJS.Timeout | undefined;
  #isShutDown = false;

  /** @throws ClewError `CLEW_ERR_OPTION` */
  constructor(options: ConsoleSpanExporterOptions = {}) {
    checkOptionNames('ConsoleSpanExporter', options, ['stream', 'colors']);
    const stream = options.stream ?? process.stdout;
    if (typeof stream?.write !== 'function')
      throw new ClewError('CLEW_ERR_OPTION', 'stream must have a write function');
    this.#stream = stream;
    this.#colors = checkBoolean('colors', options.colors) ?? (stream.isTTY === true && !process.env.NO_COLOR);
  }

  export(spans: ReadableSpan[], resultCallback: (result: ExportResult) => void): void {
    if (this.#isShutDown) {
      resultCallback({ code: EXPORT_FAILED, error: new Error('the exporter has been shut down') });
      return;
    }
    const complete = new Set<string>();
    for (const span of spans) {
      const { traceId } = span.spanContext();
      this.#keep(traceId, span);
      if (isLocalRoot(span)) complete.add(traceId);
    }
    for (const traceId of this.#waiting.keys()) {
      if (this.#waitingSpans <= MAX_WAITING_SPANS) break;
      complete.add(traceId);
      this.#waitingSpans -= this.#waiting.get(traceId)?.spans.length ?? 0;
    }
    const error = this.#draw(complete);
    this.#schedule();
    resultCallback(error === undefined ? { code: EXPORT_SUCCESS } : { code: EXPORT_FAILED, error });
  }

  /** Draw what waits. */
  forceFlush(): Promise<void> {
    this.#draw(this.#waiting.keys());
    return Promise.resolve();
  }

  /** Draw what waits and refuse what comes after. */
  shutdown(): Promise<void> {
    this.#isShutDown = true;
    clearTimeout(this.#timer);
    return this.forceFlush();
  }

  #keep(traceId: string, span: ReadableSpan): void {
    this.#waitingSpans++;
    const trace = this.#waiting.get(traceId);
    if (trace === undefined) this.#waiting.set(traceId, { spans: [span], sinceMs: performance.now() });
    else trace.spans.push(span);
  }

  #draw(traceIds: Iterable<string>): Error | undefined {
    const spans: ReadableSpan[] = [];
    for (const traceId of [...traceIds]) {
      for (const span of this.#waiting.get(traceId)?.spans ?? []) spans.push(span);
      this.#waiting.delete(traceId);
    }
    this.#waitingSpans = 0;
    for (const trace of this.#waiting.values()) this.#waitingSpans += trace.spans.length;
    if (spans.length === 0) return undefined;
    try {
      this.#write(formatWaterfall(spans, { colors: this.#colors, width: this.#stream.columns }));
      return undefined;
    } catch (error) {
      reportFault('console_export', describeError(error));
      return error instanceof Error ? error : new Error(describeError(error));
    }
  }

  #write(text: string): void {
    writeGuarded(this.#stream, text, (error) => {
      if (error !== undefined) reportFault('console_export', describeError(error));
    });
  }

  #schedule(): void {
    if (this.#waiting.size === 0 || this.#timer !== undefined) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      const nowMs = performance.now();
      // A timer can be a little early, so half a second is near enough to one.
      const overdue = [...this.#waiting].filter(([, trace]) => nowMs - trace.sinceMs >= WAIT_MS / 2);
      this.#draw(overdue.map(([traceId]) => traceId));
      this.#schedule();
    }, WAIT_MS);
    this.#timer.unref();
  }
}

function isLocalRoot(span: ReadableSpan): boolean {
  return span.parentSpanContext === undefined || span.parentSpanContext.isRemote === true;
}
