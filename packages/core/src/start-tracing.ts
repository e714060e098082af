/** `startTracing`: options, else environment variables, else defaults; one call sets up and registers everything. */
import { context, diag, propagation, trace } from '@opentelemetry/api';
import { type EnvConfig, readEnvironment } from './config/env.ts';
import { resolveSpool } from './config/resolve-spool.ts';
import { checkBatch, checkStartOptions, resolvePluginDefaults, resolveSampler } from './config/resolve.ts';
import { type ResolvedExporters, resolveExporters } from './config/resolve-exporters.ts';
import { hasAnyDup } from './config/semconv.ts';
import { ClewContextManager } from './context.ts';
import { ensureDiagLogger } from './diag-logger.ts';
import { ClewError } from './errors.ts';
import { BATCH_DEFAULTS, BatchSpanProcessor } from './export/batch.ts';
import type { ExporterStats } from './export/exporter-stats.ts';
import type { FlushResult } from './export/flush-watch.ts';
import { componentTypeOf, measureTransport, observeTracing } from './export/self-metrics.ts';
import { faultCounts, reportRemainingFaults } from './faults.ts';
import { flushBeforeExit, saveAtExit } from './process-exit.ts';
import { createPropagator } from './propagation/composite.ts';
import { ClewTracerProvider } from './provider.ts';
import {
  contextManagerIsForeign,
  registeredProvider,
  setRegisteredProvider,
  whyNotRegistered,
} from './registration.ts';
import { createResource, type Resource } from './resource.ts';
import { ResourceGate } from './resource-gate.ts';
import { flushOnSignals } from './signal-flush.ts';
import type { StartTracingOptions } from './start-options.ts';

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
  /**
   * Send what ended before this call; resolves when it is settled, and never rejects.
   *
   * @param timeoutMs  how long to wait. Default 30000.
   * @returns `ok`; `failed` when spans were lost or are on disk; `timeout` when some are still on their way
   */
  forceFlush(timeoutMs?: number): Promise<FlushResult>;
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

  // Before anything is opened: what is wrong with an option must leave nothing behind.
  const sampler = resolveSampler(options.sampler, env);
  const propagator = createPropagator(options.propagators ?? env.propagators);
  const defaults = resolvePluginDefaults(options, env);
  const resource = resourceOf(options, env);
  const exporters = resolveExporters(options, env, (text) => diag.warn(`clew: ${text}`));
  const batches = env.sdkDisabled ? [] : makeBatches(exporters, options, env);
  const { maxQueueSpans } = { ...BATCH_DEFAULTS, ...env.batch, ...options.batch };
  const isPending = resource.asyncAttributesPending && batches.length > 0;
  const gate = isPending ? new ResourceGate(batches, resource, maxQueueSpans) : undefined;
  const sinks = gate === undefined ? batches : [gate];
  const provider = new ClewTracerProvider({
    sampler,
    resource,
    propagator,
    processors: env.sdkDisabled ? [] : [...(options.spanProcessors ?? []), ...sinks],
    limits: { ...env.limits, ...options.limits },
    idGenerator: options.idGenerator,
    onSamplerError: options.onSamplerError ?? env.onSamplerError,
    defaults,
    disabled: env.sdkDisabled,
  });
  if (register) registerOrStop(provider, sinks);
  const watching = watchProcess(batches, gate, options.flushOnSignal ?? env.flushOnSignal);
  const stopObserving = observeTracing({
    spans: () => ({ started: provider.startedSpans, ended: provider.endedSpans }),
    exporters: () =>
      batches.map(({ stats }, i) => ({ componentType: componentTypeOf(exporters[i]), maxQueueSpans, stats })),
  });
  return {
    provider,
    resource,
    forceFlush: (timeoutMs) => provider.forceFlush(timeoutMs),
    shutdown: async () => {
      watching.stop();
      stopObserving();
      if (register && registeredProvider() === provider) unregister();
      await provider.shutdown();
      // Not before: the program may exit in the middle of this.
      watching.stopSaving();
      reportRemainingFaults();
    },
    stats: () => ({
      started: provider.startedSpans,
      exporters: batches.map((batch) => batch.stats),
      faults: faultCounts(),
    }),
  };
}

function watchProcess(
  batches: readonly BatchSpanProcessor[],
  gate: ResourceGate | undefined,
  flushOnSignal: boolean,
): { stop: () => void; stopSaving: () => void } {
  const flush = (timeoutMs: number): Promise<unknown> => {
    gate?.open();
    return Promise.all(batches.map((batch) => batch.flush(timeoutMs)));
  };
  const save = (): void => {
    gate?.open();
    for (const batch of batches) batch.saveNow();
  };
  const stops = [flushBeforeExit(batches), flushOnSignal ? flushOnSignals(flush, save) : () => {}];
  const stopSaving = batches.some(({ stats }) => stats.spool !== undefined) ? saveAtExit(save) : () => {};
  return {
    stop: () => {
      for (const stop of stops) stop();
    },
    stopSaving,
  };
}

function makeBatches(exporters: ResolvedExporters, options: StartTracingOptions, env: EnvConfig): BatchSpanProcessor[] {
  const batch = checkBatch({ ...env.batch, ...options.batch });
  const wanted = options.batch?.maxExportBatchSpans ?? 0;
  if (wanted > (batch.maxQueueSpans ?? wanted)) {
    diag.warn(`clew: maxExportBatchSpans ${wanted} is above maxQueueSpans; ${batch.maxQueueSpans} is used`);
  }
  const spool = resolveSpool(options.spool, env.spool);
  return exporters.map((transport, i) => new BatchSpanProcessor(measureTransport(transport, i), batch, spool));
}

function resourceOf(options: StartTracingOptions, env: EnvConfig): Resource {
  const { serviceName, serviceVersion, environment, resource } = options;
  return createResource({
    env: env.resource,
    code: {
      serviceName,
      serviceVersion,
      environment,
      hasOlderEnvironment: hasAnyDup(env.semconvOptIn),
      attributes: resource,
    },
  });
}

function registerOrStop(provider: ClewTracerProvider, sinks: ReadonlyArray<BatchSpanProcessor | ResourceGate>): void {
  try {
    registerGlobally(provider);
  } catch (error) {
    // They may have timers, and a directory on disk.
    for (const sink of sinks) void sink.shutdown();
    throw error;
  }
}

function registerGlobally(provider: ClewTracerProvider): void {
  if (!trace.setGlobalTracerProvider(provider)) {
    throw new ClewError('CLEW_ERR_STARTED', whyNotRegistered());
  }
  // One that somebody chose before stays, and our tracers follow it.
  if (!contextManagerIsForeign()) context.setGlobalContextManager(new ClewContextManager());
  propagation.setGlobalPropagator(provider.propagator);
  setRegisteredProvider(provider);
}

function unregister(): void {
  trace.disable();
  if (!contextManagerIsForeign()) context.disable();
  propagation.disable();
  setRegisteredProvider(undefined);
}
