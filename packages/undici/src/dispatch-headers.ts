/** Headers of undici's dispatch options with the propagation headers put in; the caller's objects are never changed. */
import type { InjectedHeaders } from './inject.ts';

type Value = string | string[] | undefined;

/** The forms in which undici takes headers. */
export type DispatchHeaders =
  | Record<string, Value>
  | Array<string | string[]>
  | Iterable<[string, Value]>
  | null
  | undefined;

/**
 * The same headers in a form that can be read more than once: an iterable may be a generator.
 *
 * @returns what was given, unless it is an iterable
 */
export function readableHeaders(given: DispatchHeaders): DispatchHeaders {
  if (!isIterable(given)) return given;
  const entries = [...given];
  return { [Symbol.iterator]: () => entries.values() };
}

/**
 * A copy of what the caller gave, in which each injected header stands once.
 *
 * @param injected  names in lower case
 */
export function withDispatchHeaders(given: DispatchHeaders, injected: InjectedHeaders): DispatchHeaders {
  if (given === undefined || given === null) return injected;
  // What is no headers at all is undici's to refuse.
  if (typeof given !== 'object' || (Array.isArray(given) && given.length % 2 !== 0)) return given;
  if (!Array.isArray(given) && !isIterable(given)) return putInto({ ...given }, injected);
  const isKept = (name: string): boolean => !Object.hasOwn(injected, name);
  return [...keepListed(given, isKept), ...Object.entries(injected).flat()];
}

// The copy is ours. What is injected takes the place of a header that the caller wrote in another case.
function putInto(headers: Record<string, Value>, injected: InjectedHeaders): Record<string, Value> {
  for (const wanted of Object.keys(injected)) {
    for (const name of Object.keys(headers)) {
      if (name.length === wanted.length && name !== wanted && name.toLowerCase() === wanted) delete headers[name];
    }
    headers[wanted] = injected[wanted];
  }
  return headers;
}

/** A copy of what the caller gave without these headers, where they have these values. */
export function withoutDispatchHeaders(given: DispatchHeaders, removed: InjectedHeaders): DispatchHeaders {
  if (typeof given !== 'object' || given === null) return given;
  const isKept = (name: string, value: Value): boolean => value === undefined || removed[name] !== value;
  return Array.isArray(given) || isIterable(given) ? keepListed(given, isKept) : keepNamed(given, isKept);
}

/** The value of one header, in any of the forms. */
export function readDispatchHeader(given: DispatchHeaders, wanted: string): string | undefined {
  if (typeof given !== 'object' || given === null) return undefined;
  const pairs = Array.isArray(given) ? pairsOf(given) : isIterable(given) ? given : Object.entries(given);
  for (const [name, value] of pairs) {
    if (String(name).length === wanted.length && String(name).toLowerCase() === wanted) return String(value);
  }
  return undefined;
}

type Keep = (lowerCaseName: string, value: Value) => boolean;

function keepNamed(given: Record<string, Value>, isKept: Keep): Record<string, Value> {
  const kept: Record<string, Value> = {};
  for (const [name, value] of Object.entries(given)) if (isKept(name.toLowerCase(), value)) kept[name] = value;
  return kept;
}

function keepListed(
  given: Array<string | string[]> | Iterable<[string, Value]>,
  isKept: Keep,
): Array<string | string[]> {
  const flat: Array<string | string[]> = [];
  for (const [name, value] of Array.isArray(given) ? pairsOf(given) : given) {
    if (value !== undefined && isKept(String(name).toLowerCase(), value)) flat.push(name, value);
  }
  return flat;
}

function isIterable(given: DispatchHeaders): given is Iterable<[string, Value]> {
  return typeof given === 'object' && given !== null && !Array.isArray(given) && Symbol.iterator in given;
}

// undici's flat form: name, value, name, value.
function* pairsOf(flat: Array<string | string[]>): Iterable<[string, Value]> {
  for (let i = 0; i + 1 < flat.length; i += 2) yield [flat[i] as string, flat[i + 1]];
}
