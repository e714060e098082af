/** `startTracing`: options, else environment variables, else defaults; one call sets up and registers everything. */
import { type Attributes, context, diag, propagation, type TextMapPropagator, trace } from '@opentelemetry/api';
import { type EnvConfig, readEnvironment } from './config/env.ts';
import { checkBatch, checkStartOptions, resolveSampler } from './config/resolve.ts';
import { type ResolvedExporters, resolveExporters } from './config/resolve-exporters.ts';
import { ClewContextManager } from './context.ts';
import { ensureDiagLogger } from './diag-logger.ts';
import { ClewError } from './errors.ts';
import { BATCH_DEFAULTS, BatchSpanProcessor, type BatchOptions } from './export/batch.ts';
import type { ExporterStats } from './export/delivery.ts';
import { componentTypeOf, measureTransport, observeTracing } from './export/self-metrics.ts';
import type { SpanExporter, SpanProcessor } from './export/readable-span.ts';
import { faultCounts, reportRemainingFaults } from './faults.ts';
import { flushBeforeExit } from './process-exit.ts';
import { createPropagator, type PropagatorName } from './propagation/composite.ts';
import { ClewTracerProvider } from './provider.ts';
import { registeredProvider, setRegisteredProvider } from './registration.ts';
import { createResource, type Resource } from './resource.ts';
import type { Sampler } from './sampler/types.ts';
import { flushOnSignals } from './signal-flush.ts';
import type { SpanLimits } from './span-data.ts';
import type { IdGenerator } from './tracer.ts';

/** An exporter by name: `otlp` (HTTP), `zipkin` (JSON v2), `console` (a waterfall on standard output) or `none`. */
export type ExporterName = 'otlp' | 'zipkin' | 'console' | 'none';

/** Options of `startTracing`. Everything left out comes from `OTEL_*` variables, else from defaults. */
export interface StartTracingOptions {
  /** `service.name`. Default `OTEL_SERVICE_NAME`, else `unknown_service:node`. */
  serviceName?: string;
  /** `service.version`. */
  serviceVersion?: string;
  /** `deployment.environment.name`, such as `production`. */
  environment?: string;
  /** More resource attributes; they win over those of variables and detectors. */
  resource?: Attributes;
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
  /** Header formats in order. Default `['tracecontext', 'baggage']`. */
  propagators?: Array<PropagatorName | TextMapPropagator>;
  /** Bounds and waits of the batch processor. */
  batch?: BatchOptions;
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

/** What is known about spans and faults at one moment. */
export interface TracingStats {
  /** Recording spans that were started. */
  started: number;
  /** By exporter, in the order of the `exporter` option. */
  exporters: ExporterStats[];
  /** Faults of Clew's own in this process, by kind. */
  faults: Record<string, number>;
}

/** A running tracing set-up. */
export interface Tracing {
  readonly provider: ClewTracerProvider;
  readonly resource: Resource;
  /** Send what ended before this call; resolves when it is settled, after 30 seconds at the latest. Never rejects. */
  forceFlush(): Promise<void>;
  /** Flush (5 seconds at most), stop, and unregister. Never rejects. */
  shutdown(): Promise<void>;
  /** Counts of this moment. */
  stats(): TracingStats;
}

/**
 * Start tracing.
 *
 * @throws ClewError `CLEW_ERR_OPTION` for a wrong option, `CLEW_ERR_STARTED` when a provider is registered already
 */
export function startTracing(options: StartTracingOptions = {}): Tracing {
  checkStartOptions(options);
  const register = options.register !== false;
  if (register && registeredProvider() !== undefined) {
    throw new ClewError('CLEW_ERR_STARTED', 'tracing is running already; call shutdown() on it before starting again');
  }
  const warnings: string[] = [];
  const env = readEnvironment(process.env, (text) => warnings.push(text));
  ensureDiagLogger(env.logLevel);
  for (const warning of warnings) diag.warn(`clew: ${warning}`);

  const resource = resourceOf(options, env);
  const exporters = resolveExporters(options, env, (text) => diag.warn(`clew: ${text}`));
  const batches = env.sdkDisabled ? [] : makeBatches(exporters, options, env);
  const provider = new ClewTracerProvider({
    sampler: resolveSampler(options.sampler, env),
    resource,
    propagator: createPropagator(options.propagators ?? env.propagators),
    processors: env.sdkDisabled ? [] : [...(options.spanProcessors ?? []), ...batches],
    limits: { ...env.limits, ...options.limits },
    idGenerator: options.idGenerator,
    disabled: env.sdkDisabled,
  });
  if (register) registerGlobally(provider);
  const stopWatching = watchProcess(batches, options.flushOnSignal ?? env.flushOnSignal);
  const { maxQueueSpans } = { ...BATCH_DEFAULTS, ...env.batch, ...options.batch };
  const stopObserving = observeTracing({
    spans: () => ({ started: provider.startedSpans, ended: provider.endedSpans }),
    exporters: () =>
      batches.map(({ stats }, i) => ({ componentType: componentTypeOf(exporters[i]), maxQueueSpans, stats })),
  });
  return {
    provider,
    resource,
    forceFlush: () => provider.forceFlush(),
    shutdown: async () => {
      stopWatching();
      stopObserving();
      if (register && registeredProvider() === provider) unregister();
      await provider.shutdown();
      reportRemainingFaults();
    },
    stats: () => ({
      started: provider.startedSpans,
      exporters: batches.map((batch) => batch.stats),
      faults: faultCounts(),
    }),
  };
}

function watchProcess(batches: readonly BatchSpanProcessor[], flushOnSignal: boolean): () => void {
  const flush = (timeoutMs: number): Promise<unknown> => Promise.all(batches.map((batch) => batch.flush(timeoutMs)));
  const stops = [flushBeforeExit(batches), flushOnSignal ? flushOnSignals(flush) : () => {}];
  return () => {
    for (const stop of stops) stop();
  };
}

function makeBatches(exporters: ResolvedExporters, options: StartTracingOptions, env: EnvConfig): BatchSpanProcessor[] {
  const batch = checkBatch({ ...env.batch, ...options.batch });
  return exporters.map((transport, i) => new BatchSpanProcessor(measureTransport(transport, i), batch));
}

function resourceOf(options: StartTracingOptions, env: EnvConfig): Resource {
  const { serviceName, serviceVersion, environment, resource } = options;
  return createResource({
    env: env.resource,
    code: { serviceName, serviceVersion, environment, attributes: resource },
  });
}

function registerGlobally(provider: ClewTracerProvider): void {
  if (!trace.setGlobalTracerProvider(provider)) {
    throw new ClewError('CLEW_ERR_STARTED', whyNotRegistered());
  }
  context.setGlobalContextManager(new ClewContextManager());
  propagation.setGlobalPropagator(provider.propagator);
  setRegisteredProvider(provider);
}

function whyNotRegistered(): string {
  // The API keeps its registrations, and the version that made the first of them, under this well-known symbol.
  const registered = (globalThis as Record<symbol, { version?: string; trace?: unknown } | undefined>)[
    Symbol.for('opentelemetry.js.api.1')
  ];
  if (registered?.trace !== undefined) {
    return 'another tracer provider is registered with @opentelemetry/api; start Clew instead of it, or with register: false';
  }
  return `version ${registered?.version} of @opentelemetry/api was registered by another copy of it; there must be one copy: see npm ls @opentelemetry/api`;
}

function unregister(): void {
  trace.disable();
  context.disable();
  propagation.disable();
  setRegisteredProvider(undefined);
}
