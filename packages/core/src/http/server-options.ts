/** The options that every HTTP server plugin takes, and their checks. */
import type { Attributes, MeterProvider } from '@opentelemetry/api';
import {
  checkArray,
  checkBoolean,
  checkFunction,
  checkOneOf,
  checkOptionNames,
  checkString,
  showValue,
} from '../config/options.ts';
import { ClewError } from '../errors.ts';
import type { PluginOptions } from '../plugin.ts';
import { checkMeterProvider } from '../plugin-meter.ts';
import { checkBaggageSpanKeys, checkTrust, type TrustIncoming } from '../plugin-defaults.ts';
import { readKnownMethods } from './method.ts';
import { queryRedactor, type Redact } from './redact.ts';
import { readHttpSemconv, type Semconv } from './semconv.ts';
import { OPTIONAL_SERVER_ATTRIBUTES, type OptionalServerAttribute } from './server-optional.ts';

/** Options of an HTTP server plugin; `Request` and `Response` are the library's own objects. */
export interface HttpServerOptions<Request, Response> extends PluginOptions {
  /** Return true for requests that get no span, nor anything that happens in them. Default: none. */
  ignore?: (request: Request) => boolean;
  /** The span's name at its end; `undefined` keeps `{method} {route}`. It must be low in cardinality. */
  spanName?: (request: Request, route: string | undefined) => string | undefined;
  /** Attributes to add when the span has started. Samplers do not see them. */
  requestAttributes?: (request: Request) => Attributes | undefined;
  /** Attributes to add before the span ends. */
  responseAttributes?: (request: Request, response: Response) => Attributes | undefined;
  /** Request headers to record as `http.request.header.<name>`. Default: none. */
  captureRequestHeaders?: readonly string[];
  /** Response headers to record as `http.response.header.<name>`. Default: none. */
  captureResponseHeaders?: readonly string[];
  /** Attributes to record that are not recorded by default. Default: none. */
  optionalAttributes?: readonly OptionalServerAttribute[];
  /** Record values of `authorization`, `cookie` and the like too when they are listed. Default false. */
  allowSensitiveHeaders?: boolean;
  /** Query parameters whose values are redacted; replaces the default list entirely. */
  redactQueryKeys?: readonly string[];
  /**
   * Whose trace context is continued: everybody's, nobody's, or that of the requests for which a function returns
   * true. Otherwise a new trace starts, with a link to the caller's span. Default: that of `startTracing`.
   */
  trustIncoming?: TrustIncoming<Request>;
  /** Baggage entries that become attributes of the span, under their own keys. Default: that of `startTracing`. */
  baggageSpanKeys?: readonly string[];
  /**
   * What happens when another HTTP server instrumentation has a span for the request: `enrich` adds route, name and
   * error to that span, `internal` makes an INTERNAL child of it. Default `enrich`.
   */
  nested?: 'enrich' | 'internal';
  /**
   * When the span ends: when the response is closed, or when its headers are sent, for services whose answers stream for
   * minutes. Then nobody learns whether the body arrived. Default `close`.
   */
  endOn?: 'close' | 'headers';
  /** Attribute names: current ones, or the old ones beside them. Default: `OTEL_SEMCONV_STABILITY_OPT_IN`. */
  semconv?: Semconv;
  /** Where metrics go instead of the globally registered meter provider. */
  meterProvider?: MeterProvider;
  /** Record `http.server.request.duration` while a meter provider is there. Default true. */
  durationMetric?: boolean;
  /** Record `http.server.active_requests` too. Default false. */
  activeRequestsMetric?: boolean;
}

const OPTION_NAMES = [
  'tracerProvider',
  'ignore',
  'spanName',
  'requestAttributes',
  'responseAttributes',
  'captureRequestHeaders',
  'captureResponseHeaders',
  'optionalAttributes',
  'allowSensitiveHeaders',
  'redactQueryKeys',
  'trustIncoming',
  'baggageSpanKeys',
  'nested',
  'endOn',
  'semconv',
  'meterProvider',
  'durationMetric',
  'activeRequestsMetric',
] as const;

/** The options after the checks, with the environment read. */
export interface ServerConfig<Request, Response> {
  readonly ignore: ((request: Request) => boolean) | undefined;
  readonly spanName: ((request: Request, route: string | undefined) => string | undefined) | undefined;
  readonly requestAttributes: ((request: Request) => Attributes | undefined) | undefined;
  readonly responseAttributes: ((request: Request, response: Response) => Attributes | undefined) | undefined;
  /** Lower-case names. */
  readonly requestHeaders: readonly string[];
  /** Lower-case names. */
  readonly responseHeaders: readonly string[];
  /** `undefined` when none are listed. */
  readonly optionalAttributes: ReadonlySet<OptionalServerAttribute> | undefined;
  readonly allowSensitiveHeaders: boolean;
  readonly redactQuery: Redact;
  /** `undefined` leaves it to the provider's default. */
  readonly isTrusted: ((request: Request) => boolean) | undefined;
  /** `undefined` leaves it to the provider's default. */
  readonly baggageSpanKeys: readonly string[] | undefined;
  readonly nested: 'enrich' | 'internal';
  readonly endOn: 'close' | 'headers';
  readonly semconv: Semconv;
  readonly meterProvider: MeterProvider | undefined;
  readonly durationMetric: boolean;
  readonly activeRequestsMetric: boolean;
  readonly knownMethods: ReadonlySet<string>;
}

/**
 * Check the options of an HTTP server plugin.
 *
 * @param where     the function that the user called, for messages
 * @param ownNames  options of this plugin alone, which it checks by itself
 * @throws ClewError `CLEW_ERR_OPTION`
 */
export function checkServerOptions<Request, Response>(
  where: string,
  options: HttpServerOptions<Request, Response> = {},
  ownNames: readonly string[] = [],
): ServerConfig<Request, Response> {
  checkOptionNames(where, options, [...OPTION_NAMES, ...ownNames]);
  checkProvider(options.tracerProvider);
  return {
    ignore: checkFunction('ignore', options.ignore),
    spanName: checkFunction('spanName', options.spanName),
    requestAttributes: checkFunction('requestAttributes', options.requestAttributes),
    responseAttributes: checkFunction('responseAttributes', options.responseAttributes),
    requestHeaders: checkNames('captureRequestHeaders', options.captureRequestHeaders).map(toLowerCase),
    responseHeaders: checkNames('captureResponseHeaders', options.captureResponseHeaders).map(toLowerCase),
    optionalAttributes: checkOptional(options.optionalAttributes),
    allowSensitiveHeaders: checkBoolean('allowSensitiveHeaders', options.allowSensitiveHeaders) ?? false,
    redactQuery: queryRedactor(options.redactQueryKeys && checkNames('redactQueryKeys', options.redactQueryKeys)),
    isTrusted: checkTrust(options.trustIncoming),
    baggageSpanKeys: checkBaggageSpanKeys(options.baggageSpanKeys),
    nested: checkOneOf('nested', options.nested, ['enrich', 'internal']) ?? 'enrich',
    endOn: checkOneOf('endOn', options.endOn, ['close', 'headers']) ?? 'close',
    semconv: checkOneOf('semconv', options.semconv, ['stable', 'dup']) ?? readHttpSemconv(),
    meterProvider: checkMeterProvider(options.meterProvider),
    durationMetric: checkBoolean('durationMetric', options.durationMetric) ?? true,
    activeRequestsMetric: checkBoolean('activeRequestsMetric', options.activeRequestsMetric) ?? false,
    knownMethods: readKnownMethods(),
  };
}

function checkNames(option: string, given: readonly string[] | undefined): readonly string[] {
  const names = checkArray(option, given) ?? [];
  // `null` stands for a hole, which is no name either.
  for (const name of names) checkString(`a name in ${option}`, name ?? null);
  return names;
}

function checkOptional(
  given: readonly OptionalServerAttribute[] | undefined,
): ReadonlySet<OptionalServerAttribute> | undefined {
  const names = checkArray('optionalAttributes', given) ?? [];
  for (const name of names) checkOneOf('an attribute in optionalAttributes', name ?? null, OPTIONAL_SERVER_ATTRIBUTES);
  return names.length === 0 ? undefined : new Set(names);
}

function checkProvider(provider: PluginOptions['tracerProvider']): void {
  if (provider === undefined || typeof provider?.getTracer === 'function') return;
  throw new ClewError('CLEW_ERR_OPTION', `tracerProvider must be a tracer provider, got ${showValue(provider)}`);
}

function toLowerCase(name: string): string {
  return name.toLowerCase();
}
