/** The instruments of a plugin, over whichever meter provider is registered at the moment; none costs one comparison. */
import { createNoopMeter, type Meter, type MeterProvider, metrics, type Span } from '@opentelemetry/api';
import { monotonicMs } from './clock.ts';
import { showValue } from './config/options.ts';
import { ClewError } from './errors.ts';
import { describeError, reportFault } from './faults.ts';
import { SCHEMA_URL } from './plugin.ts';
import { isRecordingSpan } from './span.ts';

interface ApiRegistry {
  readonly metrics?: unknown;
}

// All copies of the API meet in the object under this symbol. It is made once and stays, so that reading it here costs a
// tenth of asking the API, which looks it up among the globals each time.
const REGISTRY = Symbol.for('opentelemetry.js.api.1');
let registry: ApiRegistry | undefined;

function registeredMetrics(): unknown {
  registry ??= (globalThis as Record<symbol, ApiRegistry | undefined>)[REGISTRY];
  return registry?.metrics;
}

/** Makes the instruments of one plugin when somebody collects them, also when that begins later. */
export class PluginMeter<Instruments> {
  readonly #scope: { name: string; version: string };
  readonly #given: MeterProvider | undefined;
  readonly #make: (meter: Meter) => Instruments;
  /** What was registered when the instruments were made. */
  #registered: unknown = undefined;
  #isFresh = false;
  #instruments: Instruments | undefined = undefined;

  /**
   * @param scope  npm name and version of the plugin
   * @param given  the provider that the user gave, else the global one is looked up
   * @param make   called once for each provider
   */
  constructor(
    scope: { name: string; version: string },
    given: MeterProvider | undefined,
    make: (meter: Meter) => Instruments,
  ) {
    this.#scope = scope;
    this.#given = given;
    this.#make = make;
  }

  /** The instruments; `undefined` while nobody collects. Never throws. */
  current(): Instruments | undefined {
    // The metrics API has no proxy: what it gave before a provider came stays silent for ever.
    const registered = this.#given ?? registeredMetrics();
    if (registered !== this.#registered || !this.#isFresh) this.#refresh(registered);
    return this.#instruments;
  }

  #refresh(registered: unknown): void {
    this.#registered = registered;
    this.#isFresh = true;
    this.#instruments = undefined;
    try {
      const provider = this.#given ?? metrics.getMeterProvider();
      const meter = provider.getMeter(this.#scope.name, this.#scope.version, { schemaUrl: SCHEMA_URL });
      if (meter !== createNoopMeter()) this.#instruments = this.#make(meter);
    } catch (error) {
      reportMeterFault(error);
    }
  }
}

/** Report what a meter provider of the application threw. */
export function reportMeterFault(error: unknown): void {
  reportFault('meter_threw', `the meter provider threw, a measurement is missing: ${describeError(error)}`);
}

/** What `spanSeconds` needs to be told of a span's start, in monotonic milliseconds. Call it right after the start. */
export function measuredFrom(span: Span): number {
  return isRecordingSpan(span) ? span.startMs : monotonicMs();
}

/**
 * How long an ended span took, in seconds: the same as the span says, where it says it.
 *
 * @param startedMs  what `measuredFrom` gave
 */
export function spanSeconds(span: Span, startedMs: number): number {
  if (isRecordingSpan(span) && span.ended) return (span.endMs - span.startMs) / 1000;
  // The official SDK's spans show it; others, and those that are not recorded, do not.
  const { duration } = span as { duration?: unknown };
  if (Array.isArray(duration) && duration[0] >= 0) return Number(duration[0]) + Number(duration[1]) / 1e9;
  return (monotonicMs() - startedMs) / 1000;
}

/**
 * Check an option `meterProvider`.
 *
 * @throws ClewError `CLEW_ERR_OPTION`
 */
export function checkMeterProvider(given: MeterProvider | undefined): MeterProvider | undefined {
  if (given === undefined || typeof given?.getMeter === 'function') return given;
  throw new ClewError('CLEW_ERR_OPTION', `meterProvider must be a meter provider, got ${showValue(given)}`);
}
