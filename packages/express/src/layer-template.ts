/** The template of one router layer: what the application wrote, as far as the router in use has kept it. */
import { nameValues } from './name-values.ts';
import type { Express4Path, Layer, Matcher, Path } from './shape.ts';

/** What a layer makes of the beginning of a path. */
export interface LayerMatch {
  template: string;
  /** The part of the path that the layer took. */
  consumed: string;
}

/** For what varies and has no text that could be shown. */
const ANYTHING = '/*';

/**
 * The template of a layer that is the same for every request.
 *
 * @returns `undefined` when it depends on the path: arrays, and routers that have kept no readable text
 */
export function fixedTemplate(layer: Layer): string | undefined {
  if (layer.route !== undefined) return fixedPath(layer.route.path);
  if (layer.rawPath !== undefined) return fixedPath(layer.rawPath);
  if (layer.slash === true) return '/';
  return layer.regexp === undefined ? undefined : fixedFromRegExp(layer.regexp, layer.keys);
}

/** The text of a path that is no array. */
export function fixedPath(path: Path): string | undefined {
  if (typeof path === 'string') return path;
  return path instanceof RegExp ? String(path) : undefined;
}

/** All texts of a path, joined by commas: what is shown when nobody knows which one matched. */
export function joinedPath(path: Path): string {
  return elementsOf(path).map(String).join(',');
}

function elementsOf(path: Path): unknown[] {
  return Array.isArray(path) ? path.flat(Infinity) : [path];
}

/**
 * Match a layer against the rest of a path.
 *
 * @returns `undefined` when it does not match
 * @throws never: a parameter that cannot be decoded is no match
 */
export function matchLayer(layer: Layer, path: string): LayerMatch | undefined {
  if (layer.regexp !== undefined) return matchExpress4(layer, layer.regexp, path);
  try {
    if (layer.rawPath === undefined) return matchByMatchers(layer, path);
    const match = layer.match(path);
    // router 2.3 tells which element of an array matched.
    return match === false || match === true ? undefined : { template: String(match.pattern), consumed: match.path };
  } catch {
    return undefined;
  }
}

// router 2.0-2.2 have one function for each path of a layer, in their order. Calling these instead of `layer.match`
// leaves the layer alone.
function matchByMatchers(layer: Layer, path: string): LayerMatch | undefined {
  if (layer.slash === true) return { template: '/', consumed: '' };
  for (const [index, matcher] of (layer.matchers ?? []).entries()) {
    const match = matcher(path);
    if (match === false) continue;
    const own = layer.route?.path;
    const template = Array.isArray(own) ? joinedPath(own[index]) : templateOf(matcher, match);
    return { template, consumed: match.path };
  }
  return undefined;
}

function templateOf(matcher: Matcher, match: { path: string; params: Readonly<Record<string, unknown>> }): string {
  // The router's name for what it makes of a RegExp; its text is out of reach.
  if (matcher.name === 'regexpMatcher') return ANYTHING;
  const paramsOf = (path: string): Readonly<Record<string, unknown>> | undefined => {
    const other = matcher(path);
    return other === false ? undefined : other.params;
  };
  return nameValues(match.path, match.params, paramsOf) ?? ANYTHING;
}

// path-to-regexp 0.1 makes `/api/:ver` into one of `\/api(?:\/([^/]+?))` and `\/api\/(?:([^\/]+?))`, and ends it so.
const END_OF_MOUNT = /\\\/\?\(\?=\\\/\|\$\)/;
const PARAMETER = /\(\?:\\\/\(\[\^\\?\/\]\+\?\)\)|\\\/\(\?:\(\[\^\\?\/\]\+\?\)\)/g;

// Outside of the captures: text that differs from request to request, and would be shown.
const CAPTURE = /\((?!\?)(?:[^()\\]|\\.)*\)/g;
const VARIABLE = /(?<!\\)[.*+[{]|\\[dsw]/i;

function fixedFromRegExp(regexp: Express4Path, keys: Layer['keys'] = []): string | undefined {
  if (regexp.fast_slash === true) return '/';
  if (regexp.fast_star === true) return '*';
  // Only what Express has compiled has such an end; a RegExp of the application is its own text.
  if (!END_OF_MOUNT.test(regexp.source)) return String(regexp);
  let at = 0;
  const text = regexp.source
    .replace(END_OF_MOUNT, '')
    .replace(/^\^/, '')
    .replace(PARAMETER, () => `/:${keys[at++]?.name ?? ''}`);
  const plain = text.replace(/\\([/.-])/g, '$1');
  if (!/[\\^$*+?()[\]{}|]/.test(plain)) return plain;
  // What is left of the expression language (optional parts, patterns of one's own) shows only in a match.
  return VARIABLE.test(regexp.source.replace(CAPTURE, '')) ? String(regexp) : undefined;
}

const withIndices = new WeakMap<RegExp, RegExp>();

function matchExpress4(layer: Layer, regexp: RegExp, path: string): LayerMatch | undefined {
  let indexed = withIndices.get(regexp);
  if (indexed === undefined) {
    indexed = new RegExp(regexp.source, `${regexp.flags.replace(/[dgy]/g, '')}d`);
    withIndices.set(regexp, indexed);
  }
  const match = indexed.exec(path);
  if (match === null) return undefined;
  let template = '';
  let end = 0;
  for (let i = 1; i < match.length; i++) {
    const range = match.indices?.[i];
    if (range === undefined || range[0] < end) continue;
    const name = layer.keys?.[i - 1]?.name;
    template += path.slice(end, range[0]) + (typeof name === 'string' ? `:${name}` : '*');
    end = range[1];
  }
  template += match[0].slice(end);
  const own = layer.route?.path;
  return { template: Array.isArray(own) ? elementOf(own, path, template) : template, consumed: match[0] };
}

// Express 4 compiles an array to one expression: the element is the one that matches by itself or reads like the match.
function elementOf(paths: Path, path: string, template: string): string {
  const isIt = (one: unknown): boolean => (one instanceof RegExp ? path.search(one) >= 0 : one === template);
  return String(elementsOf(paths).find(isIt) ?? joinedPath(paths));
}
