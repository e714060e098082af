/** The arguments of a fetch call: what a span is made of, and a copy with the propagation headers put in. */
import type { InjectedHeaders } from './inject.ts';
import { type RequestUrl, splitUrl } from './request-url.ts';

// The six that fetch writes in upper case; all others leave as they were given.
const NORMALIZED = new Set(['DELETE', 'GET', 'HEAD', 'OPTIONS', 'POST', 'PUT']);

/** Members of `RequestInit`; what is no plain object, such as a `Request`, has them as getters. */
const INIT_MEMBERS = [
  'method',
  'headers',
  'body',
  'duplex',
  'signal',
  'redirect',
  'dispatcher',
  'credentials',
  'cache',
  'integrity',
  'keepalive',
  'mode',
  'priority',
  'referrer',
  'referrerPolicy',
  'window',
] as const;

type Init = Record<string, unknown>;
type HeadersLike = NonNullable<RequestInit['headers']>;

/** A fetch call, as far as it can be read without consuming anything. */
export interface FetchCall {
  readonly method: string;
  readonly target: RequestUrl;
  readonly signal: AbortSignal | undefined;
  readonly headers: HeadersLike | undefined;
  /** The input, where it is a `Request`. */
  readonly request: Request | undefined;
}

/** @returns `undefined` for what is no http request, or what fetch will refuse */
export function readFetchCall(input: unknown, init: RequestInit | undefined): FetchCall | undefined {
  try {
    const request = isRequest(input) ? input : undefined;
    const target = splitUrl(request === undefined ? String(input) : request.url);
    if (target === undefined) return undefined;
    return {
      method: normalizeMethod(init?.method ?? request?.method ?? 'GET'),
      target,
      signal: init?.signal ?? request?.signal ?? undefined,
      headers: init?.headers ?? request?.headers,
      request,
    };
  } catch {
    // What cannot be read is fetch's to refuse.
    return undefined;
  }
}

/** What fetch is called with. */
export type FetchArguments = [input: unknown, init?: RequestInit | undefined];

/**
 * The arguments with each injected header once; what the caller gave is copied where it changes.
 *
 * @returns the caller's own for headers that fetch will refuse
 */
export function withInjected(given: FetchArguments, call: FetchCall, injected: InjectedHeaders): FetchArguments {
  const [input, init] = given;
  if (init === undefined && call.request?.referrer?.includes('://')) return [copyRequest(call.request, injected)];
  const headers = withHeaders(call.headers, injected);
  if (headers === undefined) return given;
  return [input, init === undefined ? { headers } : { ...copyOf(init), headers }];
}

// Fetch, "Request class", constructor: any init at all resets the referrer of a Request. A copy without one is what fetch
// itself makes of it, body included.
function copyRequest(request: Request, injected: InjectedHeaders): Request {
  const isBuiltIn: boolean = request instanceof Request;
  // The class of another copy of undici takes the same arguments.
  const Class = isBuiltIn ? Request : (request.constructor as typeof Request);
  const copy = new Class(request);
  for (const [name, value] of Object.entries(injected)) copy.headers.set(name, value);
  return copy;
}

function copyOf(init: RequestInit): Init {
  if (isPlainObject(init)) return { ...init };
  const copy: Init = {};
  for (const name of INIT_MEMBERS) {
    const value = (init as Init)[name];
    if (value !== undefined) copy[name] = value;
  }
  return copy;
}

function withHeaders(given: HeadersLike | undefined, injected: InjectedHeaders): HeadersLike | undefined {
  if (given === undefined) return injected;
  if (isPlainObject(given)) return { ...withoutNames(given, injected), ...injected };
  try {
    // Headers, pairs and other iterables; `Headers` of another copy of undici is read as an iterable.
    const headers = new Headers(given);
    for (const [name, value] of Object.entries(injected)) headers.set(name, value);
    return headers;
  } catch {
    return undefined;
  }
}

function isPlainObject(value: unknown): value is Record<string, string> {
  if (typeof value !== 'object' || value === null || Symbol.iterator in value) return false;
  const prototype = Object.getPrototypeOf(value) as unknown;
  return prototype === Object.prototype || prototype === null;
}

function withoutNames(given: Record<string, string>, injected: InjectedHeaders): Record<string, string> {
  const names = Object.keys(given).filter((name) => Object.hasOwn(injected, name.toLowerCase()));
  if (names.length === 0) return given;
  const copy = { ...given };
  for (const name of names) delete copy[name];
  return copy;
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
