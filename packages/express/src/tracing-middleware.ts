/** The middleware: the only file that is mounted into Express. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { checkBoolean, type Context } from '@clew/core';
import { HttpServerTracing, type ServerLibrary, serverSpanOf } from '@clew/core/http';
import { markOurs, RequestLayers } from './layer-spans.ts';
import { RouteFinder } from './route.ts';
import type { Request } from './shape.ts';
import { lastRouterError, readForwarded } from './spans.ts';
import type { ExpressRequest, TracingErrorMiddleware, TracingMiddleware, TracingMiddlewareOptions } from './types.ts';
import { VERSION } from './version.ts';
import { subscribe, unwatchRequest, watchApplication, watchRequest } from './watched-layers.ts';

const SCOPE = { name: '@clew/express', version: VERSION };

/**
 * A middleware that makes one SERVER span for each request, active in everything that is mounted after it.
 *
 * Mount it first: `app.use(tracingMiddleware())`. Mounted twice it makes one span.
 *
 * @throws ClewError `CLEW_ERR_OPTION` for an option that does not exist or has no usable value
 */
export function tracingMiddleware<
  Req extends IncomingMessage = ExpressRequest,
  Res extends ServerResponse = ServerResponse,
>(options?: TracingMiddlewareOptions<Req, Res>): TracingMiddleware {
  // Set by the constructor in the next line, which makes the table of routes.
  let finder!: RouteFinder;
  const server = new HttpServerTracing<Req, Res>(
    SCOPE,
    (routes) => {
      finder = new RouteFinder(routes);
      return libraryOf(finder, options?.middlewareSpans === true);
    },
    'tracingMiddleware',
    options,
    ['middlewareSpans'],
  );
  const hasLayerSpans = checkBoolean('middlewareSpans', options?.middlewareSpans) ?? false;
  if (hasLayerSpans) subscribe();
  return markOurs(function clewTracing(req, res, next) {
    const isFirst = hasLayerSpans && serverSpanOf(res) === undefined;
    // Express hands its own objects to the hooks; they are Node.js's with another prototype.
    const context = server.start(req as Req, res as Res, req, res);
    if (hasLayerSpans) watchLayers(req, res, isFirst, context);
    if (context === undefined) next();
    else server.tracing.run(context, next);
  });

  function watchLayers(req: Request, res: ServerResponse, isFirst: boolean, context: Context | undefined): void {
    const span = serverSpanOf(res);
    if (span === undefined || span === null) return;
    if (isFirst) watchRequest(req, new RequestLayers(server.tracing, finder, span, context ?? server.tracing.active()));
    watchApplication(req.app);
  }
}

function libraryOf(finder: RouteFinder, hasLayerSpans: boolean): ServerLibrary<IncomingMessage, ServerResponse> {
  return {
    target(req: Request) {
      finder.enter(req.app);
      return req.originalUrl ?? req.url ?? '/';
    },
    forwarded: readForwarded,
    routeAtEnd(req) {
      if (hasLayerSpans) unwatchRequest(req);
      return finder.find(req);
    },
    errorOf: lastRouterError,
  };
}

/**
 * An error middleware that notes the errors of routers that do not tell them by themselves: Express 4, and Express 5
 * with `router` before 2.3. Mount it after the routes and before your own error handlers.
 */
export function tracingErrorMiddleware(): TracingErrorMiddleware {
  // Express tells error handlers by their four parameters.
  return markOurs(function clewTracingError(error, _req, res, next) {
    serverSpanOf(res)?.fail(error);
    next(error);
  });
}
