/** Headers of undici's dispatch options with the propagation headers put in; the caller's objects are never changed. */

/** The forms in which undici takes headers. */
export type DispatchHeaders =
  | Record<string, string | string[] | undefined>
  | Array<string | string[]>
  | Iterable<[string, string | string[] | undefined]>
  | null
  | undefined;

/**
 * A copy of what the caller gave, in which each injected header stands once.
 *
 * @param injected  names in lower case
 */
export function withDispatchHeaders(given: DispatchHeaders, injected: Record<string, string>): DispatchHeaders {
  if (given === undefined || given === null) return injected;
  if (Array.isArray(given)) return appendPairs(pairsOf(given), injected);
  if (Symbol.iterator in given) return appendPairs(given as Iterable<[string, string | string[]]>, injected);
  const copy: Record<string, string | string[] | undefined> = {};
  for (const [name, value] of Object.entries(given)) {
    if (!Object.hasOwn(injected, name.toLowerCase())) copy[name] = value;
  }
  return Object.assign(copy, injected);
}

/** The value of one header, in any of the forms. */
export function readDispatchHeader(given: DispatchHeaders, wanted: string): string | undefined {
  if (given === undefined || given === null) return undefined;
  const pairs = Array.isArray(given) ? pairsOf(given) : Symbol.iterator in given ? given : Object.entries(given);
  for (const [name, value] of pairs as Iterable<[unknown, unknown]>) {
    if (String(name).toLowerCase() === wanted) return String(value);
  }
  return undefined;
}

// undici's flat form: name, value, name, value.
function* pairsOf(flat: Array<string | string[]>): Iterable<[string, string | string[]]> {
  for (let i = 0; i + 1 < flat.length; i += 2) yield [String(flat[i]), flat[i + 1] as string | string[]];
}

function appendPairs(
  pairs: Iterable<[string, string | string[] | undefined]>,
  injected: Record<string, string>,
): Array<string | string[]> {
  const flat: Array<string | string[]> = [];
  for (const [name, value] of pairs) {
    if (value !== undefined && !Object.hasOwn(injected, name.toLowerCase())) flat.push(name, value);
  }
  for (const [name, value] of Object.entries(injected)) flat.push(name, value);
  return flat;
}
