/** Where Fastify keeps what spans are made of. */
import type { Forwarded } from '@clew/core/http';
import type { Request } from './shape.ts';

/** The request target as it came: `rewriteUrl` keeps it beside the new one. */
export function readTarget(request: Request): string {
  const { raw } = request;
  return (raw as { originalUrl?: string }).originalUrl ?? raw.url ?? '/';
}

/**
 * What trusted proxies say of a request; `undefined` without the `trustProxy` setting, which alone makes `ips`.
 *
 * @throws what the application's trust function throws
 */
export function readForwarded(request: Request): Forwarded | undefined {
  if (!('ips' in request)) return undefined;
  const host = request.host ?? request.hostname;
  return {
    scheme: request.protocol,
    host: host === '' ? undefined : host,
    clientAddress: request.ip,
  };
}

interface RouteContext {
  config?: { url?: string };
}

type ReadRoute = (request: Request) => string | undefined;

const readPublic: ReadRoute = (request) => request.routeOptions.url;

/**
 * How to read the template of the route that a request has matched.
 *
 * Fastify 4 builds and freezes an object whenever `routeOptions` is read, which costs more than the rest of the span
 * (2.2 µs in 4.29). There the template is read where that object takes it from, under a symbol that a first request
 * shows; if it does not show it, the slow way stays.
 */
export function routeReader(version: string): ReadRoute {
  if (!version.startsWith('4.')) return readPublic;
  let read: ReadRoute | undefined;
  return (request) => {
    read ??= findContext(request) ?? readPublic;
    return read(request);
  };
}

function findContext(request: Request): ReadRoute | undefined {
  const symbol = Object.getOwnPropertySymbols(request).find((one) => one.description === 'fastify.context');
  if (symbol === undefined) return undefined;
  // Every request of this Fastify has the symbol that the first one had.
  const read: ReadRoute = (one) => (one as unknown as Record<symbol, RouteContext | undefined>)[symbol]?.config?.url;
  return read(request) === readPublic(request) ? read : undefined;
}
