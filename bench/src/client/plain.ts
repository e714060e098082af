import { subscribe, unsubscribe } from 'node:diagnostics_channel';

import type { Dispatcher } from 'undici';

import { HEADERS, passOn } from '../passed-on.ts';
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

/**
 * What a traced request cannot do without, sampled or not, without any tracing: a `traceparent`, here always the same,
 * and a handler that passes on.
 */
export async function control(transport: Transport): Promise<Client> {
  if (transport.client === 'fetch') {
    const send = fetchBy((input, init) => fetch(input, { ...init, headers: HEADERS }).then((response) => response));
    return { send, flush: noFlush };
  }
  const { client, dispatcher } = transport;
  if (client === 'channels') return { send: await requestThrough(dispatcher), listen: listenIdly, flush: noFlush };
  return { send: await requestThrough(dispatcher.compose(passOn)), flush: noFlush };
}

const IDLE_CHANNELS = ['client:sendHeaders', 'request:headers', 'request:trailers', 'request:error'];

function listenIdly(): () => void {
  const ignore = (): void => {};
  const listeners = new Map([
    ['undici:request:create', addHeader],
    ...IDLE_CHANNELS.map((name) => [`undici:${name}`, ignore] as const),
  ]);
  for (const [name, listener] of listeners) subscribe(name, listener);
  return () => {
    for (const [name, listener] of listeners) unsubscribe(name, listener);
  };
}

function addHeader(message: unknown): void {
  const { request } = message as { request: { addHeader(name: string, value: string): void } };
  request.addHeader('traceparent', HEADERS.traceparent);
}
