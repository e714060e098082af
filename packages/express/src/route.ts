/**
 * The route template of a request. `req.route` is the Route that answered; it is searched by identity in the routers of
 * its application, and the layers on the way to it are the mounts.
 */
import type { RouteEntry, RouteTable } from '@clew/core/http';
import { fixedPath, fixedTemplate, joinedPath, matchLayer } from './layer-template.ts';
import type { Application, Layer, Request, Route } from './shape.ts';

/** One step of the way from the outermost application to a route. */
interface Step {
  /** The template when it is the same for every request. */
  readonly fixed: string | undefined;
  /** Shown when no layer matches the path. */
  readonly unmatched: string;
  /** The layers that may have taken this step: one, or the mounts of sub-applications, which do not tell them apart. */
  readonly layers: readonly Layer[];
}

type Chain = readonly Step[];

interface Found {
  /** The answer, when it is the same for every request. */
  readonly entry: RouteEntry | undefined;
  readonly chains: readonly Chain[];
}

/** A router that is mounted in itself, or everywhere, must not make us search for ever. */
const MAX_CHAINS = 64;
const MAX_DEPTH = 32;

/** Finds route templates, and keeps them by Route. */
export class RouteFinder {
  readonly #routes: RouteTable;
  readonly #found = new WeakMap<Route, Found>();

  constructor(routes: RouteTable) {
    this.#routes = routes;
  }

  /** The entry of the route that answered; `undefined` when none did. Call it when the response is over. */
  find(req: Request): RouteEntry | undefined {
    const { route } = req;
    if (route === undefined || route === null) return undefined;
    const found = this.#found.get(route) ?? this.#search(req, route);
    return found.entry ?? this.#routes.get(templateFor(found.chains, pathOf(req)));
  }

  #search(req: Request, route: Route): Found {
    const chains = req.app === undefined ? [] : chainsTo(route, req.app);
    const [only] = chains;
    if (only === undefined) {
      // Hidden behind a plain function, or an outer application answered with its error handler. Not kept, because
      // the next request may be answered by the application that has the route.
      return { entry: this.#routes.get(joinParts([joinedPath(route.path)])), chains };
    }
    const isFixed = chains.length === 1 && only.every((step) => step.fixed !== undefined);
    const entry = isFixed ? this.#routes.get(joinParts(only.map((step) => step.fixed ?? ''))) : undefined;
    const found = { entry, chains };
    this.#found.set(route, found);
    return found;
  }
}

/** Every way from the outermost application to a route. */
function chainsTo(route: Route, app: Application): Chain[] {
  const chains: Chain[] = [];
  collect(stackOf(app), route, mountsOf(app), chains);
  return chains;
}

function collect(stack: readonly Layer[], route: Route, above: Chain, chains: Chain[]): void {
  if (above.length > MAX_DEPTH) return;
  for (const layer of stack) {
    if (chains.length >= MAX_CHAINS) return;
    if (layer.route === route) chains.push([...above, stepOf(layer)]);
    else if (Array.isArray(layer.handle?.stack)) collect(layer.handle.stack, route, [...above, stepOf(layer)], chains);
  }
}

function stepOf(layer: Layer): Step {
  const path = layer.route?.path ?? layer.rawPath;
  return {
    fixed: fixedTemplate(layer),
    unmatched: path === undefined ? '' : joinedPath(path),
    layers: [layer],
  };
}

// The layer of a sub-application is a function of Express's that hides it, so the way up goes by `parent`.
function mountsOf(app: Application): Step[] {
  const steps: Step[] = [];
  let current = app;
  while (current.parent !== undefined && steps.length < MAX_DEPTH) {
    const path = current.mountpath ?? '/';
    const mounts = stackOf(current.parent).filter((layer) => layer.handle?.name === 'mounted_app');
    const exact = mounts.filter(
      (layer) => layer.rawPath !== undefined && joinedPath(layer.rawPath) === joinedPath(path),
    );
    steps.unshift({
      fixed: fixedPath(path),
      unmatched: joinedPath(path),
      layers: exact.length > 0 ? exact : mounts,
    });
    current = current.parent;
  }
  return steps;
}

function stackOf(app: Application): readonly Layer[] {
  // Express 4 first: its `router` throws. By now the application has answered a request, so Express 5's is made.
  const router = app._router ?? app.router;
  return router?.stack ?? [];
}

/** The template of the chain that leads along a path; without one, what the first chain is known to be. */
function templateFor(chains: readonly Chain[], path: string): string | undefined {
  for (const chain of chains) {
    const parts = walk(chain, path);
    if (parts !== undefined) return joinParts(parts);
  }
  // A middleware may have rewritten the URL, so that no way leads along the path that was asked for.
  return chains[0] && joinParts(chains[0].map((step) => step.fixed ?? step.unmatched));
}

function walk(chain: Chain, path: string): string[] | undefined {
  const parts: string[] = [];
  let rest = path;
  for (const step of chain) {
    const match = matchStep(step, rest);
    if (match === undefined) return undefined;
    parts.push(step.fixed ?? match.template);
    rest = rest.slice(match.consumed.length);
    if (rest.charCodeAt(0) !== 0x2f) rest = `/${rest}`;
  }
  return parts;
}

function matchStep(step: Step, path: string): { template: string; consumed: string } | undefined {
  for (const layer of step.layers) {
    const match = matchLayer(layer, path);
    if (match === undefined) continue;
    const own = layer.route?.path;
    if (!Array.isArray(own) || layer.rawPath !== undefined) return match;
    // Older routers do not tell which element of an array matched: it is the one that reads like the match.
    const isElement = own.flat(Infinity).some((element) => String(element) === match.template);
    return isElement ? match : { ...match, template: joinedPath(own) };
  }
  return undefined;
}

// The last part is the route's own; a slash at the end belongs to it only.
function joinParts(parts: readonly string[]): string {
  let route = '';
  for (const [index, part] of parts.entries()) {
    const text = index < parts.length - 1 && part.endsWith('/') ? part.slice(0, -1) : part;
    if (text === '' || text === '/') continue;
    route += text.startsWith('/') ? text : `/${text}`;
  }
  return route === '' ? '/' : route;
}

function pathOf(req: Request): string {
  const url = req.originalUrl ?? req.url ?? '/';
  const end = url.indexOf('?');
  return end < 0 ? url : url.slice(0, end);
}
