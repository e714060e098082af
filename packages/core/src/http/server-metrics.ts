/** Metrics of HTTP servers: durations and active requests, also of requests whose spans are not sampled. */
import type { Attributes, Context, Span } from '@opentelemetry/api';
import { PluginMeter } from '../plugin-meter.ts';
import {
  type HttpInstruments,
  type MetricSettings,
  makeInstruments,
  RequestMeasurement,
  SeriesTable,
  tableOf,
} from './duration-metrics.ts';
import type { RouteEntry } from './route-table.ts';
import { parseHost } from './server-target.ts';

/** What is known of a request when it begins. */
export interface ServerMetricFacts {
  /** The value of `http.request.method`. */
  readonly method: string;
  /** `network.protocol.version` */
  readonly version: string;
  readonly scheme: string;
  /** With its port, if one was named. */
  readonly host: string | undefined;
}

/** What is known of a request when it is over. */
export interface ServerMetricEnd {
  /** `undefined` when no route answered. */
  readonly entry: RouteEntry | undefined;
  /** 0 when no headers were sent. */
  readonly status: number;
  /** As on the span. */
  readonly errorType: string | undefined;
}

/** The metrics of one plugin instance. */
export class ServerMetrics {
  readonly #meter: PluginMeter<HttpInstruments>;
  readonly #active = new SeriesTable();
  // Routes that the table of routes forgets take their series along.
  readonly #series = new WeakMap<RouteEntry, SeriesTable>();
  readonly #noRoute = new SeriesTable();
  // Nearly every request is like the one before.
  #lastKey = '';
  #lastEntry: RouteEntry | undefined = undefined;
  #lastAttributes: Attributes = {};

  constructor(scope: { name: string; version: string }, settings: MetricSettings) {
    this.#meter = new PluginMeter(scope, settings.meterProvider, (meter) => makeInstruments(meter, 'server', settings));
  }

  /** Whether somebody collects. */
  get isOn(): boolean {
    return this.#meter.current() !== undefined;
  }

  /**
   * Begin to measure a request.
   *
   * @param context  with the span, for exemplars
   */
  start(span: Span, context: Context, facts: ServerMetricFacts): ServerMeasurement | undefined {
    const instruments = this.#meter.current();
    if (instruments === undefined) return undefined;
    return new ServerMeasurement(this, instruments, span, context, facts).begin();
  }

  activeAttributes({ method, scheme }: ServerMetricFacts): Attributes {
    return this.#active.get(`${method} ${scheme}`, () => ({ 'http.request.method': method, 'url.scheme': scheme }));
  }

  attributes(facts: ServerMetricFacts, end: ServerMetricEnd): Attributes {
    const { entry, status, errorType } = end;
    const key = `${facts.method} ${facts.scheme} ${facts.version} ${status} ${errorType ?? ''}`;
    if (key === this.#lastKey && entry === this.#lastEntry) return this.#lastAttributes;
    this.#lastKey = key;
    this.#lastEntry = entry;
    this.#lastAttributes = this.#seriesOf(entry).get(key, () => makeAttributes(facts, end));
    return this.#lastAttributes;
  }

  #seriesOf(entry: RouteEntry | undefined): SeriesTable {
    return entry === undefined ? this.#noRoute : tableOf(this.#series, entry);
  }
}

/** One request that is measured. */
export class ServerMeasurement extends RequestMeasurement implements ServerMetricEnd {
  entry: RouteEntry | undefined = undefined;
  readonly #metrics: ServerMetrics;
  readonly #facts: ServerMetricFacts;

  constructor(
    metrics: ServerMetrics,
    instruments: HttpInstruments,
    span: Span,
    context: Context,
    facts: ServerMetricFacts,
  ) {
    super(instruments, span, context);
    this.#metrics = metrics;
    this.#facts = facts;
  }

  attributes(): Attributes {
    return this.#metrics.attributes(this.#facts, this);
  }

  oldAttributes(): Attributes {
    return makeOldAttributes(this.#facts, this);
  }

  activeAttributes(): Attributes {
    return this.#metrics.activeAttributes(this.#facts);
  }
}

function makeAttributes(
  { method, scheme, version }: ServerMetricFacts,
  { entry, status, errorType }: ServerMetricEnd,
): Attributes {
  const attributes: Attributes = {
    'http.request.method': method,
    'url.scheme': scheme,
    'network.protocol.version': version,
  };
  if (entry?.route !== undefined) attributes['http.route'] = entry.route;
  if (status !== 0) attributes['http.response.status_code'] = status;
  if (errorType !== undefined) attributes['error.type'] = errorType;
  return attributes;
}

function makeOldAttributes(
  { method, scheme, version, host }: ServerMetricFacts,
  { entry, status }: ServerMetricEnd,
): Attributes {
  const attributes: Attributes = {
    'http.method': method,
    'http.scheme': scheme,
    'http.flavor': version === '2' ? '2.0' : version,
  };
  if (entry?.route !== undefined) attributes['http.route'] = entry.route;
  if (status !== 0) attributes['http.status_code'] = status;
  const server = parseHost(host);
  if (server === undefined) return attributes;
  const port = server.port ?? (scheme === 'https' ? 443 : scheme === 'http' ? 80 : undefined);
  attributes['net.host.name'] = server.address;
  if (port !== undefined) attributes['net.host.port'] = port;
  return attributes;
}
