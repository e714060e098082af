/** `traceUndici`: client spans for everything in the process that goes through undici, by its diagnostics channels. */
import type { Socket } from 'node:net';
import { HttpClientTracing } from '@clew/core/http';
import { type Attempt, type AttemptClass, makeAttemptClass } from './attempt.ts';
import { CallFinder, wrappedHandlers } from './call-finder.ts';
import {
  type ChannelRequest,
  handlerOf,
  readRequestHeader,
  removeRequestHeaders,
  targetOfRequest,
  writeRequestHeaders,
} from './channel-request.ts';
import { injectedFrom } from './inject.ts';
import { subscribeGuarded } from './subscribe.ts';
import type { TraceUndiciOptions } from './types.ts';
import { ATTEMPT, addObserver, anyUnderWay, noteAttempt, ownerOf } from './under-way.ts';
import { VERSION } from './version.ts';

/** What undici publishes; every message has the request, and what its channel is about. */
interface Message {
  request: ChannelRequest;
  response?: { statusCode: number; headers: unknown };
  socket?: Socket & { alpnProtocol?: string | false | null };
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
  const channels = new Channels(options);
  const ends = [
    addObserver(),
    subscribeGuarded<Message>('undici:request:create', ({ request }) => channels.created(request)),
    subscribeGuarded<Message>('undici:client:sendHeaders', (message) => channels.sent(message)),
    subscribeGuarded<Message>('undici:request:headers', (message) => channels.answered(message)),
    subscribeGuarded<Message>('undici:request:trailers', ({ request }) => channels.ended(request)),
    subscribeGuarded<Message>('undici:request:error', (message) => channels.failed(message)),
  ];
  return () => {
    for (const end of ends) end();
  };
}

const ChannelAttempt: AttemptClass = makeAttemptClass();

/** The state of one subscription. */
class Channels {
  readonly #client: HttpClientTracing;
  readonly #finder: CallFinder;
  // On undici's own object: a weak entry for every request would keep the garbage collector busy.
  readonly #key = Symbol('clew attempt');

  constructor(options: TraceUndiciOptions | undefined) {
    this.#client = new HttpClientTracing({ name: '@clew/undici', version: VERSION }, 'traceUndici', options);
    this.#finder = new CallFinder(this.#client);
  }

  created(request: ChannelRequest): void {
    const owner = anyUnderWay() ? ownerOf(readRequestHeader(request, 'traceparent')) : undefined;
    if (owner === ATTEMPT) return;
    const target = targetOfRequest(request);
    const handler = handlerOf(request);
    const call = owner ?? this.#finder.find(handler, target);
    const span = this.#client.start(request.method, target.origin, target.url, call.parent, call.attempts);
    if (span === undefined) return;
    call.attempts++;
    const injected = span.propagates ? injectedFrom(this.#client, span) : undefined;
    if (injected !== undefined) writeRequestHeaders(request, injected);
    else if (call.injected !== undefined) removeRequestHeaders(request, call.injected);
    noteAttempt(injected?.traceparent);
    const attempt = new ChannelAttempt(span, call, this.#finder, handler, target.url, injected?.traceparent);
    request[this.#key] = attempt;
  }

  sent({ request, socket }: Message): void {
    const attempt = this.#attemptOf(request);
    if (attempt === undefined || socket === undefined) return;
    attempt.span.sentOver(socket);
    if (request.upgrade || request.method === 'CONNECT') watchUpgrade(request, attempt, socket);
  }

  answered({ request, response }: Message): void {
    this.#attemptOf(request)?.answered(response?.statusCode, response?.headers);
  }

  ended(request: ChannelRequest): void {
    this.#attemptOf(request)?.ended();
  }

  failed({ request, error }: Message): void {
    const attempt = this.#attemptOf(request);
    attempt?.failed(error, attempt.signal ?? signalBehind(error, request));
  }

  #attemptOf(request: ChannelRequest): Attempt | undefined {
    // Nobody else has the key.
    return request[this.#key] as Attempt | undefined;
  }
}

// Older versions, the built-in ones of Node.js 20 to 26 among them, publish nothing about the answer to an upgrade or a
// tunnel; they call a method of the object that they have published.
function watchUpgrade(request: ChannelRequest, attempt: Attempt, socket: Socket): void {
  for (const name of ['onUpgrade', 'onRequestUpgrade'] as const) {
    const method = request[name];
    if (typeof method !== 'function') continue;
    request[name] = (status, headers, ...rest) => {
      attempt.upgraded(status, headers);
      return method.call(request, status, headers, ...rest);
    };
  }
  socket.once('close', () => attempt.ended());
}

// The caller's signal is not in what is published, but undici's own request handlers keep why it was aborted.
function signalBehind(error: unknown, request: ChannelRequest): AbortSignal | undefined {
  for (const handler of wrappedHandlers(handlerOf(request))) {
    if (error !== undefined && (handler as { reason?: unknown }).reason === error) return AbortSignal.abort(error);
  }
  return undefined;
}
