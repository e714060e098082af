/** `tracingInterceptor`: a CLIENT span for each attempt that passes through a dispatcher. */
import { checkOptionNames, ClewError, type Context } from '@clew/core';
import { CLIENT_OPTION_NAMES, type ClientSpan, HttpClientTracing } from '@clew/core/http';
import { watchHandler } from './attempt-handler.ts';
import { type Call, callOf } from './call.ts';
import { type DispatchHeaders, readDispatchHeader, withDispatchHeaders } from './dispatch-headers.ts';
import { splitUrl } from './request-url.ts';
import type { TracingInterceptorOptions } from './types.ts';
import { noteAttempt } from './under-way.ts';
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

const setter = {
  set(carrier: Record<string, string>, name: string, value: string): void {
    carrier[name] = value;
  },
};

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
  const calls = new WeakMap<object, Call>();
  return (dispatch) => (given, handler) => {
    const request = given as DispatchOptions;
    const call = callFor(client, calls, handler as object);
    const attempt = startAttempt(client, request, fixedOrigin, call);
    if (attempt === undefined) return dispatch(given, handler);
    call.attempts++;
    const signal = request.signal instanceof AbortSignal ? request.signal : undefined;
    const watched = watchHandler(handler as object, attempt, signal);
    try {
      return dispatch(withHeaders(client, request, attempt), watched);
    } catch (error) {
      attempt.failed(error, signal);
      throw error;
    }
  };
}

const MAX_WRAPPED = 8;

function parseOrigin(origin: unknown): string {
  const parsed = typeof origin === 'string' && URL.canParse(origin) ? new URL(origin) : undefined;
  if (parsed !== undefined && (parsed.protocol === 'http:' || parsed.protocol === 'https:')) return parsed.origin;
  throw new ClewError('CLEW_ERR_OPTION', `origin must be an http or https URL, got ${String(origin)}`);
}

// A retry or redirect comes from a socket's context and with a new handler around the one of the attempt before it:
// undici's own handlers show what they wrap as `handler`, and so lead to the call.
function callFor(client: HttpClientTracing, calls: WeakMap<object, Call>, handler: object): Call {
  const chain = wrappedHandlers(handler);
  const known = chain.map((one) => calls.get(one)).find((call) => call !== undefined);
  const active: Context = client.tracing.active();
  const call = known ?? callOf(active) ?? { parent: active, attempts: 0 };
  for (const one of chain) calls.set(one, call);
  return call;
}

function wrappedHandlers(handler: object): object[] {
  const chain = [handler];
  let current: unknown = (handler as { handler?: unknown }).handler;
  while (typeof current === 'object' && current !== null && chain.length < MAX_WRAPPED) {
    chain.push(current);
    current = (current as { handler?: unknown }).handler;
  }
  return chain;
}

function startAttempt(
  client: HttpClientTracing,
  request: DispatchOptions,
  fixedOrigin: string | undefined,
  call: Call,
): ClientSpan | undefined {
  const origin = originOf(request, fixedOrigin);
  const path = String(request.path ?? '/');
  // A path may be a whole URL, which proxies want.
  const target = path.startsWith('/') ? undefined : splitUrl(path);
  const url = target?.url ?? origin + path;
  return client.start(request.method ?? 'GET', target?.origin ?? origin, url, call.parent, call.attempts);
}

function originOf({ origin, headers }: DispatchOptions, fixedOrigin: string | undefined): string {
  if (typeof origin === 'string') return origin.endsWith('/') ? origin.slice(0, -1) : origin;
  if (origin instanceof URL) return origin.origin;
  if (fixedOrigin !== undefined) return fixedOrigin;
  const host = readDispatchHeader(headers, 'host');
  return host === undefined ? '' : `http://${host}`;
}

function withHeaders(client: HttpClientTracing, request: DispatchOptions, attempt: ClientSpan): DispatchOptions {
  if (!attempt.propagates) return request;
  const injected: Record<string, string> = {};
  client.tracing.inject(attempt.context, injected, setter);
  noteAttempt(injected.traceparent);
  return { ...request, headers: withDispatchHeaders(request.headers, injected) };
}
