/** The shape of Fastify 4.14–5 as far as we use it. */
import type { TracedReply, TracedRequest } from './types.ts';

/** A request, with what only some versions or settings have. */
export interface Request extends TracedRequest {
  readonly is404: boolean;
  readonly routeOptions: { readonly url?: string | undefined };
  /** There only with the `trustProxy` setting. */
  readonly ips?: readonly string[];
  readonly ip?: string;
  readonly protocol?: string;
  /** Fastify 5: the host with its port. */
  readonly host?: string;
  /** Fastify 4: the host with its port; Fastify 5: without it. */
  readonly hostname?: string;
}

/** What an `onRequest` hook is. */
export type OnRequest = (request: Request, reply: TracedReply, done: () => void) => void;
/** What an `onError` hook is. */
export type OnError = (request: Request, reply: TracedReply, error: unknown, done: () => void) => void;
/** What `onRoute` hooks see of a route, and may change. */
export interface RouteOptions {
  readonly url: string;
  [name: string]: unknown;
}
/** What an `onRoute` hook is. */
export type OnRoute = (this: Instance, options: RouteOptions) => void;

/** An application, or the scope of a plugin. */
export interface Instance {
  readonly version: string;
  readonly pluginName: string;
  addHook(name: 'onRequest', hook: OnRequest): unknown;
  addHook(name: 'onError', hook: OnError): unknown;
  addHook(name: 'onRoute', hook: OnRoute): unknown;
}
