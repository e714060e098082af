/** Headers of a fetch call with the propagation headers put in; the caller's own objects are never changed. */

/** Names and values to put in; names in lower case. */
export type InjectedHeaders = Record<string, string>;

type HeadersLike = NonNullable<RequestInit['headers']>;

/**
 * A copy of what the caller gave, in which each injected header stands once.
 *
 * @param given  headers in any form that fetch takes, or `undefined`
 */
export function withInjected(given: HeadersLike | undefined, injected: InjectedHeaders): HeadersLike {
  if (given === undefined) return injected;
  if (isPlainObject(given)) return { ...withoutNames(given, injected), ...injected };
  // Headers, pairs and other iterables; `Headers` of another copy of undici is read as an iterable.
  const headers = new Headers(given);
  for (const [name, value] of Object.entries(injected)) headers.set(name, value);
  return headers;
}

function isPlainObject(value: unknown): value is Record<string, string> {
  if (typeof value !== 'object' || value === null || Symbol.iterator in value) return false;
  const prototype = Object.getPrototypeOf(value) as unknown;
  return prototype === Object.prototype || prototype === null;
}

function withoutNames(given: Record<string, string>, injected: InjectedHeaders): Record<string, string> {
  const names = Object.keys(given).filter((name) => Object.hasOwn(injected, name.toLowerCase()));
  if (names.length === 0) return given;
  const copy = { ...given };
  for (const name of names) delete copy[name];
  return copy;
}
