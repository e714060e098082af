/** The current context: what span is active, the baggage, and whether tracing is suppressed. */
import { AsyncLocalStorage } from 'node:async_hooks';
import {
  type Baggage,
  type Context,
  type ContextManagementToken,
  type ContextManager,
  context as contextApi,
  createContextKey,
  ROOT_CONTEXT,
  type Span,
} from '@opentelemetry/api';
import { bindEmitter } from './bind-emitter.ts';
import { reportFault } from './faults.ts';

// The keys under which the API and the official SDK keep these values: the same text gives the same symbol.
const SPAN_KEY = createContextKey('OpenTelemetry Context Key SPAN');
const BAGGAGE_KEY = createContextKey('OpenTelemetry Baggage Key');
const SUPPRESS_KEY = createContextKey('OpenTelemetry SDK Context Key SUPPRESS_TRACING');

// Marks our contexts. `instanceof` would cost ten times as much, and is asked several times for each span.
const OURS = Symbol('clew.context');

/** An immutable context with fields for what is read on every request, and a map for keys that others put in. */
export class ClewContext implements Context {
  readonly span: Span | undefined;
  readonly baggage: Baggage | undefined;
  readonly suppressed: boolean;
  // Not `#others`: V8 defines such fields one by one on every object.
  private readonly others: ReadonlyMap<symbol, unknown> | undefined;

  constructor(
    span: Span | undefined,
    baggage: Baggage | undefined,
    suppressed: boolean,
    others?: ReadonlyMap<symbol, unknown>,
  ) {
    this.span = span;
    this.baggage = baggage;
    this.suppressed = suppressed;
    this.others = others;
  }

  getValue(key: symbol): unknown {
    if (key === SPAN_KEY) return this.span;
    if (key === BAGGAGE_KEY) return this.baggage;
    if (key === SUPPRESS_KEY) return this.suppressed ? true : undefined;
    return this.others?.get(key);
  }

  setValue(key: symbol, value: unknown): ClewContext {
    // The casts hold because these keys belong to the API, whose own setters give these types.
    if (key === SPAN_KEY) return this.withSpan(value as Span | undefined);
    if (key === BAGGAGE_KEY) return this.withBaggage(value as Baggage | undefined);
    if (key === SUPPRESS_KEY) return new ClewContext(this.span, this.baggage, value === true, this.others);
    const others = new Map(this.others);
    others.set(key, value);
    return new ClewContext(this.span, this.baggage, this.suppressed, others);
  }

  deleteValue(key: symbol): ClewContext {
    if (key === SPAN_KEY || key === BAGGAGE_KEY || key === SUPPRESS_KEY) return this.setValue(key, undefined);
    const others = new Map(this.others);
    others.delete(key);
    return new ClewContext(this.span, this.baggage, this.suppressed, others);
  }

  withSpan(span: Span | undefined): ClewContext {
    return new ClewContext(span, this.baggage, this.suppressed, this.others);
  }

  withBaggage(baggage: Baggage | undefined): ClewContext {
    return new ClewContext(this.span, baggage, this.suppressed, this.others);
  }
}

Object.defineProperty(ClewContext.prototype, OURS, { value: true });

/** The context outside of every request. */
export const ROOT: ClewContext = new ClewContext(undefined, undefined, false);

const storage = new AsyncLocalStorage<Context>();

// Whether somebody else's context manager is in charge while our provider is registered.
let isThroughApi = false;

/** Follow the API's context manager in place of our own storage; `registration.ts` knows when. */
export function followApiContext(isForeign: boolean): void {
  isThroughApi = isForeign;
}

/** The context of the code that runs now. */
export function activeContext(): Context {
  return isThroughApi ? contextApi.active() : storedContext();
}

/** The same by our own storage, whoever is in charge. */
export function storedContext(): Context {
  return storage.getStore() ?? ROOT;
}

/** Run a function in a context; returns what it returns and throws what it throws. */
export function runInContext<A extends unknown[], R>(
  context: Context,
  fn: (...args: A) => R,
  thisArg?: unknown,
  ...args: A
): R {
  // The API's types ask for a function that takes exactly these arguments, which it does.
  if (isThroughApi) return contextApi.with(context, fn as (...given: unknown[]) => R, thisArg as undefined, ...args);
  return runStored(context, fn, thisArg, ...args);
}

function runStored<A extends unknown[], R>(context: Context, fn: (...args: A) => R, thisArg?: unknown, ...args: A): R {
  const store = context === ROOT_CONTEXT ? ROOT : context;
  if (thisArg === undefined) return storage.run(store, fn, ...args);
  return storage.run(store, () => fn.apply(thisArg, args));
}

/**
 * Enter a context in the call that runs now, by our own storage.
 *
 * @returns leaves it again; to be called in the same call
 */
export function enterStored(context: Context): () => void {
  const before = storage.getStore() ?? ROOT;
  storage.enterWith(context === ROOT_CONTEXT ? ROOT : context);
  return () => storage.enterWith(before);
}

/** The span of any context, ours or foreign. */
export function spanOf(context: Context): Span | undefined {
  // What lies under this key was put there by the API's own setter.
  return isOurs(context) ? context.span : (foreignValue(context, SPAN_KEY) as Span | undefined);
}

/** The baggage of any context, ours or foreign. */
export function baggageOf(context: Context): Baggage | undefined {
  return isOurs(context) ? context.baggage : (foreignValue(context, BAGGAGE_KEY) as Baggage | undefined);
}

/** Whether spans and header injection are switched off in this context, as exporters do for their own requests. */
export function isSuppressed(context: Context): boolean {
  return isOurs(context) ? context.suppressed : foreignValue(context, SUPPRESS_KEY) === true;
}

/** The same context with another active span. */
export function withSpanIn(context: Context, span: Span | undefined): Context {
  return isOurs(context) ? context.withSpan(span) : foreignWith(context, SPAN_KEY, span);
}

/** The same context with other baggage. */
export function withBaggageIn(context: Context, baggage: Baggage | undefined): Context {
  return isOurs(context) ? context.withBaggage(baggage) : foreignWith(context, BAGGAGE_KEY, baggage);
}

function isOurs(context: Context): context is ClewContext {
  try {
    return (context as { [OURS]?: true })[OURS] === true;
  } catch {
    // A proxy that throws.
    return false;
  }
}

// What callers hand over as a context may be nothing, or throw: then it counts as the one outside of every request.
function foreignValue(context: Context, key: symbol): unknown {
  // Where requests begin: nothing is in it.
  if (context === ROOT_CONTEXT) return undefined;
  try {
    return context.getValue(key);
  } catch {
    reportFault('invalid_context', 'a context that cannot be read was taken for an empty one');
    return undefined;
  }
}

function foreignWith(context: Context, key: symbol, value: unknown): Context {
  if (context === ROOT_CONTEXT) return ROOT.setValue(key, value);
  try {
    return context.setValue(key, value);
  } catch {
    reportFault('invalid_context', 'a context that cannot be read was taken for an empty one');
    return ROOT.setValue(key, value);
  }
}

/** A context in which nothing is traced and no header is injected. */
export function suppressIn(context: Context): Context {
  return context.setValue(SUPPRESS_KEY, true);
}

/** The same outside of every request: where exporters run what is their own. */
export const SUPPRESSED: Context = suppressIn(ROOT);

/** Our storage as the API's context manager. */
export class ClewContextManager implements ContextManager {
  active(): Context {
    const context = storedContext();
    // The API promises its own constant outside of everything, and callers compare with it.
    return context === ROOT ? ROOT_CONTEXT : context;
  }

  with<A extends unknown[], F extends (...args: A) => ReturnType<F>>(
    context: Context,
    fn: F,
    thisArg?: ThisParameterType<F>,
    ...args: A
  ): ReturnType<F> {
    return runStored(context, fn, thisArg, ...args);
  }

  bind<T>(context: Context, target: T): T {
    if (bindEmitter(target, (listener) => bindFunction(context, listener))) return target;
    if (typeof target !== 'function') return target;
    // The bound function takes and gives what the target did.
    return bindFunction(context, target as unknown as (...args: unknown[]) => unknown) as unknown as T;
  }

  /**
   * Make a context the current one until the token is disposed. In an async function that has not waited yet this
   * reaches its caller; `with` does not.
   */
  attach(context: Context): ContextManagementToken {
    let leave: (() => void) | undefined = enterStored(context);
    const dispose = (): void => {
      leave?.();
      leave = undefined;
    };
    return { dispose };
  }

  enable(): this {
    return this;
  }

  disable(): this {
    return this;
  }
}

function bindFunction<A extends unknown[], R>(context: Context, fn: (...args: A) => R): (...args: A) => R {
  const bound = function (this: unknown, ...args: A): R {
    return runStored(context, fn, this, ...args);
  };
  Object.defineProperty(bound, 'length', { configurable: true, value: fn.length });
  return bound;
}
