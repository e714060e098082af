/** Handlers that stand between undici and the caller's handler and watch one attempt. */
import type { Attempt } from './attempt.ts';

// undici's handlers take four arguments at most, in all versions.
type Method = (this: unknown, a?: unknown, b?: unknown, c?: unknown, d?: unknown) => unknown;
type Watch = (watched: WatchedHandler, a: unknown, b: unknown, c: unknown) => unknown;

const ended: Watch = ({ attempt }) => attempt.ended();

/** Every method by which undici calls a handler: those of 7 and 8 first, then those of 6. */
const METHODS: Array<[name: string, watch?: Watch]> = [
  ['onRequestStart'],
  ['onRequestUpgrade', ({ attempt }, _controller, status, headers) => attempt.upgraded(status, headers)],
  ['onResponseStart', ({ attempt }, _controller, status, headers) => attempt.answered(status, headers)],
  ['onResponseData'],
  ['onResponseEnd', ended],
  ['onResponseError', ({ attempt, signal }, _controller, error) => attempt.failed(error, signal)],
  ['onConnect'],
  ['onUpgrade', ({ attempt }, status, headers) => attempt.upgraded(status, headers)],
  ['onHeaders', ({ attempt }, status, headers) => attempt.answered(status, headers)],
  ['onData'],
  ['onComplete', ended],
  ['onError', ({ attempt, signal }, error) => attempt.failed(error, signal)],
  ['onBodySent'],
  ['onRequestSent'],
  ['onResponseStarted'],
];

const NAMES = METHODS.map(([name]) => name);

class WatchedHandler {
  readonly inner: Record<string, Method>;
  readonly attempt: Attempt;
  readonly signal: AbortSignal | undefined;

  constructor(inner: object, attempt: Attempt, signal: AbortSignal | undefined) {
    // undici calls handlers by the names above and no others.
    this.inner = inner as Record<string, Method>;
    this.attempt = attempt;
    this.signal = signal;
  }
}

/** By the methods that a handler has, one bit each. */
const shapes = new Map<number, typeof WatchedHandler>();

/**
 * A handler that ends `attempt` when the response, an upgrade or an error comes, and passes everything on.
 *
 * @param handler  the caller's, with the methods of undici 7 and 8 (`onResponseStart` …) or of 6 (`onHeaders` …)
 */
export function watchHandler(handler: object, attempt: Attempt, signal: AbortSignal | undefined): object {
  // undici chooses what to call by what a handler has, so exactly the methods of the caller's are there.
  let present = 0;
  for (let bit = 0; bit < NAMES.length; bit++) {
    if (typeof (handler as Record<string, unknown>)[NAMES[bit] as string] === 'function') present |= 1 << bit;
  }
  let Shape = shapes.get(present);
  if (Shape === undefined) {
    Shape = makeShape(present);
    shapes.set(present, Shape);
  }
  return new Shape(handler, attempt, signal);
}

function makeShape(present: number): typeof WatchedHandler {
  class Shape extends WatchedHandler {}
  METHODS.forEach(([name, watch], bit) => {
    if ((present & (1 << bit)) === 0) return;
    const value = watch === undefined ? forwarded(name) : watchedMethod(name, watch);
    Object.defineProperty(Shape.prototype, name, { value });
  });
  return Shape;
}

// The method is there: it was counted into the shape.
function forwarded(name: string): Method {
  return function forward(this: unknown, a, b, c, d) {
    return (this as WatchedHandler).inner[name]?.(a, b, c, d);
  };
}

function watchedMethod(name: string, watch: Watch): Method {
  return function forward(this: unknown, a, b, c, d) {
    const watched = this as WatchedHandler;
    watch(watched, a, b, c);
    return watched.inner[name]?.(a, b, c, d);
  };
}
