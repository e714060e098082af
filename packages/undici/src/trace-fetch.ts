/** `traceFetch`: the same fetch, with a CLIENT span for each call and the headers that continue the trace. */
import { ClewError, type Context } from '@clew/core';
import { type ClientSpan, HttpClientTracing } from '@clew/core/http';
import { type Call, withCall } from './call.ts';
import { type InjectedHeaders, withInjected } from './fetch-headers.ts';
import { type RequestUrl, splitUrl } from './request-url.ts';
import type { TraceFetchOptions } from './types.ts';
import { VERSION } from './version.ts';

// The six that fetch writes in upper case; all others leave as they were given.
const NORMALIZED = new Set(['DELETE', 'GET', 'HEAD', 'OPTIONS', 'POST', 'PUT']);
const TRACED = Symbol.for('@clew/undici traced');

const setter = {
  set(carrier: InjectedHeaders, name: string, value: string): void {
    carrier[name] = value;
  },
};

/** The parts of a fetch call that a span is made of. */
interface FetchCall {
  method: string;
  target: RequestUrl;
  headers: RequestInit['headers'];
  signal: AbortSignal | undefined;
}

/**
 * Trace a fetch: the built-in one, undici's, or any other that takes the same arguments.
 *
 * @param fetch  called with the caller's arguments, and headers added to a copy of them
 * @returns a function of the same type; what it resolves to or rejects with is what `fetch` gives, unchanged
 * @throws ClewError `CLEW_ERR_TARGET` when it is no function, `CLEW_ERR_OPTION` for a wrong option
 */
export function traceFetch<F extends (...args: never[]) => Promise<unknown>>(fetch: F, options?: TraceFetchOptions): F {
  if (typeof fetch !== 'function') throw new ClewError('CLEW_ERR_TARGET', 'traceFetch needs a fetch function');
  if (TRACED in fetch) return fetch;
  const client = new HttpClientTracing({ name: '@clew/undici', version: VERSION }, 'traceFetch', options);
  // fetch's own types differ between undici's versions; the arguments that are read are the same in all.
  const original = fetch as unknown as (input: unknown, init?: RequestInit) => Promise<Response>;
  const traced = (input: unknown, init?: RequestInit): Promise<Response> => {
    const call = readCall(input, init);
    if (call === undefined) return original(input, init);
    const parent = client.tracing.active();
    const span = client.start(call.method, call.target.origin, call.target.url, parent);
    if (span === undefined) return original(input, init);
    return send(client, span, parent, call, (withHeaders) => original(input, withHeaders ?? init), init);
  };
  Object.defineProperty(traced, TRACED, { value: true });
  Object.defineProperty(traced, 'name', { value: fetch.name, configurable: true });
  return traced as unknown as F;
}

function send(
  client: HttpClientTracing,
  span: ClientSpan,
  parent: Context,
  { headers, signal }: FetchCall,
  original: (init?: RequestInit) => Promise<Response>,
  init: RequestInit | undefined,
): Promise<Response> {
  const call: Call = { parent, attempts: 0 };
  let withHeaders: RequestInit | undefined;
  if (span.propagates) {
    const injected: InjectedHeaders = {};
    client.tracing.inject(span.context, injected, setter);
    withHeaders = { ...init, headers: withInjected(headers, injected) };
  }
  let answer: Promise<Response>;
  try {
    answer = client.tracing.run(withCall(span.context, call), original, undefined, withHeaders);
  } catch (error) {
    settle(span, call, () => span.failed(error, signal));
    throw error;
  }
  // Not watched beside the caller: that would count as handling its rejection, and an error that nobody handles would go
  // unnoticed. The caller gets a promise that settles in the same way.
  return answer.then(
    (response) => {
      settle(span, call, () => span.responded(responseInfo(response)));
      return response;
    },
    (error: unknown) => {
      settle(span, call, () => span.failed(error, signal));
      throw error;
    },
  );
}

function settle(span: ClientSpan, call: Call, end: () => void): void {
  if (call.attempts > 0) span.discard();
  else end();
}

function responseInfo(response: Response): { statusCode: number; header(name: string): string | undefined } {
  return { statusCode: response.status, header: (name) => response.headers.get(name) ?? undefined };
}

function readCall(input: unknown, init: RequestInit | undefined): FetchCall | undefined {
  try {
    const request = isRequest(input) ? input : undefined;
    const target = splitUrl(request === undefined ? String(input) : request.url);
    if (target === undefined) return undefined;
    return {
      method: normalizeMethod(init?.method ?? request?.method ?? 'GET'),
      target,
      headers: init?.headers ?? request?.headers,
      signal: init?.signal ?? request?.signal ?? undefined,
    };
  } catch {
    // What cannot be read is fetch's to refuse.
    return undefined;
  }
}

// By shape: a Request of another copy of undici is none of the global class.
function isRequest(input: unknown): input is Request {
  return typeof input === 'object' && input !== null && !(input instanceof URL) && 'url' in input && 'method' in input;
}

function normalizeMethod(given: unknown): string {
  const method = String(given);
  const upper = method.toUpperCase();
  return NORMALIZED.has(upper) ? upper : method;
}
