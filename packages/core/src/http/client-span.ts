/** The span of one request on its way out, or of one attempt of it. */
import { type Context, ROOT_CONTEXT, type Span, SpanStatusCode } from '@opentelemetry/api';
import { AttributeGroup, type FlatAttributes } from '../attributes.ts';
import { recordError } from '../exception.ts';
import type { ExceptionLog } from '../exception-log.ts';
import { callHook, setEndGroup } from '../plugin.ts';
import type { ClientMeasurement } from './client-metrics.ts';
import type { ClientConfig, ClientResponseInfo } from './client-options.ts';
import { judgeFailure } from './client-outcome.ts';
import { type ClientConnection, type ClientPeer, FIRST_ERROR_STATUS, peerOf, statusGroup } from './client-peer.ts';
import { captureHeaders } from './headers.ts';

/** What a plugin keeps while a request is under way. Fields in the main: V8 defines private ones one by one on every object. */
export class ClientSpan {
  /** The context in which the span is active; headers are injected from it. Empty once the span has ended. */
  context: Context;
  /** Whether this host gets headers. */
  readonly propagates: boolean;
  private readonly config: ClientConfig;
  private readonly exceptions: ExceptionLog;
  private readonly measured: ClientMeasurement | undefined;
  // Until it ends: libraries keep what watches a request as long as its body, and an ended span is of no more use.
  private span: Span | undefined;
  // Told at the end: its attributes are then encoded once for all requests on one connection.
  private peer: ClientPeer | undefined = undefined;

  constructor(
    span: Span,
    context: Context,
    propagates: boolean,
    config: ClientConfig,
    exceptions: ExceptionLog,
    measured: ClientMeasurement | undefined,
  ) {
    this.span = span;
    this.context = context;
    this.propagates = propagates;
    this.config = config;
    this.exceptions = exceptions;
    this.measured = measured;
  }

  /** The request leaves on this connection. */
  sentOver(connection: ClientConnection): void {
    const span = this.span;
    if (span === undefined) return;
    const isRecording = span.isRecording();
    if (!isRecording && this.measured === undefined) return;
    const peer = peerOf(connection, this.config.semconv === 'dup');
    if (isRecording) this.peer = peer;
    if (this.measured !== undefined) this.measured.version = peer.version;
  }

  /** Whether `responded` looks at response headers: captures them, or hands them to a hook. */
  get readsHeaders(): boolean {
    const { responseAttributes, responseHeaders } = this.config;
    return responseAttributes !== undefined || responseHeaders.length > 0;
  }

  /** The final response headers have arrived; ends the span unless it waits for the body. */
  responded(response: ClientResponseInfo): void {
    const span = this.span;
    if (span === undefined) return;
    if (this.measured !== undefined) {
      this.measured.status = response.statusCode;
      if (response.statusCode >= FIRST_ERROR_STATUS) this.measured.errorType = String(response.statusCode);
    }
    const { endOn, responseAttributes, responseHeaders, allowSensitiveHeaders, semconv } = this.config;
    if (span.isRecording()) {
      setEndGroup(
        span,
        this.peer?.statusGroup(response.statusCode) ?? statusGroup(response.statusCode, semconv === 'dup'),
      );
      this.peer = undefined;
      if (response.statusCode >= FIRST_ERROR_STATUS) span.setStatus({ code: SpanStatusCode.ERROR });
      if (responseHeaders.length > 0) {
        const flat: FlatAttributes = [];
        const read = (name: string): string | undefined => response.header(name);
        captureHeaders(flat, 'http.response.header.', responseHeaders, read, allowSensitiveHeaders);
        if (flat.length > 0) setEndGroup(span, new AttributeGroup(flat));
      }
      const added = responseAttributes && callHook('responseAttributes', responseAttributes, response);
      if (added !== undefined) span.setAttributes(added);
    }
    if (endOn === 'headers') this.end();
  }

  /** The request failed, before its response or in the middle of it. */
  failed(error: unknown, signal: AbortSignal | undefined): void {
    const span = this.span;
    if (span === undefined) return;
    if (span.isRecording() || this.measured !== undefined || this.exceptions.toLogs) {
      const failure = judgeFailure(error, signal);
      if (!failure.cancelled) this.fail(span, failure.errorType, error);
    }
    this.end();
  }

  /** End the span once; later calls do nothing. */
  end(): void {
    const span = this.release();
    if (span === undefined) return;
    if (this.peer !== undefined) setEndGroup(span, this.peer.group);
    span.end();
    this.measured?.ended(span);
  }

  /** Forget the span without ending it: its attempts were seen one by one, and stand for it. */
  discard(): void {
    if (this.release() !== undefined) this.measured?.discarded();
  }

  private release(): Span | undefined {
    const span = this.span;
    this.span = undefined;
    this.context = ROOT_CONTEXT;
    return span;
  }

  private fail(span: Span, errorType: string, error: unknown): void {
    if (this.measured !== undefined) this.measured.errorType = errorType;
    span.setAttribute('error.type', errorType);
    recordError(span, error, { sink: this.exceptions });
  }
}
