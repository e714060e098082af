/** Handlers that stand between undici and the caller's handler and watch one attempt. */
import type { Attempt } from './attempt.ts';

// undici's handlers take four arguments at most, in all versions.
type Method = (a?: unknown, b?: unknown, c?: unknown, d?: unknown) => unknown;

/** The methods by which undici calls handlers: those of 7 and 8 first, then those of 6. */
interface Handler {
  onRequestStart?: Method;
  onRequestUpgrade?: Method;
  onResponseStart?: Method;
  onResponseData?: Method;
  onResponseEnd?: Method;
  onResponseError?: Method;
  onConnect?: Method;
  onUpgrade?: Method;
  onHeaders?: Method;
  onData?: Method;
  onComplete?: Method;
  onError?: Method;
  onBodySent?: Method;
  onRequestSent?: Method;
  onResponseStarted?: Method;
}

class WatchedHandler {
  readonly inner: Handler;
  readonly attempt: Attempt;
  readonly signal: AbortSignal | undefined;

  constructor(inner: object, attempt: Attempt, signal: AbortSignal | undefined) {
    // undici calls handlers by the names above and no others.
    this.inner = inner as Handler;
    this.attempt = attempt;
    this.signal = signal;
  }
}

/** Where the methods are taken from. Written out one by one: a call by a name that varies costs ten times as much. */
class AllMethods extends WatchedHandler implements Handler {
  onRequestStart(a: unknown, b: unknown, c: unknown, d: unknown): unknown {
    return this.inner.onRequestStart?.(a, b, c, d);
  }
  onRequestUpgrade(a: unknown, status: unknown, headers: unknown, d: unknown): unknown {
    this.attempt.upgraded(status, headers);
    return this.inner.onRequestUpgrade?.(a, status, headers, d);
  }
  onResponseStart(a: unknown, status: unknown, headers: unknown, d: unknown): unknown {
    this.attempt.answered(status, headers);
    return this.inner.onResponseStart?.(a, status, headers, d);
  }
  onResponseData(a: unknown, b: unknown, c: unknown, d: unknown): unknown {
    return this.inner.onResponseData?.(a, b, c, d);
  }
  onResponseEnd(a: unknown, b: unknown, c: unknown, d: unknown): unknown {
    this.attempt.ended();
    const result = this.inner.onResponseEnd?.(a, b, c, d);
    // Not when it throws: undici calls `onResponseError` then, and the request may be repeated.
    this.attempt.release();
    return result;
  }
  onResponseError(a: unknown, error: unknown, c: unknown, d: unknown): unknown {
    this.attempt.failed(error, this.signal);
    return this.inner.onResponseError?.(a, error, c, d);
  }
  onConnect(a: unknown, b: unknown, c: unknown, d: unknown): unknown {
    return this.inner.onConnect?.(a, b, c, d);
  }
  onUpgrade(status: unknown, headers: unknown, c: unknown, d: unknown): unknown {
    this.attempt.upgraded(status, headers);
    return this.inner.onUpgrade?.(status, headers, c, d);
  }
  onHeaders(status: unknown, headers: unknown, c: unknown, d: unknown): unknown {
    this.attempt.answered(status, headers);
    return this.inner.onHeaders?.(status, headers, c, d);
  }
  onData(a: unknown, b: unknown, c: unknown, d: unknown): unknown {
    return this.inner.onData?.(a, b, c, d);
  }
  onComplete(a: unknown, b: unknown, c: unknown, d: unknown): unknown {
    this.attempt.ended();
    const result = this.inner.onComplete?.(a, b, c, d);
    this.attempt.release();
    return result;
  }
  onError(error: unknown, b: unknown, c: unknown, d: unknown): unknown {
    this.attempt.failed(error, this.signal);
    return this.inner.onError?.(error, b, c, d);
  }
  onBodySent(a: unknown, b: unknown, c: unknown, d: unknown): unknown {
    return this.inner.onBodySent?.(a, b, c, d);
  }
  onRequestSent(a: unknown, b: unknown, c: unknown, d: unknown): unknown {
    return this.inner.onRequestSent?.(a, b, c, d);
  }
  onResponseStarted(a: unknown, b: unknown, c: unknown, d: unknown): unknown {
    return this.inner.onResponseStarted?.(a, b, c, d);
  }
}

/** One bit for each method that a handler has. */
function shapeOf(handler: Handler): number {
  return (
    (typeof handler.onRequestStart === 'function' ? 1 : 0) |
    (typeof handler.onRequestUpgrade === 'function' ? 2 : 0) |
    (typeof handler.onResponseStart === 'function' ? 4 : 0) |
    (typeof handler.onResponseData === 'function' ? 8 : 0) |
    (typeof handler.onResponseEnd === 'function' ? 16 : 0) |
    (typeof handler.onResponseError === 'function' ? 32 : 0) |
    (typeof handler.onConnect === 'function' ? 64 : 0) |
    (typeof handler.onUpgrade === 'function' ? 128 : 0) |
    (typeof handler.onHeaders === 'function' ? 256 : 0) |
    (typeof handler.onData === 'function' ? 512 : 0) |
    (typeof handler.onComplete === 'function' ? 1024 : 0) |
    (typeof handler.onError === 'function' ? 2048 : 0) |
    (typeof handler.onBodySent === 'function' ? 4096 : 0) |
    (typeof handler.onRequestSent === 'function' ? 8192 : 0) |
    (typeof handler.onResponseStarted === 'function' ? 16_384 : 0)
  );
}

/** By the methods that a handler has. */
const shapes = new Map<number, typeof WatchedHandler>();

/**
 * A handler that ends `attempt` when the response, an upgrade or an error comes, and passes everything on.
 *
 * @param handler  the caller's, with the methods of undici 7 and 8 (`onResponseStart` …) or of 6 (`onHeaders` …)
 */
export function watchHandler(handler: object, attempt: Attempt, signal: AbortSignal | undefined): object {
  // undici chooses what to call by what a handler has, so exactly the methods of the caller's are there.
  const present = shapeOf(handler as Handler);
  let Shape = shapes.get(present);
  if (Shape === undefined) {
    Shape = makeShape(handler);
    shapes.set(present, Shape);
  }
  return new Shape(handler, attempt, signal);
}

function makeShape(handler: object): typeof WatchedHandler {
  class Shape extends WatchedHandler {}
  for (const [name, method] of Object.entries(Object.getOwnPropertyDescriptors(AllMethods.prototype))) {
    if (name === 'constructor' || typeof (handler as Record<string, unknown>)[name] !== 'function') continue;
    Object.defineProperty(Shape.prototype, name, method);
  }
  return Shape;
}
