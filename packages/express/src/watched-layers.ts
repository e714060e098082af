/**
 * How the calls of layers are seen: by the diagnostics channel of router 2.3 and newer; older routers have none, so
 * their layers get methods of their own, which stand before those of the prototype. No module and no handler is touched.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { tracingChannel } from 'node:diagnostics_channel';
import type { IncomingMessage } from 'node:http';
import { describeError, reportFault } from '@clew/core';
import { RequestLayers } from './layer-spans.ts';
import { stackOf } from './route.ts';
import type { Application, Layer, Next } from './shape.ts';

/** The requests that are under way and were watched from their start. */
const requests = new WeakMap<IncomingMessage, RequestLayers>();

/** Watch the layers that a request comes to. */
export function watchRequest(req: IncomingMessage, layers: RequestLayers): void {
  requests.set(req, layers);
}

/** End what is open: the answer is over, and layers that are called yet get no spans. */
export function unwatchRequest(req: IncomingMessage): void {
  requests.get(req)?.end();
  requests.delete(req);
}

/** What router 2.3 publishes of one call: casts to it say no more than the channel's name. */
interface ChannelCall {
  readonly req: IncomingMessage;
  /** Missing for the functions of parameters. */
  readonly layer?: Layer;
  readonly param?: unknown;
  readonly error?: unknown;
}

/** For calls of other requests, which run as they are. */
const UNWATCHED = {};

// The router runs a call in what the stores of its channel ask for. This one leaves that to tracing, whose context may
// be kept by Clew or by an SDK.
class LayerContext extends AsyncLocalStorage<object> {
  override run<R, A extends unknown[]>(entered: object, fn: (...args: A) => R, ...args: A): R {
    if (!(entered instanceof RequestLayers)) return fn(...args);
    return entered.tracing.run(entered.context, fn, undefined, ...args);
  }
}

/** What channels call in place of `run` since Node.js 26; the types of older lines do not have it. */
const scoped = {
  withScope(entered: object): Disposable & { dispose(): void } {
    const leaveScope = entered instanceof RequestLayers ? entered.tracing.enter(entered.context) : undefined;
    const dispose = (): void => leaveScope?.();
    return { dispose, [Symbol.dispose]: dispose };
  },
};

let isSubscribed = false;

/** See the calls of router 2.3 and newer, in the whole process; done once. */
export function subscribe(): void {
  if (isSubscribed) return;
  isSubscribed = true;
  const channel = tracingChannel('express.router.request');
  channel.start.bindStore(Object.assign(new LayerContext(), scoped), (message) => {
    const call = message as ChannelCall;
    // Functions of parameters belong to no layer.
    return enter(call.req, call, call.param === undefined ? call.layer : undefined) ?? UNWATCHED;
  });
  channel.error.subscribe((message) => {
    const call = message as ChannelCall;
    const layers = requests.get(call.req);
    if (layers !== undefined) leave(layers, call, call.error);
  });
}

// Never throws: it runs in the middle of the router.
function enter(req: IncomingMessage, call: object, layer: Layer | undefined): RequestLayers | undefined {
  const layers = requests.get(req);
  if (layers === undefined) return undefined;
  try {
    layers.enter(req, call, layer);
    return layers;
  } catch (error) {
    reportFault('http_server', `a middleware got no span: ${describeError(error)}`);
    return undefined;
  }
}

// Never throws either: errors of applications can be objects that do when they are read.
function leave(layers: RequestLayers, call: object, error: unknown): void {
  try {
    layers.leave(call, error);
  } catch (fault) {
    reportFault('http_server', `the error of a middleware is not on its span: ${describeError(fault)}`);
  }
}

/** How many layers of a stack have been seen: routers only add to them. */
const sizes = new WeakMap<readonly Layer[], number>();
const seen = new WeakSet<Layer>();

/** See the calls of an application whose router has no channel. */
export function watchApplication(app: Application | undefined): void {
  if (app !== undefined) watchStack(stackOf(app));
}

function watchStack(stack: readonly Layer[]): void {
  if (sizes.get(stack) === stack.length) return;
  sizes.set(stack, stack.length);
  for (const layer of stack) {
    // Routers with a channel keep the text of their paths.
    if (layer.rawPath !== undefined || seen.has(layer)) continue;
    seen.add(layer);
    const inner = innerStack(layer);
    if (inner !== undefined) watchStack(inner);
    watchLayer(layer, inner);
  }
}

function innerStack({ route, handle }: Layer): readonly Layer[] | undefined {
  if (route !== undefined) return route.stack;
  return Array.isArray(handle.stack) ? handle.stack : undefined;
}

function watchLayer(layer: Layer, inner: readonly Layer[] | undefined): void {
  const isExpress4 = layer.handle_request !== undefined;
  const requestMethod = isExpress4 ? 'handle_request' : 'handleRequest';
  const errorMethod = isExpress4 ? 'handle_error' : 'handleError';
  const handleRequest = layer[requestMethod];
  const handleError = layer[errorMethod];
  if (handleRequest === undefined || handleError === undefined) return;
  layer[requestMethod] = (req, res, next) => {
    if (inner !== undefined) watchStack(inner);
    // A route calls layers of its own, and error handlers are passed by.
    const isCall = layer.route === undefined && layer.handle.length <= 3;
    callLayer(isCall, layer, req, next, (left) => handleRequest.call(layer, req, res, left));
  };
  layer[errorMethod] = (error, req, res, next) => {
    callLayer(layer.handle.length === 4, layer, req, next, (left) => handleError.call(layer, error, req, res, left));
  };
}

function callLayer(isCall: boolean, layer: Layer, req: IncomingMessage, next: Next, call: (next: Next) => void): void {
  const layers = isCall ? requests.get(req) : undefined;
  if (layers === undefined) {
    call(next);
    return;
  }
  const left: Next = (error) => {
    leave(layers, left, error);
    layers.tracing.run(layers.outside(), next, undefined, error);
  };
  if (enter(req, left, layer) === undefined) call(next);
  else layers.tracing.run(layers.context, call, undefined, left);
}
