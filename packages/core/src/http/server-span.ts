/** The span of one request: what it starts with, and what it gets when the response is over. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Span, SpanStatusCode } from '@opentelemetry/api';
import type { FlatAttributes } from '../attributes.ts';
import { errorType, recordError, recordExceptionOnce } from '../exception.ts';
import { describeError, reportFault } from '../faults.ts';
import { callHook, setEndGroup } from '../plugin.ts';
import { captureHeaders } from './headers.ts';
import type { RouteEntry } from './route-table.ts';
import { brokenOffType, destroyedBy, isComplete } from './server-outcome.ts';
import type { ServerMeasurement } from './server-metrics.ts';
import { requestBodySize, responseBodySize } from './server-optional.ts';
import type { ServerParts } from './server-library.ts';

const SERVER_SPAN: unique symbol = Symbol.for('clew.http.server-span') as never;

/** A response that carries the span of its request; `null` when the request has none on purpose. */
interface MarkedResponse {
  [SERVER_SPAN]?: ServerSpan<unknown, unknown> | null;
}

/**
 * The span that a plugin of ours has for this response.
 *
 * @returns `null` when one has decided that there is none, `undefined` when no plugin has seen the request
 */
export function serverSpanOf(res: ServerResponse): ServerSpan<unknown, unknown> | null | undefined {
  return (res as MarkedResponse)[SERVER_SPAN];
}

/** Note that the request of this response has no span, so that another plugin does not make one. */
export function markUntraced(res: ServerResponse): void {
  (res as MarkedResponse)[SERVER_SPAN] = null;
}

function onResponseOver(this: ServerResponse): void {
  // Only `attach` adds this listener, to responses that it has marked.
  serverSpanOf(this)?.finish();
}

/** The span of one request. Fields in the main: V8 defines private ones one by one on every object. */
export class ServerSpan<Request, Response> {
  private readonly server: ServerParts<Request, Response>;
  private readonly request: Request;
  private readonly response: Response;
  private readonly req: IncomingMessage;
  private readonly res: ServerResponse;
  private readonly method: string;
  private readonly entry: RouteEntry | undefined;
  /** The name that the span starts with. */
  readonly startName: string;
  private span: Span | undefined = undefined;
  private owns = true;
  private measured: ServerMeasurement | undefined = undefined;
  private firstError: unknown = undefined;
  private lastError: unknown = undefined;
  private headersOnly = false;
  private isOver = false;

  /**
   * @param method  the value of `http.request.method`
   * @param entry   the route, if the library knows it already
   */
  constructor(
    server: ServerParts<Request, Response>,
    request: Request,
    response: Response,
    req: IncomingMessage,
    res: ServerResponse,
    method: string,
    entry: RouteEntry | undefined,
  ) {
    this.server = server;
    this.request = request;
    this.response = response;
    this.req = req;
    this.res = res;
    this.method = method;
    this.entry = entry;
    this.startName = (entry ?? server.routes.none).name(method);
  }

  /**
   * Take the span over, and end it when the response is over.
   *
   * @param owns      false for a span of another instrumentation, which is only completed
   * @param measured  the metrics of the request, if somebody collects them
   */
  attach(span: Span, owns: boolean, measured?: ServerMeasurement): void {
    const res = this.res;
    this.span = span;
    this.owns = owns;
    this.measured = measured;
    // The cast forgets the types of the library's objects, which only this object uses.
    (res as MarkedResponse)[SERVER_SPAN] = this as unknown as ServerSpan<unknown, unknown>;
    if (owns) {
      res.on('close', onResponseOver);
      if (this.server.config.endOn === 'headers') this.endAtHeaders(res);
      return;
    }
    // Before the listeners that end the other instrumentation's span: afterwards it takes nothing any more.
    res.prependListener('finish', onResponseOver);
    res.prependListener('close', onResponseOver);
  }

  /** Note an error that the application raised for this request; whether it counts shows when the response is over. */
  fail(error: unknown): void {
    if (error === undefined || this.isOver) return;
    this.firstError ??= error;
    this.lastError = error;
  }

  /** Complete the span and end it; does nothing the second time. */
  finish(): void {
    if (this.isOver) return;
    this.isOver = true;
    // `attach` came before every caller of this.
    const span = this.span as Span;
    try {
      this.complete(span);
    } catch (error) {
      reportFault('http_server', `the end of a request was not recorded in full: ${describeError(error)}`);
    }
    if (this.owns) span.end();
    this.measured?.ended(span);
  }

  // Every way of sending headers goes through `writeHead` of the response, also when the application never calls it.
  private endAtHeaders(res: ServerResponse): void {
    const { writeHead } = res;
    const finishAfter = (...args: Parameters<ServerResponse['writeHead']>): ServerResponse => {
      const result = writeHead.apply(res, args);
      this.headersOnly = true;
      this.finish();
      return result;
    };
    // The cast forgets the overloads, which `apply` passes on as they came.
    res.writeHead = finishAfter as ServerResponse['writeHead'];
  }

  private complete(span: Span): void {
    const { library, config } = this.server;
    const res = this.res;
    const { statusCode } = res;
    const entry = library.routeAtEnd(this.request, this.entry, statusCode) ?? this.server.routes.none;
    const isWhole = this.headersOnly || isComplete(this.req, res);
    const status = isWhole || res.headersSent ? statusCode : 0;
    const failed = !isWhole || statusCode >= 500;
    if (this.measured !== undefined) {
      this.measured.entry = entry;
      this.measured.status = status;
    }
    // One that is not recorded is here to be counted, and for the log records of its exceptions.
    if (!span.isRecording()) {
      if (failed) this.settle(span, statusCode, isWhole);
      return;
    }
    setEndGroup(span, entry.endGroup(this.method, status));
    this.rename(span, entry);
    if (failed) this.settle(span, statusCode, isWhole);
    if (config.responseHeaders.length > 0) this.addResponseHeaders(span);
    if (config.optionalAttributes !== undefined || config.semconv === 'dup') this.addBodySizes(span);
    if (config.responseAttributes !== undefined) {
      const added = callHook('responseAttributes', config.responseAttributes, this.request, this.response);
      if (added !== undefined) span.setAttributes(added);
    }
  }

  private rename(span: Span, entry: RouteEntry): void {
    const { spanName } = this.server.config;
    if (spanName !== undefined) {
      const name = callHook('spanName', spanName, this.request, entry.route);
      if (typeof name === 'string' && name !== '') {
        span.updateName(name);
        return;
      }
    }
    const name = entry.name(this.method);
    if (name === this.startName && this.owns) return;
    // A name that the application has given meanwhile stays. Spans of ours and of the official SDK show theirs.
    const current = (span as { name?: unknown }).name;
    if (this.owns && current !== undefined && current !== this.startName) return;
    span.updateName(name);
  }

  private settle(span: Span, statusCode: number, isWhole: boolean): void {
    const reported = this.lastError ?? this.server.library.errorOf?.(this.request);
    if (isWhole) {
      const known = reported !== undefined;
      this.setError(span, known ? errorType(reported) : String(statusCode), reported);
      return;
    }
    const isDetached = this.server.library.isDetached?.(this.request, this.response) ?? false;
    const type = brokenOffType(this.req, this.res, { error: reported, isDetached });
    if (type === undefined) return;
    this.setError(span, type, destroyedBy(this.res) ?? reported);
  }

  private setError(span: Span, type: string, error: unknown): void {
    if (this.measured !== undefined) this.measured.errorType = type;
    if (error === undefined) {
      span.setStatus({ code: SpanStatusCode.ERROR });
    } else {
      const sink = this.server.exceptions;
      // An error handler may have replaced the error that came first, which tells more about the cause.
      const first = this.firstError;
      if (first !== undefined && first !== error) recordExceptionOnce(span, first, sink);
      recordError(span, error, { sink });
    }
    span.setAttribute('error.type', type);
  }

  private addBodySizes(span: Span): void {
    const { optionalAttributes: wanted, semconv } = this.server.config;
    const [received, sent] = [requestBodySize(this.req), responseBodySize(this.req, this.res)];
    if (received !== undefined && wanted?.has('http.request.body.size')) {
      span.setAttribute('http.request.body.size', received);
    }
    if (sent !== undefined && wanted?.has('http.response.body.size'))
      span.setAttribute('http.response.body.size', sent);
    if (semconv !== 'dup') return;
    if (received !== undefined) span.setAttribute('http.request_content_length', received);
    if (sent !== undefined) span.setAttribute('http.response_content_length', sent);
  }

  private addResponseHeaders(span: Span): void {
    const { responseHeaders: names, allowSensitiveHeaders } = this.server.config;
    const flat: FlatAttributes = [];
    const res = this.res;
    captureHeaders(flat, 'http.response.header.', names, (name) => res.getHeader(name), allowSensitiveHeaders);
    for (let i = 0; i < flat.length; i += 2) span.setAttribute(flat[i] as string, flat[i + 1] as string[]);
  }
}
