/** Option types, and the part of Fastify's objects that we read; structural, so that Fastify 4 and 5 both fit. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { HttpServerOptions } from '@clew/core/http';

/** The part of Fastify's request that hooks see when they do not name a type of their own. */
export interface TracedRequest {
  /** Node.js's request; with `http2` its compatibility object. */
  readonly raw: IncomingMessage;
  readonly params: unknown;
  readonly headers: IncomingMessage['headers'];
  readonly url: string;
  readonly method: string;
}

/** The part of Fastify's reply that hooks see when they do not name a type of their own. */
export interface TracedReply {
  /** Node.js's response; with `http2` its compatibility object. */
  readonly raw: ServerResponse;
  readonly statusCode: number;
  readonly sent: boolean;
}

/**
 * Options of `tracingPlugin`. Annotate the parameter of a hook to get Fastify's own types there:
 * `ignore: (request: FastifyRequest) => request.url === '/health'`.
 */
export interface TracingPluginOptions<Request = TracedRequest, Reply = TracedReply>
  extends HttpServerOptions<Request, Reply> {
  /**
   * Make an INTERNAL span for each handler, and for each hook in the options of a route, from its call until it hands
   * on, fails, or the answer is over. Only for routes that are registered after the plugin has been loaded, so wait
   * for it: `await app.register(tracingPlugin, { handlerSpans: true })`. Default false.
   */
  handlerSpans?: boolean;
}
