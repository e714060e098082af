/** Names in the place of values: the template of a path whose text the router has not kept. */

/** What a path gives as parameters; a wildcard's value is an array. */
export type Params = Readonly<Record<string, unknown>>;

const PROBE = 'clew-probe';

/**
 * Put the parameters' names where their values stand.
 *
 * @param path   as the client sent it, with escapes
 * @param match  what another path gives: a value that stands in several places belongs where another one in its place
 *   becomes the parameter
 * @returns `undefined` when a value is not found: it would be shown
 */
export function nameValues(
  path: string,
  params: Params,
  match: (path: string) => Params | undefined,
): string | undefined {
  const { text, offsets } = decode(path);
  const offsetOf = (at: number): number => offsets[at] ?? path.length;
  let template = '';
  let end = 0;
  for (const [name, value] of Object.entries(params)) {
    const isWildcard = Array.isArray(value);
    const plain = isWildcard ? value.join('/') : String(value);
    const isPlace = (at: number): boolean => {
      const probed = path.slice(0, offsetOf(at)) + PROBE + path.slice(offsetOf(at + plain.length));
      return offsetOf(at) >= end && String(match(probed)?.[name]) === PROBE;
    };
    let at = text.indexOf(plain);
    while (at >= 0 && !isPlace(at)) at = text.indexOf(plain, at + 1);
    if (at < 0) return undefined;
    template += `${path.slice(end, offsetOf(at))}${isWildcard ? '*' : ':'}${name}`;
    end = offsetOf(at + plain.length);
  }
  return template + path.slice(end);
}

const CHARACTER = /%[0-9a-f]{2}(?:%[89ab][0-9a-f])*|./gis;

/** A path without its escapes, and where each of its characters came from. */
function decode(path: string): { text: string; offsets: number[] } {
  const offsets: number[] = [];
  let text = '';
  for (const { 0: written, index } of path.matchAll(CHARACTER)) {
    const plain = written.length === 1 ? written : decodeOrKeep(written);
    text += plain;
    for (let i = 0; i < plain.length; i++) offsets.push(index);
  }
  return { text, offsets };
}

function decodeOrKeep(written: string): string {
  try {
    return decodeURIComponent(written);
  } catch {
    return written;
  }
}
