/**
 * The route template of a request. `req.route` is the Route that answered; it is searched by identity in the routers of
 * its application, and the layers on the way to it are the mounts.
 */
import { type RouteEntry, type RouteTable, splitTarget } from '@clew/core/http';
import { fixedPath, fixedTemplate, joinedPath, matchLayer } from './layer-template.ts';
import type { Application, Layer, Request, Route } from './shape.ts';

/** One step of the way from the outermost application to a route. */
interface Step {
  /** Missing where another instrumentation has put something of its own there. */
  readonly layer: Layer | undefined;
  /** The template when it is the same for every request. */
  readonly fixed: string | undefined;
  /** Shown when the layer does not match the path. */
  readonly unmatched: string;
}

type Chain = readonly Step[];

interface Found {
  /** The answer, when it is the same for every request. */
  readonly entry: RouteEntry | undefined;
  readonly chains: readonly Chain[];
  /** Where the search began, and how much was mounted there. */
  readonly app: Application | undefined;
  readonly stack: readonly Layer[];
  readonly size: number;
}

/** A router that is mounted in itself, or everywhere, must not make us search for ever. */
const MAX_CHAINS = 64;
const MAX_DEPTH = 32;

/** Finds route templates, and keeps them by Route. */
export class RouteFinder {
  readonly #routes: RouteTable;
  readonly #found = new WeakMap<Route, Found>();
  #outermost: Application | undefined;

  constructor(routes: RouteTable) {
    this.#routes = routes;
  }

  /** Note the application that a request has entered: those mounted on routers do not know where. */
  enter(app: Application | undefined): void {
    this.#outermost = app;
  }

  /** The entry of the route that answered; `undefined` when none did. Call it when the response is over. */
  find(req: Request): RouteEntry | undefined {
    const { route } = req;
    if (route === undefined || route === null) return undefined;
    const known = this.#found.get(route);
    // A route can be in several applications, and what has it can be mounted once more.
    const isCurrent = known !== undefined && known.app === req.app && known.stack.length === known.size;
    const found = isCurrent ? known : this.#search(req, route, known);
    return found.entry ?? this.#routes.get(templateFor(found.chains, pathOf(req)));
  }

  #search(req: Request, route: Route, known: Found | undefined): Found {
    const { app } = req;
    const chains = app === undefined ? [] : chainsTo(route, app, this.#outermost);
    const [only] = chains;
    // An outer application has answered with its error handler; an earlier request has shown the way.
    if (only === undefined && known?.chains[0] !== undefined) return known;
    // Without any way the route is hidden behind a plain function: its own path is all that can be said.
    const parts = only === undefined ? [joinedPath(route.path)] : only.map((step) => step.fixed);
    const isFixed = chains.length < 2 && !parts.includes(undefined);
    const entry = isFixed ? this.#routes.get(joinParts(parts.map(String))) : undefined;
    const stack = app === undefined ? [] : stackOf(app);
    const found = { entry, chains, app, stack, size: stack.length };
    this.#found.set(route, found);
    return found;
  }
}

/** Every way from the outermost application to a route. */
function chainsTo(route: Route, app: Application, outermost: Application | undefined): Chain[] {
  const chains: Chain[] = [];
  for (const above of mountsOf(app, outermost)) collect(stackOf(app), route, above, chains);
  return chains;
}

function collect(stack: readonly Layer[], target: object, above: Chain, chains: Chain[]): void {
  if (above.length > MAX_DEPTH) return;
  for (const layer of stack) {
    if (chains.length >= MAX_CHAINS) return;
    const { route, handle } = layer;
    if (route === target || handle === target) chains.push([...above, stepOf(layer)]);
    else if (Array.isArray(handle.stack)) collect(handle.stack, target, [...above, stepOf(layer)], chains);
  }
}

function stepOf(layer: Layer): Step {
  const path = layer.route?.path ?? layer.rawPath;
  return { layer, fixed: fixedTemplate(layer), unmatched: path === undefined ? '' : joinedPath(path) };
}

// The layer of a sub-application is a function of Express's that hides it, so the way up goes by `parent`, and where
// several applications are mounted each layer may be the one.
function mountsOf(app: Application, outermost: Application | undefined): Chain[] {
  let ways: Chain[] = [[]];
  let current = app;
  for (let depth = 0; current.parent !== undefined && depth < MAX_DEPTH; depth++) {
    const steps = mountSteps(current, current.parent);
    ways = ways.flatMap((way) => steps.map((step) => [step, ...way])).slice(0, MAX_CHAINS);
    current = current.parent;
  }
  if (outermost === undefined || outermost === current) return ways;
  // An application that was mounted on a router has no `parent`, but its layer shows it.
  const prefixes: Chain[] = [];
  collect(stackOf(outermost), current, [], prefixes);
  return prefixes.length === 0 ? ways : prefixes.flatMap((prefix) => ways.map((way) => [...prefix, ...way]));
}

function mountSteps(app: Application, parent: Application): Step[] {
  // Mounted twice, an application knows its last path only.
  const path = app.mountpath ?? '/';
  const mounts = stackOf(parent).filter((layer) => layer.handle.name === 'mounted_app');
  const text = joinedPath(path);
  if (mounts.length < 2) return [{ layer: mounts[0], fixed: fixedPath(path), unmatched: text }];
  // Asked for a template, a layer that was made from it answers with the same text.
  const isExact = (layer: Layer): boolean => (fixedTemplate(layer) ?? matchLayer(layer, text)?.template) === text;
  return [...mounts.filter(isExact), ...mounts.filter((layer) => !isExact(layer))].map(stepOf);
}

/** The layers of an application. */
export function stackOf(app: Application): readonly Layer[] {
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
    const match = step.layer && matchLayer(step.layer, rest);
    if (match === undefined) return undefined;
    parts.push(step.fixed ?? match.template);
    rest = rest.slice(match.consumed.length);
    if (rest.charCodeAt(0) !== 0x2f) rest = `/${rest}`;
  }
  return parts;
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
  return splitTarget(req.originalUrl ?? req.url ?? '/').path;
}
