/** What the metrics of servers and clients have in common. */
import type { Attributes, Context, Histogram, Meter, MeterProvider, Span, UpDownCounter } from '@opentelemetry/api';
import { measuredFrom, reportMeterFault, spanSeconds } from '../plugin-meter.ts';
import type { Semconv } from './semconv.ts';

/** Seconds, as the conventions advise. */
const BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];

/** Series that are remembered for one route or origin; error types and methods make new ones. */
const MAX_SERIES = 256;

/** Which metrics are recorded, and where. */
export interface MetricSettings {
  readonly meterProvider: MeterProvider | undefined;
  readonly durationMetric: boolean;
  readonly activeRequestsMetric: boolean;
  readonly semconv: Semconv;
}

/** The instruments of one side; `undefined` are those that nobody wants. */
export interface HttpInstruments {
  readonly duration: Histogram | undefined;
  /** The name and unit before 1.23. */
  readonly oldDuration: Histogram | undefined;
  readonly active: UpDownCounter | undefined;
}

export function makeInstruments(meter: Meter, side: 'server' | 'client', settings: MetricSettings): HttpInstruments {
  const { durationMetric, activeRequestsMetric, semconv } = settings;
  return {
    duration: durationMetric
      ? meter.createHistogram(`http.${side}.request.duration`, {
          description: `Duration of HTTP ${side} requests.`,
          unit: 's',
          advice: { explicitBucketBoundaries: BUCKETS },
        })
      : undefined,
    oldDuration:
      durationMetric && semconv === 'dup'
        ? meter.createHistogram(`http.${side}.duration`, {
            description: `Duration of HTTP ${side} requests, under its name before 1.23.`,
            unit: 'ms',
          })
        : undefined,
    active: activeRequestsMetric
      ? meter.createUpDownCounter(`http.${side}.active_requests`, {
          description: `Number of active HTTP ${side} requests.`,
          unit: '{request}',
        })
      : undefined,
  };
}

/** Attribute objects by what tells them apart, so that requests alike share one. */
export class SeriesTable {
  readonly #series = new Map<string, Attributes>();

  get(key: string, make: () => Attributes): Attributes {
    const known = this.#series.get(key);
    if (known !== undefined) return known;
    const made = make();
    if (this.#series.size < MAX_SERIES) this.#series.set(key, made);
    return made;
  }
}

/** One request that is measured; a side says which series it belongs to, and is asked only for what somebody collects. */
export abstract class RequestMeasurement {
  /** Of the final response; 0 while there is none. */
  status = 0;
  /** As on the span. */
  errorType: string | undefined = undefined;
  readonly #instruments: HttpInstruments;
  readonly #context: Context;
  readonly #startedMs: number;

  /** @param context  with the span, for exemplars */
  constructor(instruments: HttpInstruments, span: Span, context: Context) {
    this.#instruments = instruments;
    this.#context = context;
    this.#startedMs = measuredFrom(span);
  }

  abstract attributes(): Attributes;
  /** Under the names before 1.23. */
  abstract oldAttributes(): Attributes;
  abstract activeAttributes(): Attributes;

  /** Count the request as an active one. Never throws. */
  begin(): this {
    this.#countActive(1);
    return this;
  }

  /** Record the request; its span has ended. Never throws. */
  ended(span: Span): void {
    const { duration, oldDuration } = this.#instruments;
    const seconds = spanSeconds(span, this.#startedMs);
    this.#countActive(-1);
    try {
      duration?.record(seconds, this.attributes(), this.#context);
      oldDuration?.record(seconds * 1000, this.oldAttributes(), this.#context);
    } catch (error) {
      reportMeterFault(error);
    }
  }

  /** Forget the request. Never throws. */
  discarded(): void {
    this.#countActive(-1);
  }

  #countActive(by: 1 | -1): void {
    const { active } = this.#instruments;
    if (active === undefined) return;
    try {
      active.add(by, this.activeAttributes(), this.#context);
    } catch (error) {
      reportMeterFault(error);
    }
  }
}

/** The table that belongs to an object, and goes with it. */
export function tableOf<K extends object>(tables: WeakMap<K, SeriesTable>, key: K): SeriesTable {
  let table = tables.get(key);
  if (table === undefined) {
    table = new SeriesTable();
    tables.set(key, table);
  }
  return table;
}
