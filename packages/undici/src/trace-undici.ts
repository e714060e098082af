/** `traceUndici`: client spans for everything in the process that goes through undici, by its diagnostics channels. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';
import { describeError, reportFault } from '@clew/core';
import { type ClientSpan, HttpClientTracing } from '@clew/core/http';
import { readHeader } from './attempt-handler.ts';
import { callOf } from './call.ts';
import { readRequestHeader, writeRequestHeaders } from './channel-request.ts';
import type { ChannelRequest } from './channel-request.ts';
import type { TraceUndiciOptions } from './types.ts';
import { listening, takeAttempt } from './under-way.ts';
import { VERSION } from './version.ts';

const setter = {
  set(carrier: Record<string, string>, name: string, value: string): void {
    carrier[name] = value;
  },
};

/** What undici publishes; every message has the request, and what its channel is about. */
interface Message {
  request: ChannelRequest;
  response?: { statusCode: number; headers: unknown };
  socket?: Socket;
  error?: unknown;
}

/**
 * Trace every request of undici in this process, built-in fetch included. Requests that `traceFetch` or
 * `tracingInterceptor` trace already get no second span.
 *
 * @returns stops tracing; requests under way are ended by their own events no more
 * @throws ClewError `CLEW_ERR_OPTION` for a wrong option
 */
export function traceUndici(options?: TraceUndiciOptions): () => void {
  const client = new HttpClientTracing({ name: '@clew/undici', version: VERSION }, 'traceUndici', options);
  const spans = new WeakMap<object, ClientSpan>();
  const channels: Array<[string, (message: Message) => void]> = [
    ['undici:request:create', ({ request }) => created(client, spans, request)],
    ['undici:client:sendHeaders', ({ request, socket }) => sent(spans.get(request), request, socket)],
    ['undici:request:headers', ({ request, response }) => answered(spans.get(request), response)],
    ['undici:request:trailers', ({ request }) => spans.get(request)?.end()],
    ['undici:request:error', ({ request, error }) => spans.get(request)?.failed(error, undefined)],
  ];
  const endListening = listening();
  const ends = channels.map(([name, handle]) => {
    const guarded = (message: unknown): void => {
      // What a subscriber throws becomes an uncaught exception of the process.
      try {
        handle(message as Message);
      } catch (error) {
        reportFault('http_client', `an event of undici could not be traced: ${describeError(error)}`);
      }
    };
    subscribe(name, guarded);
    return () => unsubscribe(name, guarded);
  });
  return () => {
    for (const end of ends) end();
    endListening();
  };
}

function created(client: HttpClientTracing, spans: WeakMap<object, ClientSpan>, request: ChannelRequest): void {
  const present = readRequestHeader(request, 'traceparent');
  if (present !== undefined && takeAttempt(present)) return;
  const active = client.tracing.active();
  const call = callOf(active);
  const origin = String(request.origin ?? '').replace(/\/$/, '');
  const path = String(request.path ?? '/');
  const url = path.startsWith('/') ? origin + path : path;
  const span = client.start(request.method, origin, url, call?.parent ?? active, call?.attempts ?? 0);
  if (span === undefined) return;
  if (call !== undefined) call.attempts++;
  spans.set(request, span);
  if (!span.propagates) return;
  const injected: Record<string, string> = {};
  client.tracing.inject(span.context, injected, setter);
  writeRequestHeaders(request, injected);
}

function sent(span: ClientSpan | undefined, request: ChannelRequest, socket: Socket | undefined): void {
  if (span === undefined) return;
  if (socket?.remoteAddress !== undefined) {
    span.span.setAttribute('network.peer.address', socket.remoteAddress);
    if (socket.remotePort !== undefined) span.span.setAttribute('network.peer.port', socket.remotePort);
  }
  // undici publishes nothing more about an upgrade or a tunnel.
  if (request.upgrade || request.method === 'CONNECT') socket?.once('close', () => span.end());
}

function answered(span: ClientSpan | undefined, response: Message['response']): void {
  if (span === undefined || response === undefined) return;
  const { statusCode, headers } = response;
  span.responded({ statusCode, header: (name) => readHeader(headers, name) });
}
