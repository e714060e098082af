/**
 * Spans of single middlewares and handlers, on request. Each lasts from its call until it hands on, fails, or the
 * answer is over. It is active in its function; those that come after it are its siblings.
 */
import type { IncomingMessage } from 'node:http';
import { type Context, type PluginTracing, type Span, trace } from '@clew/core';
import { failStep, outsideOfStep, type ServerSpan, startStep } from '@clew/core/http';
import type { RouteFinder } from './route.ts';
import type { Layer } from './shape.ts';

/** Functions of ours, which get no spans. */
const ours = new WeakSet<object>();

/** Note a function of ours, which gets no span. */
export function markOurs<Fn extends object>(fn: Fn): Fn {
  ours.add(fn);
  return fn;
}

/** The layers of one request; no more than one of them is open. */
export class RequestLayers {
  readonly tracing: PluginTracing;
  /** Where the layer that was entered last has to run. */
  context: Context;
  readonly #finder: RouteFinder;
  readonly #server: ServerSpan<unknown, unknown>;
  readonly #outermost: Context;
  #open: Span | undefined = undefined;
  #openCall: object | undefined = undefined;

  /** @param context  that of the request */
  constructor(tracing: PluginTracing, finder: RouteFinder, server: ServerSpan<unknown, unknown>, context: Context) {
    this.tracing = tracing;
    this.context = context;
    this.#finder = finder;
    this.#server = server;
    this.#outermost = context;
  }

  /**
   * Note that a layer is called, which tells that the one before has handed on.
   *
   * @param call   stands for this call
   * @param layer  `undefined` for what gets no span, such as a function for a parameter
   */
  enter(req: IncomingMessage, call: object, layer: Layer | undefined): void {
    this.end();
    const outside = this.outside();
    this.context = outside;
    if (layer === undefined || !getsSpan(layer)) return;
    const { name } = layer;
    const title = isHandler(layer) ? `handler ${this.#finder.find(req)?.route ?? ''}` : `middleware ${name}`;
    // Express's word for functions without a name.
    const span = startStep(this.tracing, title, name === '<anonymous>' ? undefined : name, outside);
    this.#open = span;
    this.#openCall = call;
    this.context = trace.setSpan(outside, span);
  }

  /** Note that a call of a layer has handed on, and with which error. */
  leave(call: object, error: unknown): void {
    const isError = Boolean(error) && error !== 'route' && error !== 'router';
    if (isError) this.#server.fail(error);
    if (call !== this.#openCall || this.#open === undefined) return;
    if (isError) failStep(this.#open, error);
    this.end();
  }

  /** End what is open. */
  end(): void {
    this.#open?.end();
    this.#open = undefined;
    this.#openCall = undefined;
  }

  /** Where what follows a layer has to run: layers put spans or baggage of their own around it, or lose the context. */
  outside(): Context {
    return outsideOfStep(this.tracing, this.#outermost);
  }
}

function getsSpan({ handle }: Layer): boolean {
  // Routers and applications are what their layers are; an application on a router has its settings.
  return !Array.isArray(handle.stack) && handle.name !== 'mounted_app' && !('settings' in handle) && !ours.has(handle);
}

// Layers of a route have a method, which is `undefined` for `route.all`.
function isHandler(layer: Layer): boolean {
  return 'method' in layer;
}
