/** The options that every HTTP client plugin takes, and their checks. */
import type { Attributes, MeterProvider } from '@opentelemetry/api';
import { checkArray, checkBoolean, checkFunction, checkOneOf, checkOptionNames, showValue } from '../config/options.ts';
import { ClewError } from '../errors.ts';
import type { PluginOptions } from '../plugin.ts';
import { checkMeterProvider } from '../plugin-meter.ts';
import { checkBaggageSpanKeys, checkPropagateTo, type PropagateTo } from '../plugin-defaults.ts';
import { readKnownMethods } from './method.ts';
import { type Redact, urlRedactor } from './redact.ts';
import { readHttpSemconv, type Semconv } from './semconv.ts';

/** What hooks are told about a request that is about to leave. */
export interface ClientRequestInfo {
  /** As it will be sent. */
  readonly method: string;
  /** Absolute, not redacted; without an origin only where the library does not tell it. */
  readonly url: string;
}

/** What hooks are told about a response whose headers have arrived. */
export interface ClientResponseInfo {
  readonly statusCode: number;
  /** The value of a response header, by lower-case name. */
  header(name: string): string | undefined;
}

/** Options of an HTTP client plugin. */
export interface HttpClientOptions extends PluginOptions {
  /** Return true for requests that get no span and no headers. Default: none. */
  ignore?: (request: ClientRequestInfo) => boolean;
  /** The low-cardinality form of the URL's path, such as `/users/{id}`; recorded and put into the span's name. */
  urlTemplate?: (request: ClientRequestInfo) => string | undefined;
  /** Attributes to add when the span has started. Samplers do not see them. */
  requestAttributes?: (request: ClientRequestInfo) => Attributes | undefined;
  /** Attributes to add when the response headers have arrived. */
  responseAttributes?: (response: ClientResponseInfo) => Attributes | undefined;
  /** Response headers to record as `http.response.header.<name>`. Default: none. */
  captureResponseHeaders?: readonly string[];
  /** Record values of `set-cookie` and the like too when they are listed. Default false. */
  allowSensitiveHeaders?: boolean;
  /** Query parameters whose values are redacted; replaces the default list entirely. */
  redactQueryKeys?: readonly string[];
  /**
   * Hosts that get propagation headers: patterns with `*` for any characters, such as `*.example.com`, regular
   * expressions, or a function of the host name. Default: that of `startTracing`.
   */
  propagateTo?: PropagateTo;
  /** Baggage entries that become attributes of the span, under their own keys. Default: that of `startTracing`. */
  baggageSpanKeys?: readonly string[];
  /** When a span ends: with the response headers, or with the whole body. Default `headers`. */
  endOn?: 'headers' | 'body';
  /** Attribute names: current ones, or the old ones beside them. Default: `OTEL_SEMCONV_STABILITY_OPT_IN`. */
  semconv?: Semconv;
  /** Where metrics go instead of the globally registered meter provider. */
  meterProvider?: MeterProvider;
  /** Record `http.client.request.duration` while a meter provider is there. Default true. */
  durationMetric?: boolean;
  /** Record `http.client.active_requests` too. Default false. */
  activeRequestsMetric?: boolean;
}

/** Names of `HttpClientOptions`, for plugins that add their own. */
export const CLIENT_OPTION_NAMES: readonly string[] = [
  'tracerProvider',
  'ignore',
  'urlTemplate',
  'requestAttributes',
  'responseAttributes',
  'captureResponseHeaders',
  'allowSensitiveHeaders',
  'redactQueryKeys',
  'propagateTo',
  'baggageSpanKeys',
  'endOn',
  'semconv',
  'meterProvider',
  'durationMetric',
  'activeRequestsMetric',
];

/** The options after the checks, with the environment read. */
export interface ClientConfig {
  readonly ignore: HttpClientOptions['ignore'];
  readonly urlTemplate: HttpClientOptions['urlTemplate'];
  readonly requestAttributes: HttpClientOptions['requestAttributes'];
  readonly responseAttributes: HttpClientOptions['responseAttributes'];
  /** Lower-case names. */
  readonly responseHeaders: readonly string[];
  readonly allowSensitiveHeaders: boolean;
  readonly redactUrl: Redact;
  /** `undefined` leaves it to the provider's default. */
  readonly mayPropagate: ((host: string) => boolean) | undefined;
  /** `undefined` leaves it to the provider's default. */
  readonly baggageSpanKeys: readonly string[] | undefined;
  readonly endOn: 'headers' | 'body';
  readonly semconv: Semconv;
  readonly meterProvider: MeterProvider | undefined;
  readonly durationMetric: boolean;
  readonly activeRequestsMetric: boolean;
  readonly knownMethods: ReadonlySet<string>;
}

/**
 * Check the options of an HTTP client plugin.
 *
 * @param where  the function that the user called, for messages
 * @param more   names of options that only this plugin has
 * @throws ClewError `CLEW_ERR_OPTION`
 */
export function checkClientOptions(
  where: string,
  options: HttpClientOptions = {},
  more: readonly string[] = [],
): ClientConfig {
  checkOptionNames(where, options, [...CLIENT_OPTION_NAMES, ...more]);
  return {
    ignore: checkFunction('ignore', options.ignore),
    urlTemplate: checkFunction('urlTemplate', options.urlTemplate),
    requestAttributes: checkFunction('requestAttributes', options.requestAttributes),
    responseAttributes: checkFunction('responseAttributes', options.responseAttributes),
    responseHeaders: checkTexts('captureResponseHeaders', options.captureResponseHeaders).map((name) =>
      name.toLowerCase(),
    ),
    allowSensitiveHeaders: checkBoolean('allowSensitiveHeaders', options.allowSensitiveHeaders) ?? false,
    redactUrl: urlRedactor(options.redactQueryKeys && checkTexts('redactQueryKeys', options.redactQueryKeys)),
    mayPropagate: checkPropagateTo(options.propagateTo),
    baggageSpanKeys: checkBaggageSpanKeys(options.baggageSpanKeys),
    endOn: checkOneOf('endOn', options.endOn, ['headers', 'body']) ?? 'headers',
    semconv: checkOneOf('semconv', options.semconv, ['stable', 'dup']) ?? readHttpSemconv(),
    meterProvider: checkMeterProvider(options.meterProvider),
    durationMetric: checkBoolean('durationMetric', options.durationMetric) ?? true,
    activeRequestsMetric: checkBoolean('activeRequestsMetric', options.activeRequestsMetric) ?? false,
    knownMethods: readKnownMethods(),
  };
}

function checkTexts(option: string, given: readonly string[] | undefined): readonly string[] {
  const texts = checkArray(option, given) ?? [];
  for (const text of texts) {
    if (typeof text === 'string' && text !== '') continue;
    throw new ClewError('CLEW_ERR_OPTION', `${option} must hold texts that are not empty, got ${showValue(text)}`);
  }
  return texts;
}
