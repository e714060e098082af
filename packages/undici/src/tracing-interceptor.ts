/** `tracingInterceptor`: a CLIENT span for each attempt that passes through a dispatcher. */
import { ClewError, checkOptionNames } from '@clew/core';
import { CLIENT_OPTION_NAMES, HttpClientTracing } from '@clew/core/http';
import { handlerAttemptFor } from './attempt-handler.ts';
import type { Call } from './call.ts';
import { CallFinder } from './call-finder.ts';
import {
  type DispatchHeaders,
  readableHeaders,
  readDispatchHeader,
  withDispatchHeaders,
  withoutDispatchHeaders,
} from './dispatch-headers.ts';
import { type InjectedHeaders, injectedFrom } from './inject.ts';
import { type RequestUrl, splitUrl } from './request-url.ts';
import type { TracingInterceptorOptions } from './types.ts';
import { ATTEMPT, addObserver, anyUnderWay, noteAttempt, ownerOf } from './under-way.ts';
import { VERSION } from './version.ts';

/** The part of undici's dispatch options that is read. */
interface DispatchOptions {
  origin?: string | URL | null;
  path?: string;
  method?: string;
  headers?: DispatchHeaders;
  signal?: unknown;
}

/** undici's dispatch function, in the forms of all its versions. */
// biome-ignore lint/suspicious/noExplicitAny: undici's own types differ between its versions in both parameters.
type Dispatch = (options: any, handler: any) => boolean;

/**
 * An interceptor for `dispatcher.compose(tracingInterceptor(), …)` of undici 6, 7 and 8. Put it first: what stands before
 * `retry` and `redirect` sees every attempt, each with its own span; what stands after them sees the call once.
 *
 * @throws ClewError `CLEW_ERR_OPTION` for a wrong option
 */
export function tracingInterceptor(options: TracingInterceptorOptions = {}): (dispatch: Dispatch) => Dispatch {
  checkOptionNames('tracingInterceptor', options, ['origin', ...CLIENT_OPTION_NAMES]);
  const { origin, ...shared } = options;
  const fixedOrigin = origin === undefined ? undefined : parseOrigin(origin);
  const client = new HttpClientTracing({ name: '@clew/undici', version: VERSION }, 'tracingInterceptor', shared);
  const finder = new CallFinder(client);
  addObserver();
  return (dispatch) => (given, handler) => {
    const request = readable(given as DispatchOptions);
    const owner = anyUnderWay() ? ownerOf(readDispatchHeader(request.headers, 'traceparent')) : undefined;
    if (owner === ATTEMPT) return dispatch(request, handler);
    const target = targetOf(request, fixedOrigin);
    const call = owner ?? finder.find(handler as object, target);
    const span = client.start(request.method ?? 'GET', target.origin, target.url, call.parent, call.attempts);
    if (span === undefined) return dispatch(request, handler);
    call.attempts++;
    const injected = span.propagates ? injectedFrom(client, span) : undefined;
    noteAttempt(injected?.traceparent);
    const traceparent = injected?.traceparent;
    const signal = request.signal instanceof AbortSignal ? request.signal : undefined;
    const Attempt = handlerAttemptFor(handler as object);
    const attempt = new Attempt(span, call, finder, handler as object, target.url, traceparent, signal);
    try {
      return dispatch(withHeaders(request, injected, call), attempt);
    } catch (error) {
      attempt.failed(error);
      throw error;
    }
  };
}

function parseOrigin(origin: unknown): string {
  const parsed = typeof origin === 'string' && URL.canParse(origin) ? new URL(origin) : undefined;
  if (parsed !== undefined && (parsed.protocol === 'http:' || parsed.protocol === 'https:')) return parsed.origin;
  throw new ClewError('CLEW_ERR_OPTION', `origin must be an http or https URL, got ${String(origin)}`);
}

function targetOf(request: DispatchOptions, fixedOrigin: string | undefined): RequestUrl {
  const origin = originOf(request, fixedOrigin);
  const path = String(request.path ?? '/');
  if (path.startsWith('/')) return { url: origin + path, origin, path };
  // A proxy wants the whole URL as the path; a tunnel names its target as host and port, which is no URL.
  return (request.method === 'CONNECT' ? undefined : splitUrl(path)) ?? { url: `${origin}/`, origin, path };
}

function originOf({ origin, headers }: DispatchOptions, fixedOrigin: string | undefined): string {
  if (typeof origin === 'string') return origin.endsWith('/') ? origin.slice(0, -1) : origin;
  if (origin instanceof URL) return origin.origin;
  if (fixedOrigin !== undefined) return fixedOrigin;
  const host = readDispatchHeader(headers, 'host');
  return host === undefined ? '' : `http://${host}`;
}

function readable(given: DispatchOptions): DispatchOptions {
  const headers = readableHeaders(given.headers);
  return headers === given.headers ? given : { ...given, headers };
}

function withHeaders(request: DispatchOptions, injected: InjectedHeaders | undefined, call: Call): DispatchOptions {
  if (injected !== undefined) return { ...request, headers: withDispatchHeaders(request.headers, injected) };
  // A redirect has led the wrapper's headers to a host that gets none.
  if (call.injected === undefined) return request;
  return { ...request, headers: withoutDispatchHeaders(request.headers, call.injected) };
}
