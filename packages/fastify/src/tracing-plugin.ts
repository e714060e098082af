/** The plugin: the only file that is registered with Fastify. */
import { checkBoolean } from '@clew/core';
import { HttpServerTracing, type RouteTable, type ServerLibrary, serverSpanOf } from '@clew/core/http';
import { HandlerSpans } from './handler-spans.ts';
import type { Instance, Request } from './shape.ts';
import { readForwarded, readTarget, routeReader } from './spans.ts';
import type { TracedReply, TracedRequest, TracingPluginOptions } from './types.ts';
import { VERSION } from './version.ts';

const SCOPE = { name: '@clew/fastify', version: VERSION };

/**
 * A plugin that makes one SERVER span for each request, active in all hooks and handlers of its scope that come after.
 *
 * Register it first: `app.register(tracingPlugin)`. Registered twice it makes one span.
 *
 * @throws ClewError `CLEW_ERR_OPTION`, by way of `ready()`, for an option that does not exist or has no usable value
 */
export function tracingPlugin<Req = TracedRequest, Reply = TracedReply>(
  instance: unknown,
  options: TracingPluginOptions<Req, Reply> | undefined,
  done: (error?: Error) => void,
): void {
  try {
    // Fastify hands its instance to a plugin; naming its type here would bind users to one major version.
    attach(instance as Instance, options as TracingPluginOptions<Request, TracedReply> | undefined);
  } catch (error) {
    done(error as Error);
    return;
  }
  done();
}

function attach(instance: Instance, given: TracingPluginOptions<Request, TracedReply> | undefined): void {
  const options = withoutPrefix(given);
  const hasHandlerSpans = checkBoolean('handlerSpans', options.handlerSpans) ?? false;
  const unwatch = hasHandlerSpans ? (request: Request) => handlers?.unwatch(request) : undefined;
  const server = new HttpServerTracing<Request, TracedReply>(
    SCOPE,
    (routes) => libraryOf(routes, instance.version, unwatch),
    'tracingPlugin',
    options,
    ['handlerSpans'],
  );
  const handlers = hasHandlerSpans ? new HandlerSpans(server.tracing) : undefined;
  instance.addHook('onRequest', function clewTracing(request, reply, next) {
    const isFirst = handlers !== undefined && serverSpanOf(reply.raw) === undefined;
    const context = server.start(request, reply, request.raw, reply.raw);
    if (isFirst && serverSpanOf(reply.raw)) handlers.watch(request, context);
    if (context === undefined) next();
    else server.tracing.run(context, next);
  });
  instance.addHook('onError', function clewTracingError(_request, reply, error, next) {
    serverSpanOf(reply.raw)?.fail(error);
    next();
  });
  if (handlers === undefined) return;
  instance.addHook('onRoute', function clewTracingRoute(route) {
    handlers.traceRoute(this, route);
  });
}

/** @param onEnd  called when the answer is over */
function libraryOf(
  routes: RouteTable,
  version: string,
  onEnd: ((request: Request) => void) | undefined,
): ServerLibrary<Request, TracedReply> {
  const readRoute = routeReader(version);
  return {
    target: readTarget,
    forwarded: readForwarded,
    routeAtStart: (request) => routes.get(readRoute(request)),
    routeAtEnd(request, atStart, statusCode) {
      onEnd?.(request);
      // `reply.callNotFound()` takes the route away.
      return statusCode === 404 && request.is404 ? routes.none : atStart;
    },
    // A hijacked reply counts as sent before anything is.
    isDetached: (_request, reply) => reply.sent && !reply.raw.writableEnded,
  };
}

// `register` keeps these for itself, and yet hands them on.
const OPTIONS_OF_FASTIFY = new Set(['prefix', 'logLevel', 'logSerializers']);

function withoutPrefix<Options extends object>(options: Options | undefined): Options {
  const own = Object.entries(options ?? {}).filter(([name]) => !OPTIONS_OF_FASTIFY.has(name));
  // What is left has the types it came with.
  return Object.fromEntries(own) as Options;
}

// What `fastify-plugin` would set: the hooks belong to the scope that registers the plugin, not to one of its own.
Object.assign(tracingPlugin, {
  [Symbol.for('skip-override')]: true,
  [Symbol.for('fastify.display-name')]: '@clew/fastify',
  [Symbol.for('plugin-meta')]: { name: '@clew/fastify', fastify: '>=4.14.0 <6' },
});
