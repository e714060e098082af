/** The span of one request on its way out, or of one attempt of it. */
import { type Context, type Span, SpanStatusCode } from '@opentelemetry/api';
import { AttributeGroup, type FlatAttributes } from '../attributes.ts';
import { recordError } from '../exception.ts';
import type { ExceptionLog } from '../exception-log.ts';
import { callHook, setEndGroup } from '../plugin.ts';
import type { ClientMeasurement } from './client-metrics.ts';
import type { ClientConfig, ClientResponseInfo } from './client-options.ts';
import { judgeFailure } from './client-outcome.ts';
import { captureHeaders } from './headers.ts';

const FIRST_ERROR_STATUS = 400;

// By status code: 200 alone is most of what a service sees.
const statusGroups = new Map<string, AttributeGroup>();

/** The part of a socket that spans and metrics are told of. */
export interface ClientConnection {
  readonly remoteAddress?: string | undefined;
  readonly remotePort?: number | undefined;
  /** What TLS agreed upon: `h2`, `http/1.1`, or false for nothing. */
  readonly alpnProtocol?: string | false | null | undefined;
}

/** What a plugin keeps while a request is under way. */
export class ClientSpan {
  readonly span: Span;
  /** The context in which the span is active; headers are injected from it. */
  readonly context: Context;
  /** Whether this host gets headers. */
  readonly propagates: boolean;
  readonly #config: ClientConfig;
  readonly #exceptions: ExceptionLog;
  readonly #measured: ClientMeasurement | undefined;
  #ended = false;

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
    this.#config = config;
    this.#exceptions = exceptions;
    this.#measured = measured;
  }

  /** The request leaves on this connection. */
  sentOver({ remoteAddress, remotePort, alpnProtocol }: ClientConnection): void {
    if (this.#ended) return;
    // Without TLS nothing is agreed upon: both versions may be spoken there.
    const version = typeof alpnProtocol !== 'string' ? undefined : alpnProtocol === 'h2' ? '2' : '1.1';
    if (this.#measured !== undefined) this.#measured.version = version;
    const { span } = this;
    if (!span.isRecording()) return;
    if (remoteAddress !== undefined) span.setAttribute('network.peer.address', remoteAddress);
    if (remotePort !== undefined) span.setAttribute('network.peer.port', remotePort);
    if (version !== undefined) span.setAttribute('network.protocol.version', version);
    if (this.#config.semconv !== 'dup') return;
    if (remoteAddress !== undefined) span.setAttribute('net.peer.ip', remoteAddress);
    if (version !== undefined) span.setAttribute('http.flavor', version === '2' ? '2.0' : version);
    span.setAttribute('net.transport', remoteAddress === undefined ? 'unix' : 'ip_tcp');
  }

  /** The final response headers have arrived; ends the span unless it waits for the body. */
  responded(response: ClientResponseInfo): void {
    if (this.#ended) return;
    const { span } = this;
    if (this.#measured !== undefined) {
      this.#measured.status = response.statusCode;
      if (response.statusCode >= FIRST_ERROR_STATUS) this.#measured.errorType = String(response.statusCode);
    }
    const { endOn, responseAttributes, responseHeaders, allowSensitiveHeaders, semconv } = this.#config;
    if (span.isRecording()) {
      setEndGroup(span, statusGroup(response.statusCode, semconv === 'dup'));
      if (response.statusCode >= FIRST_ERROR_STATUS) span.setStatus({ code: SpanStatusCode.ERROR });
      if (responseHeaders.length > 0) {
        const flat: FlatAttributes = [];
        const read = (name: string): string | undefined => response.header(name);
        captureHeaders(flat, 'http.response.header.', responseHeaders, read, allowSensitiveHeaders);
        if (flat.length > 0) setEndGroup(span, new AttributeGroup(flat));
      }
      const added = callHook('responseAttributes', responseAttributes, response);
      if (added !== undefined) span.setAttributes(added);
    }
    if (endOn === 'headers') this.end();
  }

  /** The request failed, before its response or in the middle of it. */
  failed(error: unknown, signal: AbortSignal | undefined): void {
    if (this.#ended) return;
    if (this.span.isRecording() || this.#measured !== undefined || this.#exceptions.toLogs) {
      const failure = judgeFailure(error, signal);
      if (!failure.cancelled) this.#fail(failure.errorType, error);
    }
    this.end();
  }

  /** End the span once; later calls do nothing. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.span.end();
    this.#measured?.ended(this.span);
  }

  /** Forget the span without ending it: its attempts were seen one by one, and stand for it. */
  discard(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#measured?.discarded();
  }

  #fail(errorType: string, error: unknown): void {
    if (this.#measured !== undefined) this.#measured.errorType = errorType;
    this.span.setAttribute('error.type', errorType);
    recordError(this.span, error, { sink: this.#exceptions });
  }
}

function statusGroup(statusCode: number, dup: boolean): AttributeGroup {
  const key = dup ? `${statusCode} dup` : String(statusCode);
  let group = statusGroups.get(key);
  if (group === undefined) {
    const flat: FlatAttributes = ['http.response.status_code', statusCode];
    if (statusCode >= FIRST_ERROR_STATUS) flat.push('error.type', String(statusCode));
    if (dup) flat.push('http.status_code', statusCode);
    group = new AttributeGroup(flat);
    // Three digits, so the table is bounded.
    if (statusCode >= 100 && statusCode <= 999) statusGroups.set(key, group);
  }
  return group;
}
