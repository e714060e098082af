/** Finds the call that a request belongs to: nothing that undici tells says which requests are attempts of one. */
import type { HttpClientTracing } from '@clew/core/http';
import { type Call, callOf, newCall } from './call.ts';
import { ExpectedAttempts } from './expected-attempts.ts';
import type { RequestUrl } from './request-url.ts';

// Handlers that wrap one another are few: cache, retry, redirect and the like.
const MAX_WRAPPED = 8;

/** The calls that one interceptor or one subscription has seen. */
export class CallFinder {
  readonly #client: HttpClientTracing;
  // Filled by what may be repeated alone: a weak entry for every request would keep the garbage collector busy.
  #byHandler: WeakMap<object, Call> | undefined;
  readonly #expected = new ExpectedAttempts();

  constructor(client: HttpClientTracing) {
    this.#client = client;
  }

  /** The call of a request that is made now; a new one when it is nobody's. */
  find(handler: object | undefined, { url, path }: RequestUrl): Call {
    const active = this.#client.tracing.active();
    return (
      this.#ofHandler(handler) ?? this.#expected.take(url, active) ?? callOf(active, path) ?? newCall(active, path)
    );
  }

  /** An attempt has had an answer or an error that another attempt may follow, with its handler or one around it. */
  mayRepeat(call: Call, handler: object | undefined): void {
    this.#byHandler ??= new WeakMap();
    for (const one of wrappedHandlers(handler)) this.#byHandler.set(one, call);
  }

  /** A response has sent its client elsewhere. */
  redirected(call: Call, { origin, pathname, search }: URL): void {
    call.path = pathname + search;
    this.#expected.redirect(origin + call.path, call, this.#client.tracing.active());
  }

  /** undici's retry handler has refused the response to a request for `url`. */
  refused(call: Call, url: string): void {
    this.#expected.retry(url, call, this.#client.tracing.active());
  }

  #ofHandler(handler: object | undefined): Call | undefined {
    if (this.#byHandler === undefined) return undefined;
    for (const one of wrappedHandlers(handler)) {
      const call = this.#byHandler.get(one);
      if (call !== undefined) return call;
    }
    return undefined;
  }
}

/**
 * A handler and those that it wraps. A retry or redirect comes from a socket's context and with a new handler around the
 * one of the attempt before it: undici's own handlers show what they wrap as `handler`.
 */
export function wrappedHandlers(handler: unknown): object[] {
  const chain: object[] = [];
  let current = handler;
  while (typeof current === 'object' && current !== null && chain.length <= MAX_WRAPPED) {
    chain.push(current);
    current = (current as { handler?: unknown }).handler;
  }
  return chain;
}
