import { subscribe, unsubscribe } from 'node:diagnostics_channel';

import type { Dispatcher } from 'undici';

import { PassedOn } from '../passed-on.ts';
import type { Client, Transport } from './variant.ts';

const noFlush = async (): Promise<void> => {};

/** Sends with `request` through a dispatcher. */
export async function requestThrough(dispatcher: Dispatcher): Promise<Client['send']> {
  // Not before: undici puts a dispatcher of its own below the built-in fetch when it is loaded.
  const { request } = await import('undici');
  return async (url) => (await request(url, { dispatcher })).body.text();
}

/** Sends with a fetch. */
export function fetchBy(fetch: typeof globalThis.fetch): Client['send'] {
  return async (url) => (await fetch(url)).text();
}

/** The client alone. */
export async function bare(transport: Transport): Promise<Client> {
  if (transport.client === 'fetch') return { send: fetchBy(fetch), flush: noFlush };
  return { send: await requestThrough(transport.dispatcher), flush: noFlush };
}

/** Hooks of the shape that tracing needs, which do nothing: what being called costs. */
export async function control(transport: Transport): Promise<Client> {
  if (transport.client === 'fetch') {
    return { send: fetchBy((input, init) => fetch(input, init).then((response) => response)), flush: noFlush };
  }
  const { client, dispatcher } = transport;
  if (client === 'channels') return { send: await requestThrough(dispatcher), listen: listenIdly, flush: noFlush };
  const composed = dispatcher.compose((dispatch) => (options, handler) => dispatch(options, new PassedOn(handler)));
  return { send: await requestThrough(composed), flush: noFlush };
}

function listenIdly(): () => void {
  const channels = ['request:create', 'client:sendHeaders', 'request:headers', 'request:trailers', 'request:error'];
  const names = channels.map((name) => `undici:${name}`);
  const ignore = (): void => {};
  for (const name of names) subscribe(name, ignore);
  return () => {
    for (const name of names) unsubscribe(name, ignore);
  };
}
