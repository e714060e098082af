/** Attempts that are handlers: they stand between undici and the caller's handler, and pass everything on. */
import { type Attempt, type AttemptClass, makeAttemptClass } from './attempt.ts';
import { standInFor } from './controller-stand-in.ts';

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

interface HandlerAttempt extends Attempt {
  // undici calls handlers by the names above and no others.
  readonly inner: Handler;
}

/** What attempts are given. Written out one by one: a call by a name that varies costs ten times as much. */
const METHODS: { [Name in keyof Handler]-?: (this: HandlerAttempt, ...args: Parameters<Method>) => unknown } = {
  onRequestStart(this: HandlerAttempt, a: unknown, b: unknown, c: unknown, d: unknown): unknown {
    this.standIn = standInFor(a);
    return this.inner.onRequestStart?.(shown(this, a), b, c, d);
  },
  onRequestUpgrade(this: HandlerAttempt, a: unknown, status: unknown, headers: unknown, d: unknown): unknown {
    this.upgraded(status, headers);
    return this.inner.onRequestUpgrade?.(shown(this, a), status, headers, d);
  },
  onResponseStart(this: HandlerAttempt, a: unknown, status: unknown, headers: unknown, d: unknown): unknown {
    this.answered(status, headers);
    return this.inner.onResponseStart?.(shown(this, a), status, headers, d);
  },
  onResponseData(this: HandlerAttempt, a: unknown, b: unknown, c: unknown, d: unknown): unknown {
    return this.inner.onResponseData?.(shown(this, a), b, c, d);
  },
  onResponseEnd(this: HandlerAttempt, a: unknown, b: unknown, c: unknown, d: unknown): unknown {
    this.ended();
    const result = this.inner.onResponseEnd?.(shown(this, a), b, c, d);
    // Not when it throws: undici calls `onResponseError` then, and the request may be repeated.
    this.release();
    return result;
  },
  onResponseError(this: HandlerAttempt, a: unknown, error: unknown, c: unknown, d: unknown): unknown {
    this.failed(error);
    return this.inner.onResponseError?.(shown(this, a), error, c, d);
  },
  onConnect(this: HandlerAttempt, a: unknown, b: unknown, c: unknown, d: unknown): unknown {
    return this.inner.onConnect?.(a, b, c, d);
  },
  onUpgrade(this: HandlerAttempt, status: unknown, headers: unknown, c: unknown, d: unknown): unknown {
    this.upgraded(status, headers);
    return this.inner.onUpgrade?.(status, headers, c, d);
  },
  onHeaders(this: HandlerAttempt, status: unknown, headers: unknown, c: unknown, d: unknown): unknown {
    this.answered(status, headers);
    return this.inner.onHeaders?.(status, headers, c, d);
  },
  onData(this: HandlerAttempt, a: unknown, b: unknown, c: unknown, d: unknown): unknown {
    return this.inner.onData?.(a, b, c, d);
  },
  onComplete(this: HandlerAttempt, a: unknown, b: unknown, c: unknown, d: unknown): unknown {
    this.ended();
    const result = this.inner.onComplete?.(a, b, c, d);
    this.release();
    return result;
  },
  onError(this: HandlerAttempt, error: unknown, b: unknown, c: unknown, d: unknown): unknown {
    this.failed(error);
    return this.inner.onError?.(error, b, c, d);
  },
  onBodySent(this: HandlerAttempt, a: unknown, b: unknown, c: unknown, d: unknown): unknown {
    return this.inner.onBodySent?.(a, b, c, d);
  },
  onRequestSent(this: HandlerAttempt, a: unknown, b: unknown, c: unknown, d: unknown): unknown {
    return this.inner.onRequestSent?.(a, b, c, d);
  },
  onResponseStarted(this: HandlerAttempt, a: unknown, b: unknown, c: unknown, d: unknown): unknown {
    return this.inner.onResponseStarted?.(a, b, c, d);
  },
};

/** The controller that the caller's handler knows. */
function shown({ standIn }: HandlerAttempt, controller: unknown): unknown {
  return standIn !== undefined && standIn.target === controller ? standIn : controller;
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
const shapes = new Map<number, AttemptClass>();

/**
 * The class of attempts for handlers with the methods of this one.
 *
 * @param handler  the caller's, with the methods of undici 7 and 8 (`onResponseStart` …) or of 6 (`onHeaders` …)
 */
export function handlerAttemptFor(handler: object): AttemptClass {
  // undici chooses what to call by what a handler has, so exactly the methods of the caller's are there.
  const present = shapeOf(handler as Handler);
  let Shape = shapes.get(present);
  if (Shape === undefined) {
    Shape = makeShape(handler);
    shapes.set(present, Shape);
  }
  return Shape;
}

function makeShape(handler: object): AttemptClass {
  const Shape = makeAttemptClass();
  for (const [name, value] of Object.entries(METHODS)) {
    if (typeof (handler as Record<string, unknown>)[name] !== 'function') continue;
    Object.defineProperty(Shape.prototype, name, { value, writable: true, configurable: true });
  }
  return Shape;
}
