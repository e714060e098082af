/** Server spans for any HTTP library: a plugin tells where its library keeps things, all rules are here. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Context, isSpanContextValid, type Link, type Span, SpanKind } from '@opentelemetry/api';
import { isSuppressed, spanOf, suppressIn, withSpanIn } from '../context.ts';
import { ExceptionLog } from '../exception-log.ts';
import { describeError, reportFault } from '../faults.ts';
import { callHook, PluginTracing } from '../plugin.ts';
import { headerGetter } from '../propagation/carrier.ts';
import { RouteTable } from './route-table.ts';
import type { ServerLibrary, ServerParts } from './server-library.ts';
import { type ServerMeasurement, ServerMetrics } from './server-metrics.ts';
import { checkServerOptions, type HttpServerOptions, type ServerConfig } from './server-options.ts';
import { watchTimeout } from './server-outcome.ts';
import { markUntraced, ServerSpan, serverSpanOf } from './server-span.ts';
import { StartReader } from './server-start.ts';
import { protocolVersion } from './server-target.ts';

/** Server spans of one plugin instance. */
export class HttpServerTracing<Request, Response> implements ServerParts<Request, Response> {
  readonly tracing: PluginTracing;
  readonly config: ServerConfig<Request, Response>;
  readonly library: ServerLibrary<Request, Response>;
  readonly routes: RouteTable;
  readonly starts: StartReader<Request, Response>;
  readonly exceptions: ExceptionLog;
  readonly #metrics: ServerMetrics;

  /**
   * @param scope        npm name and version of the plugin
   * @param makeLibrary  called once, with the table that the library's routes go into
   * @param where        the function that the user called, for messages about its options
   * @param ownOptions   names of options that the plugin has beside these
   * @throws ClewError `CLEW_ERR_OPTION`
   */
  constructor(
    scope: { name: string; version: string },
    makeLibrary: (routes: RouteTable) => ServerLibrary<Request, Response>,
    where: string,
    options: HttpServerOptions<Request, Response> | undefined,
    ownOptions?: readonly string[],
  ) {
    this.config = checkServerOptions(where, options, ownOptions);
    this.tracing = new PluginTracing(scope, options?.tracerProvider, this.config.baggageSpanKeys);
    this.routes = new RouteTable(this.config.semconv);
    this.library = makeLibrary(this.routes);
    this.starts = new StartReader(this.config, this.library);
    this.exceptions = new ExceptionLog(scope, 'http.server.request.exception', 'ERROR');
    this.#metrics = new ServerMetrics(scope, this.config);
  }

  /**
   * Start the span of a request; it ends by itself when the response is over.
   *
   * @param req  Node.js's own request behind `request`
   * @param res  Node.js's own response behind `response`
   * @returns the context to run the rest of the request in, or `undefined` to run it as it is
   */
  start(request: Request, response: Response, req: IncomingMessage, res: ServerResponse): Context | undefined {
    // Mounted twice, or one traced library inside the other.
    if (serverSpanOf(res) !== undefined) return undefined;
    try {
      return this.#start(request, response, req, res);
    } catch (error) {
      reportFault('http_server', `a request got no span: ${describeError(error)}`);
      return undefined;
    }
  }

  #start(request: Request, response: Response, req: IncomingMessage, res: ServerResponse): Context | undefined {
    const { config, tracing } = this;
    const active = tracing.active();
    if (isSuppressed(active)) return undefined;
    if (config.ignore !== undefined && callHook('ignore', config.ignore, request) === true) {
      markUntraced(res);
      return suppressIn(active);
    }
    const outer = spanOf(active);
    if (outer !== undefined && isForeignServerSpan(outer))
      return this.#startInside(outer, active, request, response, req, res);
    // A server that was started inside of a span has it as context for ever; once ended it is nobody's parent.
    const ambient = (outer as { ended?: unknown } | undefined)?.ended === true ? withSpanIn(active, undefined) : active;
    let context = tracing.extract(ambient, req.headers, headerGetter);
    let links: Link[] | undefined;
    if (!this.#trusts(request, req)) {
      links = linkTo(context, ambient);
      context = ambient;
    }
    const refused = tracing.refuse(context);
    if (refused !== undefined && !this.#metrics.isOn && !this.exceptions.toLogs) {
      markUntraced(res);
      return withSpanIn(context, refused);
    }
    const method = this.starts.normalize(req.method ?? '');
    const state = this.#stateOf(request, response, req, res, method);
    const span = refused ?? this.#startSpan(state.startName, SpanKind.SERVER, context, request, req, method, links);
    const inside = withSpanIn(context, span);
    this.#begin(state, span, this.#measure(span, inside, request, req), request, req, res);
    return inside;
  }

  // A function that throws trusts nobody.
  #trusts(request: Request, req: IncomingMessage): boolean {
    const { isTrusted } = this.config;
    if (isTrusted !== undefined) return callHook('trustIncoming', isTrusted, request) === true;
    const general = this.tracing.defaults?.isTrusted;
    return general === undefined || callHook('trustIncoming', general, req) === true;
  }

  #stateOf(
    request: Request,
    response: Response,
    req: IncomingMessage,
    res: ServerResponse,
    method: string,
  ): ServerSpan<Request, Response> {
    const entry = this.library.routeAtStart?.(request);
    return new ServerSpan(this, request, response, req, res, method, entry);
  }

  #startSpan(
    name: string,
    kind: SpanKind,
    context: Context,
    request: Request,
    req: IncomingMessage,
    method: string,
    links?: Link[],
  ): Span {
    const { starts } = this;
    const flat = starts.read(request, req, method);
    return this.tracing.startSpan(name, kind, context, flat, starts.group, links);
  }

  #measure(span: Span, inside: Context, request: Request, req: IncomingMessage): ServerMeasurement | undefined {
    if (!this.#metrics.isOn) return undefined;
    const method = this.starts.normalize(req.method ?? '');
    const version = protocolVersion(req.httpVersionMajor, req.httpVersionMinor);
    return this.#metrics.start(span, inside, { method, version, ...this.starts.origin(request, req) });
  }

  #begin(
    state: ServerSpan<Request, Response>,
    span: Span,
    measured: ServerMeasurement | undefined,
    request: Request,
    req: IncomingMessage,
    res: ServerResponse,
  ): void {
    const isRecording = span.isRecording();
    if (!isRecording && measured === undefined && !this.exceptions.toLogs) {
      markUntraced(res);
      return;
    }
    state.attach(span, true, measured);
    if (req.socket.timeout) watchTimeout(req.socket);
    if (!isRecording) {
      // Nobody has read attributes; libraries note by this where the request came in, which its route depends on.
      this.library.target(request);
      return;
    }
    const { requestAttributes } = this.config;
    if (requestAttributes === undefined) return;
    const added = callHook('requestAttributes', requestAttributes, request);
    if (added !== undefined) span.setAttributes(added);
  }

  // Another instrumentation has made a SERVER span for this request already: a second one would count it twice.
  #startInside(
    outer: Span,
    active: Context,
    request: Request,
    response: Response,
    req: IncomingMessage,
    res: ServerResponse,
  ): Context | undefined {
    const method = this.starts.normalize(req.method ?? '');
    const state = this.#stateOf(request, response, req, res, method);
    if (this.config.nested === 'enrich') {
      state.attach(outer, false);
      return undefined;
    }
    const span = this.#startSpan(state.startName, SpanKind.INTERNAL, active, request, req, method);
    this.#begin(state, span, undefined, request, req, res);
    return withSpanIn(active, span);
  }
}

/** Whether a span is a recording SERVER span of this process that no plugin of ours has made. */
function isForeignServerSpan(span: Span): boolean {
  // Spans of ours and of the official SDK show kind and scope; others are taken as parents.
  const { kind, instrumentationScope: scope } = span as Span & {
    kind?: SpanKind;
    instrumentationScope?: { name?: string };
  };
  if (kind !== SpanKind.SERVER || !span.isRecording()) return false;
  // One of ours belongs to another request, else its response would be marked: a request from inside a handler.
  return scope?.name?.startsWith('@clew/') !== true;
}

function linkTo(extracted: Context, active: Context): Link[] | undefined {
  const remote = spanOf(extracted);
  if (remote === undefined || remote === spanOf(active)) return undefined;
  // Some formats carry a decision without a span: there is nothing to link to then.
  const context = remote.spanContext();
  return isSpanContextValid(context) ? [{ context }] : undefined;
}
