/**
 * Spans of single handlers, and of the hooks in the options of routes, on request. Their functions are exchanged by
 * Fastify's own `onRoute` hook while a route is registered; nothing of the application is patched.
 */
import { type Context, describeError, type PluginTracing, reportFault, type Span, trace } from '@clew/core';
import { failStep, outsideOfStep, startStep } from '@clew/core/http';
import type { Instance, Request, RouteOptions } from './shape.ts';

const HOOKS = [
  'onRequest',
  'preParsing',
  'preValidation',
  'preHandler',
  'preSerialization',
  'onSend',
  'onResponse',
  'onError',
  'onTimeout',
  'onRequestAbort',
] as const;

type AnyFunction = (this: unknown, ...args: unknown[]) => unknown;

/** What is known of a request while it is answered. */
interface Watched {
  readonly context: Context;
  /** The spans of its handler and hooks that have not ended. */
  readonly open: Set<Span>;
}

/** One call of a handler or hook. */
interface Call {
  readonly watched: Watched;
  readonly outside: Context;
  readonly span: Span;
}

/** Makes the spans of the handlers and hooks of one plugin. */
export class HandlerSpans {
  readonly #tracing: PluginTracing;
  readonly #requests = new WeakMap<object, Watched>();

  constructor(tracing: PluginTracing) {
    this.#tracing = tracing;
  }

  /**
   * Make spans for what answers a request.
   *
   * @param context  that of the request; `undefined` for the one that is active
   */
  watch(request: Request, context: Context | undefined): void {
    this.#requests.set(request, { context: context ?? this.#tracing.active(), open: new Set() });
  }

  /** End what is open: the answer is over, and what is called yet gets no span. */
  unwatch(request: Request): void {
    for (const span of this.#requests.get(request)?.open ?? []) span.end();
    this.#requests.delete(request);
  }

  /** Exchange the functions of a route; `options` is Fastify's own copy. */
  traceRoute(scope: Instance, options: RouteOptions): void {
    const plugin = nameOf(scope);
    for (const hook of HOOKS) {
      const given = options[hook];
      if (given === undefined) continue;
      const title = `${hook} ${plugin}`;
      options[hook] = Array.isArray(given) ? given.map((fn) => this.#traced(title, fn)) : this.#traced(title, given);
    }
    options.handler = this.#traced(`handler ${options.url || '/'}`, options.handler);
  }

  #traced(title: string, given: unknown): unknown {
    // What is no function is refused by Fastify, in its own words. The named one is what Fastify gives HEAD routes.
    if (typeof given !== 'function' || given.name === 'headRouteOnSendHandler') return given;
    // Fastify calls what it is given with anything.
    const fn = given as AnyFunction;
    const spans = this;
    const traced = function (this: unknown, ...args: unknown[]): unknown {
      return spans.#run(title, fn, this, args);
    };
    // Fastify tells async functions by their constructor, and compares the number of their parameters.
    Object.setPrototypeOf(traced, Object.getPrototypeOf(given));
    return Object.defineProperties(Object.assign(traced, given), {
      name: { value: given.name },
      length: { value: given.length },
    });
  }

  #run(title: string, fn: AnyFunction, self: unknown, args: unknown[]): unknown {
    // A WebSocket comes before its request: it lives longer than the answer.
    const call = this.#start(title, fn.name, args[0] as object);
    if (call === undefined) return fn.apply(self, args);
    const done = args.at(-1);
    const isHook = typeof done === 'function';
    if (isHook) args[args.length - 1] = this.#tracedDone(call, done as AnyFunction);
    let result: unknown;
    try {
      result = this.#tracing.run(trace.setSpan(call.outside, call.span), fn, self, ...args);
    } catch (error) {
      endFailed(call, error);
      throw error;
    }
    if (result instanceof Promise) endWith(call, result);
    else if (!isHook && isAnswered(result, args[1])) end(call);
    return result;
  }

  // Never throws: it runs in the middle of the application.
  #start(title: string, functionName: string, request: object): Call | undefined {
    const watched = this.#requests.get(request);
    if (watched === undefined) return undefined;
    try {
      const outside = outsideOfStep(this.#tracing, watched.context);
      const span = startStep(this.#tracing, title, functionName === '' ? undefined : functionName, outside);
      watched.open.add(span);
      return { watched, outside, span };
    } catch (error) {
      reportFault('http_server', `a handler got no span: ${describeError(error)}`);
      return undefined;
    }
  }

  // What comes after a hook runs inside of its `done`.
  #tracedDone(call: Call, done: AnyFunction): AnyFunction {
    return (...args) => {
      if (args[0]) endFailed(call, args[0]);
      else end(call);
      return this.#tracing.run(outsideOfStep(this.#tracing, call.watched.context), done, undefined, ...args);
    };
  }
}

function end({ watched, span }: Call): void {
  if (watched.open.delete(span)) span.end();
}

function endFailed(call: Call, error: unknown): void {
  if (!call.watched.open.has(call.span)) return;
  try {
    failStep(call.span, error);
  } catch (fault) {
    // Errors of applications can be objects that throw when they are read.
    reportFault('http_server', `the error of a handler is not on its span: ${describeError(fault)}`);
  }
  end(call);
}

// Without the `then` of the object itself: a query that is sent when somebody waits for it would be sent twice.
function endWith(call: Call, result: Promise<unknown>): void {
  const onEnd = (): void => end(call);
  const onError = (error: unknown): void => endFailed(call, error);
  Promise.prototype.then.call(result, onEnd, onError);
}

// Handlers that answer later, or hand a thenable over, last until the answer is over.
function isAnswered(result: unknown, reply: unknown): boolean {
  if (result === undefined) return (reply as { sent?: boolean } | undefined)?.sent === true;
  return typeof (result as { then?: unknown } | null)?.then !== 'function';
}

/** The plugin that a route belongs to; `fastify` outside of all. */
function nameOf(scope: Instance): string {
  // Those that have been registered without a scope of their own are added behind it.
  const [name = ''] = scope.pluginName.split(' -> ');
  // Fastify names functions without a name by their first lines.
  return /[({]/.test(name) ? '<anonymous>' : name;
}
