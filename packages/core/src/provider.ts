/** The tracer provider: one sampler, one resource, one set of limits, and the processors that ended spans go to. */
import type { Context, TextMapPropagator, Tracer, TracerOptions, TracerProvider } from '@opentelemetry/api';
import { isPromise } from './adopt.ts';
import { describeError, reportFault } from './faults.ts';
import { type FlushResult, worstOf } from './export/flush-watch.ts';
import type { SpanProcessor, SpanResource } from './export/readable-span.ts';
import type { PluginDefaults } from './plugin-defaults.ts';
import { isClewSampler } from './sampler/clew-sampler.ts';
import type { OnSamplerError, Sampler } from './sampler/types.ts';
import type { RecordingSpan } from './span.ts';
import type { InstrumentationScope, SpanLimits } from './span-data.ts';
import type { IdGenerator } from './span-start.ts';
import { ClewTracer, type TracerShared } from './tracer.ts';

const MAX_TRACERS = 1024;
// A second more than our own processors take; one of the application's may never settle.
const FLUSH_TIMEOUT_MS = 30_000;
// Ours keep to the time that they are given; what comes from elsewhere is left after this.
const GRACE_MS = 1000;
const SHUTDOWN_LIMIT_MS = 6000;

/** Limits as the specification sets them. */
export const DEFAULT_LIMITS: SpanLimits = {
  attributeCountLimit: 128,
  attributeValueLengthLimit: Number.POSITIVE_INFINITY,
  eventCountLimit: 128,
  linkCountLimit: 128,
  attributePerEventCountLimit: 128,
  attributePerLinkCountLimit: 128,
};

/** What a `ClewTracerProvider` is made of. */
export interface ProviderOptions {
  sampler: Sampler;
  /** What happens to a span whose sampler throws. Default `parent`: as its parent; kept without one. */
  onSamplerError?: OnSamplerError | undefined;
  /** In the official SDK's shape. */
  resource: SpanResource;
  propagator: TextMapPropagator;
  processors: readonly SpanProcessor[];
  limits?: Partial<SpanLimits>;
  idGenerator?: IdGenerator | undefined;
  /** What plugins do on this provider unless their own options say otherwise. Default: nothing is restricted. */
  defaults?: PluginDefaults;
  /** Make no spans; propagation still works. Default `false`. */
  disabled?: boolean;
}

/** Clew's `TracerProvider`. */
export class ClewTracerProvider implements TracerProvider {
  /** What plugins extract and inject with when they use this provider. */
  readonly propagator: TextMapPropagator;
  /** What plugins do on this provider unless their own options say otherwise. */
  readonly defaults: PluginDefaults;
  readonly #shared: TracerShared;
  readonly #processors: readonly SpanProcessor[];
  readonly #tracers = new Map<string, ClewTracer>();
  #shutdown: Promise<void> | undefined;
  #ended = 0;

  constructor(options: ProviderOptions) {
    const { processors } = options;
    this.propagator = options.propagator;
    this.defaults = options.defaults ?? {};
    this.#processors = processors;
    const starters = processors.filter((processor) => !('ignoresStart' in processor));
    const enders = processors.filter((processor) => typeof processor.onEnding === 'function');
    this.#shared = {
      sampler: options.sampler,
      clewSampler: isClewSampler(options.sampler) ? options.sampler : undefined,
      onSamplerError: options.onSamplerError ?? 'parent',
      limits: { ...DEFAULT_LIMITS, ...options.limits },
      resource: options.resource,
      idGenerator: options.idGenerator,
      baggageSpanKeys: this.defaults.baggageSpanKeys,
      spanStarted: starters.length === 0 ? undefined : (span, context) => notifyStart(starters, span, context),
      spanEnding: enders.length === 0 ? undefined : (span) => notifyEnding(enders, span),
      spanEnded: this.#whenEnded(processors),
      stopped: options.disabled === true,
      started: 0,
    };
  }

  // With one processor, as nearly always, without a loop.
  #whenEnded(processors: readonly SpanProcessor[]): (span: RecordingSpan) => void {
    const [only] = processors;
    if (only === undefined || processors.length > 1) {
      return (span) => {
        this.#ended++;
        for (const processor of processors) notifyEnd(processor, span);
      };
    }
    return (span) => {
      this.#ended++;
      notifyEnd(only, span);
    };
  }

  /** How many recording spans were started. */
  get startedSpans(): number {
    return this.#shared.started;
  }

  /** How many of these have ended. */
  get endedSpans(): number {
    return this.#ended;
  }

  getTracer(name: string, version?: string, options?: TracerOptions): Tracer {
    return this.clewTracer(name, version, readSchemaUrl(options));
  }

  /**
   * The same tracer with its own type, for plugins.
   *
   * @param baggageSpanKeys  in place of the provider's; an empty list is none
   */
  clewTracer(name: string, version?: string, schemaUrl?: string, baggageSpanKeys?: readonly string[]): ClewTracer {
    const scope = toScope(name, version, schemaUrl);
    const key = JSON.stringify([scope, baggageSpanKeys]);
    let tracer = this.#tracers.get(key);
    if (tracer === undefined) {
      tracer = new ClewTracer(scope, this.#shared, baggageSpanKeys);
      // Names are few in a healthy program; one that makes them up must not fill the memory.
      if (this.#tracers.size < MAX_TRACERS) this.#tracers.set(key, tracer);
    }
    return tracer;
  }

  /**
   * Wait until every processor has settled what ended before this call; never rejects.
   *
   * @param timeoutMs  how long to wait. Default 30000.
   * @returns `failed` when spans were lost or are on disk, `timeout` when some are still on their way
   */
  async forceFlush(timeoutMs: number = FLUSH_TIMEOUT_MS): Promise<FlushResult> {
    const settle = (processor: SpanProcessor) =>
      settleWithin(timeoutMs + GRACE_MS, 'forceFlush', () => processor.forceFlush(timeoutMs));
    return worstOf(await Promise.all(this.#processors.map(settle)));
  }

  /** Flush and stop; spans started afterwards do not record. Never rejects. */
  shutdown(): Promise<void> {
    this.#shared.stopped = true;
    const settle = (processor: SpanProcessor) =>
      settleWithin(SHUTDOWN_LIMIT_MS, 'shutdown', () => processor.shutdown());
    this.#shutdown ??= Promise.all(this.#processors.map(settle)).then(() => {});
    return this.#shutdown;
  }
}

// API, "Get a Tracer": a name that is none gives a working tracer too. Exporters rely on what is in here being texts.
function toScope(name: unknown, version: unknown, schemaUrl: unknown): InstrumentationScope {
  const isNamed = typeof name === 'string' && name !== '';
  if (!isNamed) reportFault('tracer_name', 'a tracer was asked for without a name; the name of its scope is empty');
  return {
    name: isNamed ? name : '',
    ...(typeof version === 'string' && version !== '' ? { version } : {}),
    ...(typeof schemaUrl === 'string' && schemaUrl !== '' ? { schemaUrl } : {}),
  };
}

function notifyStart(processors: readonly SpanProcessor[], span: RecordingSpan, context: Context): void {
  for (const processor of processors) {
    try {
      const result: unknown = processor.onStart(span, context);
      if (result !== undefined) watch('onStart', result);
    } catch (error) {
      reportFault('processor_threw', `onStart of a span processor threw: ${describeError(error)}`);
    }
  }
}

function notifyEnding(processors: readonly SpanProcessor[], span: RecordingSpan): void {
  for (const processor of processors) {
    try {
      const result: unknown = processor.onEnding?.(span);
      if (result !== undefined) watch('onEnding', result);
    } catch (error) {
      reportFault('processor_threw', `onEnding of a span processor threw: ${describeError(error)}`);
    }
  }
}

function notifyEnd(processor: SpanProcessor, span: RecordingSpan): void {
  try {
    const result: unknown = processor.onEnd(span);
    if (result !== undefined) watch('onEnd', result);
  } catch (error) {
    reportFault('processor_threw', `onEnd of a span processor threw: ${describeError(error)}`);
  }
}

// An asynchronous method where none is expected: its rejection would end the process.
function watch(what: string, result: unknown): void {
  if (!isPromise(result)) return;
  result.catch((error: unknown) => {
    reportFault('processor_threw', `${what} of a span processor rejected: ${describeError(error)}`);
  });
}

async function settleWithin(limitMs: number, what: string, call: () => Promise<unknown>): Promise<unknown> {
  let timer: NodeJS.Timeout | undefined;
  const expired = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`it did not settle within ${limitMs} ms`)), limitMs);
  });
  try {
    return await Promise.race([call(), expired]);
  } catch (error) {
    reportFault('processor_threw', `${what} of a span processor failed: ${describeError(error)}`);
    return 'failed';
  } finally {
    clearTimeout(timer);
  }
}

function readSchemaUrl(options: TracerOptions | undefined): string | undefined {
  try {
    return options?.schemaUrl;
  } catch {
    // A getter or proxy of the application threw.
    return undefined;
  }
}
