/** Metrics of HTTP clients: durations and active requests, also of requests whose spans are not sampled. */
import type { Attributes, Context, Span } from '@opentelemetry/api';
import { PluginMeter } from '../plugin-meter.ts';
import type { ClientOrigin } from './client-origins.ts';
import {
  type HttpInstruments,
  type MetricSettings,
  makeInstruments,
  RequestMeasurement,
  type SeriesTable,
  tableOf,
} from './duration-metrics.ts';

/** The metrics of one plugin instance. */
export class ClientMetrics {
  readonly #meter: PluginMeter<HttpInstruments>;
  // Origins that the table of origins forgets take their series along.
  readonly #series = new WeakMap<ClientOrigin, SeriesTable>();

  constructor(scope: { name: string; version: string }, settings: MetricSettings) {
    this.#meter = new PluginMeter(scope, settings.meterProvider, (meter) => makeInstruments(meter, 'client', settings));
  }

  /** Whether somebody collects. */
  get isOn(): boolean {
    return this.#meter.current() !== undefined;
  }

  /**
   * Begin to measure a request.
   *
   * @param context  with the span, for exemplars
   * @param method   the value of `http.request.method`
   */
  start(
    span: Span,
    context: Context,
    method: string,
    origin: ClientOrigin,
    template: string | undefined,
  ): ClientMeasurement | undefined {
    const instruments = this.#meter.current();
    if (instruments === undefined) return undefined;
    const series = tableOf(this.#series, origin);
    return new ClientMeasurement(instruments, series, span, context, { method, origin, template }).begin();
  }
}

/** What is known of a request when it leaves. */
interface ClientMetricFacts {
  readonly method: string;
  readonly origin: ClientOrigin;
  readonly template: string | undefined;
}

/** One request that is measured. It is discarded when its attempts were measured one by one. */
export class ClientMeasurement extends RequestMeasurement {
  /** `network.protocol.version`, where it is known. */
  version: string | undefined = undefined;
  readonly #series: SeriesTable;
  readonly #facts: ClientMetricFacts;

  constructor(
    instruments: HttpInstruments,
    series: SeriesTable,
    span: Span,
    context: Context,
    facts: ClientMetricFacts,
  ) {
    super(instruments, span, context);
    this.#series = series;
    this.#facts = facts;
  }

  activeAttributes(): Attributes {
    const { method, origin, template } = this.#facts;
    return this.#series.get(`active ${method} ${template ?? ''}`, () => {
      const made: Attributes = {
        'http.request.method': method,
        ...serverOf(origin, 'server.address', 'server.port'),
      };
      if (template !== undefined) made['url.template'] = template;
      return made;
    });
  }

  attributes(): Attributes {
    const { status, errorType, version } = this;
    const { method, origin } = this.#facts;
    return this.#series.get(`${method} ${status} ${errorType ?? ''} ${version ?? ''}`, () => {
      const made: Attributes = { 'http.request.method': method, ...serverOf(origin, 'server.address', 'server.port') };
      if (status !== 0) made['http.response.status_code'] = status;
      if (errorType !== undefined) made['error.type'] = errorType;
      if (version !== undefined) made['network.protocol.version'] = version;
      return made;
    });
  }

  oldAttributes(): Attributes {
    const { status, version } = this;
    const { method, origin } = this.#facts;
    const scheme = /^(https?):/.exec(origin.text)?.[1];
    const made: Attributes = { 'http.method': method, ...serverOf(origin, 'net.peer.name', 'net.peer.port') };
    if (scheme !== undefined) made['http.scheme'] = scheme;
    if (status !== 0) made['http.status_code'] = status;
    if (version !== undefined) made['http.flavor'] = version === '2' ? '2.0' : version;
    return made;
  }
}

function serverOf({ host, port }: ClientOrigin, addressKey: string, portKey: string): Attributes {
  const made: Attributes = {};
  if (host !== undefined) made[addressKey] = host;
  if (port !== undefined) made[portKey] = port;
  return made;
}
