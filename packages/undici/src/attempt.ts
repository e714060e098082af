/** One request on the wire and its span, as the interceptor and the channels follow it. */
import type { ClientSpan } from '@clew/core/http';
import type { Call } from './call.ts';
import type { CallFinder } from './call-finder.ts';
import type { ControllerStandIn } from './controller-stand-in.ts';
import { forget } from './under-way.ts';

const FIRST_FINAL_STATUS = 200;
const SWITCHING_PROTOCOLS = 101;
const FIRST_REDIRECT = 300;
const REDIRECTS = new Set([300, 301, 302, 303, 307, 308]);

/** What undici's retry handler refuses a response with. */
const REFUSED_FOR_RETRY = 'UND_ERR_REQ_RETRY';

/** An attempt that has a span. Every method may be called in any order, and more than once. */
export interface Attempt {
  readonly span: ClientSpan;
  /** undici's handler or the caller's, by which a repetition is known. */
  readonly inner: object | undefined;
  /** The caller's, where it is known. */
  readonly signal: AbortSignal | undefined;
  /** What the handler has in the place of undici's controller. */
  standIn: ControllerStandIn | undefined;
  /** Response headers have arrived, in any of undici's forms. */
  answered(status: unknown, headers: unknown): void;
  /** The connection is the caller's from now on. */
  upgraded(status: unknown, headers: unknown): void;
  /** The whole body has arrived. */
  ended(): void;
  /** Nothing can follow any more. undici keeps what watches a request for a while, and a call keeps its caller's span. */
  release(): void;
  /** @param signal  the caller's, where it is known */
  failed(error: unknown, signal?: AbortSignal): void;
}

/**
 * @param finder       is told what to expect next
 * @param inner        undici's handler or the caller's
 * @param url          absolute where the origin is known
 * @param traceparent  the header that it was noted by
 * @param given        the caller's signal as the request has it
 */
export type AttemptClass = new (
  span: ClientSpan,
  call: Call,
  finder: CallFinder,
  inner: object | undefined,
  url: string,
  traceparent: string | undefined,
  given?: AbortSignal,
) => Attempt;

/**
 * A class of attempts, to which methods may be added. A new one each time and none that is derived: V8 makes objects of
 * derived classes in a slow way, and there is one for every request.
 */
export function makeAttemptClass(): AttemptClass {
  return class TracedAttempt implements Attempt {
    readonly span: ClientSpan;
    private call: Call | undefined;
    private readonly finder: CallFinder;
    readonly inner: object | undefined;
    private readonly url: string;
    private readonly traceparent: string | undefined;
    private readonly given: AbortSignal | undefined;
    standIn: ControllerStandIn | undefined;

    constructor(
      span: ClientSpan,
      call: Call,
      finder: CallFinder,
      inner: object | undefined,
      url: string,
      traceparent: string | undefined,
      given?: AbortSignal,
    ) {
      this.span = span;
      this.call = call;
      this.finder = finder;
      this.inner = inner;
      this.url = url;
      this.traceparent = traceparent;
      this.given = given;
      this.standIn = undefined;
    }

    get signal(): AbortSignal | undefined {
      return this.given ?? this.call?.signal;
    }

    answered(status: unknown, headers: unknown): void {
      const statusCode = Number(status);
      // 1xx answers come before the final one.
      if (statusCode < FIRST_FINAL_STATUS && statusCode !== SWITCHING_PROTOCOLS) return;
      forget(this.traceparent);
      const call = this.call;
      if (statusCode >= FIRST_REDIRECT && call !== undefined) this.answeredElse(call, statusCode, headers);
      this.span.responded({ statusCode, header: this.span.readsHeaders ? headerReader(headers) : noHeader });
    }

    upgraded(status: unknown, headers: unknown): void {
      // undici 6 tells no status of a tunnel through HTTP/2.
      if (typeof status === 'number') this.answered(status, headers);
      this.ended();
    }

    ended(): void {
      forget(this.traceparent);
      this.span.end();
    }

    release(): void {
      this.call = undefined;
      this.standIn?.letGo();
    }

    failed(error: unknown, signal: AbortSignal | undefined = this.signal): void {
      const call = this.call;
      if (call === undefined) return;
      forget(this.traceparent);
      this.finder.mayRepeat(call, this.inner);
      if (codeOf(error) === REFUSED_FOR_RETRY) this.finder.refused(call, this.url);
      // Below fetch the signal is not always known. Neither sockets nor undici fail with what is no Error, so that is the
      // reason of a caller who cancelled.
      if (signal === undefined && !(error instanceof Error)) this.span.end();
      else this.span.failed(error, signal);
    }

    // Neither a success nor an interim answer: another attempt may follow.
    private answeredElse(call: Call, statusCode: number, headers: unknown): void {
      this.finder.mayRepeat(call, this.inner);
      if (REDIRECTS.has(statusCode)) this.redirected(call, readHeader(headers, 'location'));
    }

    private redirected(call: Call, location: string | undefined): void {
      if (location === undefined || !URL.canParse(location, this.url)) return;
      this.finder.redirected(call, new URL(location, this.url));
    }
  };
}

// Hooks may take it out of its object, so it is a function of its own; most services have none that looks at it.
function headerReader(headers: unknown): (name: string) => string | undefined {
  return (name) => readHeader(headers, name);
}

function noHeader(): undefined {
  return undefined;
}

/** A response header in undici's forms: an object with lower-case names, or a flat list of names and values. */
function readHeader(headers: unknown, wanted: string): string | undefined {
  if (Array.isArray(headers)) {
    for (let i = 0; i + 1 < headers.length; i += 2) {
      if (String(headers[i]).toLowerCase() === wanted) return String(headers[i + 1]);
    }
    return undefined;
  }
  const value = (headers as Record<string, unknown> | undefined | null)?.[wanted];
  return value === undefined ? undefined : String(value);
}

function codeOf(error: unknown): unknown {
  return typeof error === 'object' && error !== null ? (error as { code?: unknown }).code : undefined;
}
