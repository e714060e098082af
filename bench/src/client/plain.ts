import { subscribe } from 'node:diagnostics_channel';

import { Agent, type Dispatcher, request } from 'undici';

import type { Client, ClientOptions } from './variant.ts';

type Handler = Dispatcher.DispatchHandler;

/** Sends with `request` through a dispatcher. */
export function requestThrough(dispatcher: Dispatcher): Client['send'] {
  return async (url) => (await request(url, { dispatcher })).body.text();
}

/** Sends with a fetch. */
export function fetchBy(fetch: typeof globalThis.fetch): Client['send'] {
  return async (url) => (await fetch(url)).text();
}

/** The client alone. */
export function bare({ client }: Pick<ClientOptions, 'client'>): Client {
  return { send: client === 'fetch' ? fetchBy(fetch) : requestThrough(new Agent()), flush: async () => {} };
}

/** Hooks of the shape that tracing needs, which do nothing: what being called costs. */
export function control({ client }: Pick<ClientOptions, 'client'>): Client {
  const flush = async (): Promise<void> => {};
  if (client === 'fetch')
    return { send: fetchBy((input, init) => fetch(input, init).then((response) => response)), flush };
  if (client === 'request') {
    const agent = new Agent().compose((dispatch) => (options, handler) => dispatch(options, new PassedOn(handler)));
    return { send: requestThrough(agent), flush };
  }
  for (const name of ['request:create', 'client:sendHeaders', 'request:headers', 'request:trailers', 'request:error']) {
    subscribe(`undici:${name}`, () => {});
  }
  return { send: requestThrough(new Agent()), flush };
}

class PassedOn implements Handler {
  readonly #handler: Handler;

  constructor(handler: Handler) {
    this.#handler = handler;
  }

  onRequestStart(...args: Parameters<NonNullable<Handler['onRequestStart']>>): void {
    this.#handler.onRequestStart?.(...args);
  }

  onResponseStart(...args: Parameters<NonNullable<Handler['onResponseStart']>>): void {
    this.#handler.onResponseStart?.(...args);
  }

  onResponseData(...args: Parameters<NonNullable<Handler['onResponseData']>>): void {
    this.#handler.onResponseData?.(...args);
  }

  onResponseEnd(...args: Parameters<NonNullable<Handler['onResponseEnd']>>): void {
    this.#handler.onResponseEnd?.(...args);
  }

  onResponseError(...args: Parameters<NonNullable<Handler['onResponseError']>>): void {
    this.#handler.onResponseError?.(...args);
  }
}
