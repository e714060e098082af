/** Option types, and the part of Express's objects that we read; all structural, so no `@types` package is needed. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { HttpServerOptions } from '@clew/core/http';

/** The part of Express's request that hooks see when they do not name a type of their own. */
export interface ExpressRequest extends IncomingMessage {
  readonly originalUrl: string;
  readonly baseUrl: string;
  readonly path: string;
  readonly params: Record<string, unknown>;
}

/**
 * Options of `tracingMiddleware`. Annotate the parameter of a hook to get Express's own types there:
 * `ignore: (req: express.Request) => req.path === '/health'`.
 */
export interface TracingMiddlewareOptions<
  Request extends IncomingMessage = ExpressRequest,
  Response extends ServerResponse = ServerResponse,
> extends HttpServerOptions<Request, Response> {
  /**
   * Make an INTERNAL span for each middleware and handler that a request comes to, from its call until it hands on,
   * fails, or the answer is over. Default false: a dozen middlewares make a dozen spans for each request.
   */
  middlewareSpans?: boolean;
}

/** A middleware, as `app.use` takes it. */
export type TracingMiddleware = (req: IncomingMessage, res: ServerResponse, next: (error?: unknown) => void) => void;

/** An error handling middleware, as `app.use` takes it. */
export type TracingErrorMiddleware = (
  error: unknown,
  req: IncomingMessage,
  res: ServerResponse,
  next: (error?: unknown) => void,
) => void;
