/** The options of `startTracing`. */
import type { Attributes, TextMapPropagator } from '@opentelemetry/api';
import type { BatchOptions } from './export/batch.ts';
import type { SpanExporter, SpanProcessor, SpanResource } from './export/readable-span.ts';
import type { SpoolOptions } from './export/spool.ts';
import type { PropagateTo, TrustIncoming } from './plugin-defaults.ts';
import type { PropagatorName } from './propagation/composite.ts';
import type { OnSamplerError, Sampler } from './sampler/types.ts';
import type { SpanLimits } from './span-data.ts';
import type { IdGenerator } from './span-start.ts';

/**
 * An exporter by name: `otlp` (HTTP), `zipkin` (JSON v2), `console` (a waterfall on standard output), `otlp/stdout`
 * (OTLP's JSON on standard output, a line for each batch) or `none`.
 */
export type ExporterName = 'otlp' | 'zipkin' | 'console' | 'otlp/stdout' | 'none';

/** Options of `startTracing`. Everything left out comes from `OTEL_*` variables, else from defaults. */
export interface StartTracingOptions {
  /** `service.name`. Default `OTEL_SERVICE_NAME`, else `unknown_service:node`. */
  serviceName?: string;
  /** `service.version`. */
  serviceVersion?: string;
  /** `deployment.environment.name`, such as `production`. */
  environment?: string;
  /**
   * More resource attributes, or a resource of the official SDK; they win over those of variables and detectors.
   * Attributes that such a resource is still detecting are waited for with the first batch, 2 seconds at most.
   */
  resource?: Attributes | SpanResource;
  /** Where spans go: a name, an exporter of the official SDK's shape, or several. Default `otlp`. */
  exporter?: ExporterName | SpanExporter | Array<ExporterName | SpanExporter>;
  /**
   * Base URL of an OTLP/HTTP receiver; `/v1/traces` is added unless it ends so. Default `http://localhost:4318`.
   * With `zipkin` and without `otlp`: of a Zipkin server, `/api/v2/spans` is added. Default `http://localhost:9411`.
   */
  endpoint?: string;
  /** Headers of each export, or a function that is asked before each one (5 seconds at most). */
  headers?: Record<string, string> | (() => Promise<Record<string, string>>);
  /** Who decides what is recorded; a number from 0 to 1 is a parent-based ratio. Default: parent-based, all. */
  sampler?: Sampler | number;
  /**
   * What happens to a span whose sampler throws: `keep`, `drop`, or `parent`, as its parent and kept without one. Default
   * `CLEW_ON_SAMPLER_ERROR`, else `parent`.
   */
  onSamplerError?: OnSamplerError;
  /** Header formats in order. Default `['tracecontext', 'baggage']`. */
  propagators?: Array<PropagatorName | TextMapPropagator>;
  /**
   * Whose trace context and baggage are continued: everybody's, nobody's, or where a function of the request or message
   * returns true. Otherwise a new trace starts, with a link to the caller's span. Plugins that receive something have an
   * option of the same name, which wins. Default `CLEW_TRUST_INCOMING`, else `all`.
   */
  trustIncoming?: TrustIncoming;
  /**
   * Hosts that get trace context and baggage: patterns with `*` for any characters, such as `*.example.com`, regular
   * expressions, or a function of the host name. HTTP client plugins have an option of the same name, which wins.
   * Default `CLEW_PROPAGATE_TO`, else all hosts.
   */
  propagateTo?: PropagateTo;
  /**
   * Baggage entries that become attributes of every span that starts below them, under their own keys; samplers see
   * them. HTTP and messaging plugins have an option of the same name, which wins. Default `CLEW_BAGGAGE_SPAN_KEYS`,
   * else none.
   */
  baggageSpanKeys?: readonly string[];
  /** Requests at once to one backend. 1 or more. Default `CLEW_EXPORT_CONCURRENCY`, else 4. */
  exportConcurrency?: number;
  /** Bounds and waits of the batch processor. */
  batch?: BatchOptions;
  /**
   * Keep batches on disk that would be lost otherwise: at shutdown, when the store for retries is full, when a batch is
   * given up, when the process dies of an exception. Off by default. `dir` may come from `CLEW_SPOOL_DIR`.
   */
  spool?: Partial<SpoolOptions>;
  /** How much one span may hold. */
  limits?: Partial<SpanLimits>;
  /** Processors of the official SDK's shape, beside the exporters. */
  spanProcessors?: SpanProcessor[];
  /** Makes ids in place of the pool of system randomness. */
  idGenerator?: IdGenerator;
  /**
   * On SIGTERM and SIGINT send what has ended, for 3 seconds at most, before the signal takes effect. Programs that end
   * themselves on a signal call `shutdown` instead. Default `CLEW_FLUSH_ON_SIGNAL`, else `false`.
   */
  flushOnSignal?: boolean;
  /** Register with the OpenTelemetry API, so that plugins and other libraries find it. Default `true`. */
  register?: boolean;
}
