/** What programs see of traces: plain values, so that tests can compare them. */
import type { LogLine } from './store/model.ts';
import type { PlainValue } from './store/plain.ts';

/** A trace as a program sees it. */
export interface ViewerTrace {
  /** 32 lower-case hex digits. */
  readonly traceId: string;
  /** By start time. */
  readonly spans: readonly ViewerSpan[];
  /** Names of the services that took part, sorted. */
  readonly services: readonly string[];
  /** Log lines of the trace, by time. */
  readonly logs: readonly LogLine[];
  /** Nanoseconds since the Unix epoch. */
  readonly startNs: bigint;
  /** From the first start to the last end. Nanoseconds. */
  readonly durationNs: number;
  /** Spans whose status is error. */
  readonly errorCount: number;
}

/** A span as a program sees it. */
export interface ViewerSpan {
  readonly traceId: string;
  /** 16 lower-case hex digits. */
  readonly spanId: string;
  /** `undefined` for a root. */
  readonly parentSpanId: string | undefined;
  readonly name: string;
  readonly kind: 'INTERNAL' | 'SERVER' | 'CLIENT' | 'PRODUCER' | 'CONSUMER' | 'UNSPECIFIED';
  /** `service.name` of its resource. */
  readonly service: string;
  /** Nanoseconds since the Unix epoch. */
  readonly startNs: bigint;
  /** Nanoseconds. */
  readonly durationNs: number;
  readonly status: { readonly code: 'UNSET' | 'OK' | 'ERROR'; readonly message: string };
  readonly attributes: Readonly<Record<string, PlainValue>>;
  readonly events: ReadonlyArray<{
    readonly name: string;
    readonly timeNs: bigint;
    readonly attributes: Readonly<Record<string, PlainValue>>;
  }>;
  readonly links: ReadonlyArray<{
    readonly traceId: string;
    readonly spanId: string;
    readonly attributes: Readonly<Record<string, PlainValue>>;
  }>;
  /** Attributes of the process that sent it. */
  readonly resource: Readonly<Record<string, PlainValue>>;
  /** The library that made it. */
  readonly scope: { readonly name: string; readonly version: string };
}

/** What `waitForTrace` waits for. */
export interface WaitForTraceOptions {
  /** Least number of spans. 1 or more. Default 1. */
  readonly spans?: number | undefined;
  /** Services that must each have a span. Default none. */
  readonly services?: readonly string[] | undefined;
  /** Longest wait. Milliseconds, 0 or more. Default 5000. */
  readonly timeoutMs?: number | undefined;
}

/** A viewer that is up. */
export interface Viewer {
  /** Base URL of the page and of the query API. */
  readonly url: string;
  /** Base URL for `OTEL_EXPORTER_OTLP_ENDPOINT`. */
  readonly otlpUrl: string;
  /** Resolves when every request that has reached the viewer is in the store. */
  flush(): Promise<void>;
  /**
   * Resolves with the trace as soon as it has what is asked for.
   *
   * @throws (rejects) ViewerError `CLEW_ERR_TIMEOUT`, telling what is there and what is missing
   */
  waitForTrace(traceId: string, options?: WaitForTraceOptions): Promise<ViewerTrace>;
  /** All traces held, newest start first. */
  traces(): Promise<ViewerTrace[]>;
  /** Forgets all traces, log lines and counts. */
  clear(): Promise<void>;
  /** Stops listening and ends all connections. Waits that are left reject. More calls do no more. */
  close(): Promise<void>;
}
