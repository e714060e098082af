/** How a response ended: whether the request failed, and by what `error.type`. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { errorType } from '../exception.ts';

/** The value for a client that went away before the answer was complete. */
const CLIENT_DISCONNECT = 'client_disconnect';
const RESPONSE_DESTROYED = 'response_destroyed';
const TIMEOUT = 'timeout';

const timedOutSockets = new WeakSet<object>();

/**
 * Note when a socket's timer runs out: Node.js then closes it without a reason. Only sockets that have a timer are
 * watched, which by default is none.
 */
export function watchTimeout(socket: Socket): void {
  if (!socket.listeners('timeout').includes(noteTimeout)) socket.on('timeout', noteTimeout);
}

function noteTimeout(this: Socket): void {
  timedOutSockets.add(this);
}

/** What an HTTP/2 response of Node.js's compatibility interface has. */
interface Http2Stream {
  readonly aborted: boolean;
  /** How the stream was closed: 0 is the regular way. */
  readonly rstCode: number;
}

/** What Node.js closes a stream with when the server destroys it with an error. */
const NGHTTP2_INTERNAL_ERROR = 2;

function http2StreamOf(res: ServerResponse): Http2Stream | undefined {
  return (res as { stream?: Http2Stream }).stream;
}

/** Whether the answer was written to its end. */
export function isComplete(req: IncomingMessage, res: ServerResponse): boolean {
  const stream = http2StreamOf(res);
  // Node.js ends a stream that the client has cancelled, so `writableFinished` says nothing there.
  if (stream !== undefined) return res.writableEnded && !stream.aborted && stream.rstCode === 0;
  // Node.js 20 says finished too of a response whose socket broke with most of it unsent.
  if (res.writableFinished) return (req.socket as { errored?: unknown }).errored == null;
  // Requests that are only simulated (Fastify's `inject`) have no connection to flush to: ended is finished there.
  return res.writableEnded && !('writableLength' in req.socket);
}

/** What the library knows of an answer that was broken off. */
export interface BrokenOff {
  /** The error that the application reported, or `undefined`. */
  readonly error: unknown;
  /** Whether the application took the connection over, so that an open end is what it wants. */
  readonly isDetached: boolean;
}

/**
 * The `error.type` of an answer that was not written to its end.
 *
 * @returns `undefined` when that is no failure: the client left an event stream, or the connection was taken over
 */
export function brokenOffType(req: IncomingMessage, res: ServerResponse, facts: BrokenOff): string | undefined {
  const { socket } = req;
  // `errored` is on every outgoing message of the supported Node.js lines; their types leave it out.
  const errored = (res as { errored?: unknown }).errored ?? undefined;
  const isOpenEnded = facts.isDetached || req.headers.upgrade !== undefined || isEventStream(res);
  if (isClosedByPeer(req, res, errored)) return isOpenEnded ? undefined : CLIENT_DISCONNECT;
  if (timedOutSockets.has(socket) || isTimeout(errored)) return TIMEOUT;
  const error = errored ?? facts.error;
  if (error !== undefined) return errorType(error);
  return isOpenEnded ? undefined : RESPONSE_DESTROYED;
}

/** What destroyed the response, if the server did and said why. */
export function destroyedBy(res: ServerResponse): unknown {
  return (res as { errored?: unknown }).errored ?? undefined;
}

function isClosedByPeer(req: IncomingMessage, res: ServerResponse, errored: unknown): boolean {
  const stream = http2StreamOf(res);
  if (stream !== undefined) return stream.rstCode !== 0 && stream.rstCode !== NGHTTP2_INTERNAL_ERROR;
  const { socket } = req;
  // A client that ends its side early is gone: Node.js closes the connection then.
  if (socket.readableEnded) return true;
  const reason = (socket as { errored?: { code?: unknown } | null }).errored;
  if (reason === null || reason === undefined || reason === errored) return false;
  return reason.code === 'ECONNRESET' || reason.code === 'EPIPE' || reason.code === 'ECONNABORTED';
}

function isTimeout(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return error.name === 'TimeoutError' || /(^|_)TIMEOUT$|^ETIMEDOUT$/.test(String((error as { code?: unknown }).code));
}

function isEventStream(res: ServerResponse): boolean {
  const type = res.getHeader('content-type');
  if (type !== undefined) return String(type).startsWith('text/event-stream');
  // Headers that were given to writeHead only are kept nowhere but in the text that was sent.
  const head = (res as { _header?: unknown })._header;
  return typeof head === 'string' && /\r\ncontent-type: *text\/event-stream/i.test(head);
}
