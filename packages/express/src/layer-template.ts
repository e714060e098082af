/** The template of one router layer: what the application wrote, as far as the router in use has kept it. */
import type { Layer, Path } from './shape.ts';

/** What a layer makes of the beginning of a path. */
export interface LayerMatch {
  template: string;
  /** The part of the path that the layer took. */
  consumed: string;
}

/**
 * The template of a layer that is the same for every request.
 *
 * @returns `undefined` when it depends on the path: arrays, and routers that have kept no readable text
 */
export function fixedTemplate(layer: Layer): string | undefined {
  if (layer.route !== undefined) return fixedPath(layer.route.path);
  if (layer.rawPath !== undefined) return fixedPath(layer.rawPath);
  return layer.regexp === undefined ? undefined : fixedFromRegExp(layer);
}

/** The text of a path that is no array. */
export function fixedPath(path: Path): string | undefined {
  if (typeof path === 'string') return path;
  return path instanceof RegExp ? String(path) : undefined;
}

/** All texts of a path, joined by commas: what is shown when nobody knows which one matched. */
export function joinedPath(path: Path): string {
  return Array.isArray(path) ? path.flat(Infinity).map(String).join(',') : String(path);
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
    const match = layer.match(path);
    if (match === false) return undefined;
    // router 2.3 tells which element of an array matched; 2.0–2.2 leave what they found on the layer.
    if (match !== true) return { template: String(match.pattern), consumed: match.path };
    const consumed = layer.path ?? '';
    const params = layer.params ?? {};
    return { template: nameValues(consumed, params, (other) => matchAgain(layer, other)), consumed };
  } catch {
    return undefined;
  }
}

// path-to-regexp 0.1 makes `/api/:ver` into one of `\/api(?:\/([^/]+?))` and `\/api\/(?:([^\/]+?))`, and ends it so.
const END_OF_MOUNT = /\\\/\?\(\?=\\\/\|\$\)/;
const PARAMETER = /\(\?:\\\/\(\[\^\\?\/\]\+\?\)\)|\\\/\(\?:\(\[\^\\?\/\]\+\?\)\)/g;

function fixedFromRegExp(layer: Layer): string | undefined {
  const { regexp, keys = [] } = layer;
  if (regexp === undefined) return undefined;
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
  // What is left of the expression language (optional parts, patterns of one's own) shows only in a match.
  return /[\\^$*+?()[\]{}|]/.test(plain) ? undefined : plain;
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
  return { template: template + match[0].slice(end), consumed: match[0] };
}

function matchAgain(layer: Layer, path: string): Record<string, unknown> | undefined {
  try {
    return layer.match(path) === true ? layer.params : undefined;
  } catch {
    return undefined;
  }
}

const PROBE = 'clew-probe';

/**
 * Put the parameters' names where their values stand; for routers that have not kept the path's text.
 *
 * @param match  what a path gives as parameters: a value that stands in several places belongs where another one in
 *   its place becomes the parameter
 */
export function nameValues(
  path: string,
  params: Record<string, unknown>,
  match: (path: string) => Record<string, unknown> | undefined,
): string {
  let template = '';
  let end = 0;
  for (const [name, value] of Object.entries(params)) {
    const isWildcard = Array.isArray(value);
    const found = findValue(
      path,
      end,
      isWildcard ? value : [value],
      (probed) => String(match(probed)?.[name]) === PROBE,
    );
    if (found === undefined) continue;
    template += `${path.slice(end, found.at)}${isWildcard ? '*' : ':'}${name}`;
    end = found.at + found.length;
  }
  return template + path.slice(end);
}

function findValue(
  path: string,
  start: number,
  parts: readonly unknown[],
  isPlace: (probed: string) => boolean,
): { at: number; length: number } | undefined {
  const plain = parts.map(String).join('/');
  const encoded = parts.map((part) => encodeURIComponent(String(part))).join('/');
  for (const text of plain === encoded ? [plain] : [plain, encoded]) {
    if (text === '') continue;
    for (let at = path.indexOf(text, start); at >= 0; at = path.indexOf(text, at + 1)) {
      const length = text.length;
      if (isPlace(path.slice(0, at) + PROBE + path.slice(at + length))) return { at, length };
    }
  }
  return undefined;
}
