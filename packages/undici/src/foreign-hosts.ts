/**
 * Keeps the wrapper's headers from foreign hosts that a redirect leads to: fetch follows redirects by itself and sends the
 * caller's headers along. undici's channels show each request before it leaves.
 */
import { context } from '@clew/core';
import { callIn } from './call.ts';
import { type ChannelRequest, readRequestHeader, removeRequestHeaders, targetOfRequest } from './channel-request.ts';
import { subscribeGuarded } from './subscribe.ts';
import { ATTEMPT, addObserver, ownerOf } from './under-way.ts';

let isWatching = false;

/** Watch from now on. Once per process, for all wrappers, and never ended: a wrapper has no end either. */
export function keepFromForeignHosts(): void {
  if (isWatching) return;
  isWatching = true;
  addObserver();
  subscribeGuarded<{ request: ChannelRequest }>('undici:request:create', ({ request }) => {
    const owner = ownerOf(readRequestHeader(request, 'traceparent'));
    if (owner === ATTEMPT) return;
    const { wrapper, injected } = owner ?? callIn(context.active()) ?? {};
    if (wrapper === undefined || injected === undefined) return;
    if (!wrapper.propagatesTo(targetOfRequest(request).origin)) removeRequestHeaders(request, injected);
  });
}
