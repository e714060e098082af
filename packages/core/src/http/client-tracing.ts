/** Client spans for any HTTP library: a plugin tells method, origin and path, all rules are here. */
import { type Context, SpanKind } from '@opentelemetry/api';
import type { FlatAttributes } from '../attributes.ts';
import { isSuppressed, withSpanIn } from '../context.ts';
import { ExceptionLog } from '../exception-log.ts';
import { describeError, reportFault } from '../faults.ts';
import { callHook, PluginTracing } from '../plugin.ts';
import {
  type ClientConfig,
  type ClientRequestInfo,
  checkClientOptions,
  type HttpClientOptions,
} from './client-options.ts';
import { ClientMetrics } from './client-metrics.ts';
import { type ClientOrigin, ClientOrigins } from './client-origins.ts';
import { ClientSpan } from './client-span.ts';

/** Client spans of one plugin instance. */
export class HttpClientTracing {
  readonly tracing: PluginTracing;
  readonly config: ClientConfig;
  readonly #origins: ClientOrigins;
  readonly #metrics: ClientMetrics;
  readonly #exceptions: ExceptionLog;

  /**
   * @param scope  npm name and version of the plugin
   * @param where  the function that the user called, for messages about its options
   * @param more   names of options that only this plugin has
   * @throws ClewError `CLEW_ERR_OPTION`
   */
  constructor(
    scope: { name: string; version: string },
    where: string,
    options: HttpClientOptions | undefined,
    more: readonly string[] = [],
  ) {
    this.config = checkClientOptions(where, options, more);
    this.tracing = new PluginTracing(scope, options?.tracerProvider, this.config.baggageSpanKeys);
    this.#origins = new ClientOrigins(this.config.knownMethods, this.config.semconv);
    this.#metrics = new ClientMetrics(scope, this.config);
    this.#exceptions = new ExceptionLog(scope, 'http.client.request.exception', 'WARN');
  }

  /**
   * Start the span of a request.
   *
   * @param method  as it will be sent
   * @param origin  scheme, host and port, without credentials; empty when the library does not tell
   * @param url     the whole URL, with credentials if it has some: it is redacted here
   * @param parent  the context of the caller
   * @param resend  which repetition this is: 0 for the first attempt
   * @returns `undefined` when the request is to go out as it is
   */
  start(method: string, origin: string, url: string, parent: Context, resend = 0): ClientSpan | undefined {
    try {
      return this.#start(method, origin, url, parent, resend);
    } catch (error) {
      reportFault('http_client', `a request got no span: ${describeError(error)}`);
      return undefined;
    }
  }

  #start(method: string, originText: string, url: string, parent: Context, resend: number): ClientSpan | undefined {
    const { config, tracing } = this;
    if (isSuppressed(parent)) return undefined;
    if (config.ignore !== undefined && callHook('ignore', config.ignore, { method, url }) === true) return undefined;
    const origin = this.#origins.get(originText);
    const refused = tracing.refuse(parent);
    if (refused !== undefined && !this.#metrics.isOn && !this.#exceptions.toLogs) {
      const context = withSpanIn(parent, refused);
      return new ClientSpan(refused, context, this.#propagatesTo(origin), config, this.#exceptions, undefined);
    }
    const { known, inName, group } = this.#origins.method(origin, method);
    const template = config.urlTemplate === undefined ? undefined : templateOf(config.urlTemplate, { method, url });
    const name = template === undefined ? inName : `${inName} ${template}`;
    const span =
      refused ??
      tracing.startSpan(name, SpanKind.CLIENT, parent, startAttributes(config, url, resend, template), group);
    if (config.requestAttributes !== undefined && span.isRecording()) {
      const added = callHook('requestAttributes', config.requestAttributes, { method, url });
      if (added !== undefined) span.setAttributes(added);
    }
    const context = withSpanIn(parent, span);
    const measured = this.#metrics.start(span, context, known, origin, template);
    return new ClientSpan(span, context, this.#propagatesTo(origin), config, this.#exceptions, measured);
  }

  /** Whether some hosts get no propagation headers. */
  get limitsHosts(): boolean {
    return this.#hostFilter() !== undefined;
  }

  /** Whether requests to this origin get propagation headers. @param origin  as for `start` */
  propagatesTo(origin: string): boolean {
    return this.#propagatesTo(this.#origins.get(origin));
  }

  #propagatesTo({ host }: ClientOrigin): boolean {
    const mayPropagate = this.#hostFilter();
    if (mayPropagate === undefined) return true;
    // A host that is not known is not on any list.
    return host !== undefined && callHook('propagateTo', mayPropagate, host) === true;
  }

  // A method and no getter: compiled code calls a private getter by way of the runtime.
  #hostFilter(): ((host: string) => boolean) | undefined {
    return this.config.mayPropagate ?? this.tracing.defaults?.mayPropagate;
  }
}

function startAttributes(
  config: ClientConfig,
  url: string,
  resend: number,
  template: string | undefined,
): FlatAttributes {
  const fullUrl = config.redactUrl(url);
  const flat: FlatAttributes = ['url.full', fullUrl];
  if (resend > 0) flat.push('http.request.resend_count', resend);
  if (config.semconv === 'dup') flat.push('http.url', fullUrl);
  if (template !== undefined) flat.push('url.template', template);
  return flat;
}

function templateOf(hook: NonNullable<ClientConfig['urlTemplate']>, request: ClientRequestInfo): string | undefined {
  const given = callHook('urlTemplate', hook, request);
  return typeof given === 'string' && given !== '' ? given : undefined;
}
