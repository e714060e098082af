/**
 * Carriers: what headers are read from and written to. Reading and writing go through the guarded functions here,
 * because getters and setters can be the application's and may throw (a frozen object, headers already sent).
 */
import { defaultTextMapGetter, type TextMapGetter, type TextMapSetter } from '@opentelemetry/api';
import { describeError, reportFault } from '../faults.ts';

/** A header object in Node.js's shape: names in lower case, several values in an array. */
export type HeaderCarrier = Record<string, string | string[] | undefined>;

/**
 * Reads `request.headers` of Node.js, whose names are in lower case already: a missing header costs one property read.
 * For objects that others built use `anyCaseGetter`.
 */
export const headerGetter: TextMapGetter<HeaderCarrier> = {
  keys: (carrier: HeaderCarrier): string[] => Object.keys(carrier),
  get: (carrier: HeaderCarrier, key: string): string | string[] | undefined => carrier[key],
};

/** Writes lower-case names into a plain object. */
export const headerSetter: TextMapSetter<HeaderCarrier> = {
  set(carrier: HeaderCarrier, key: string, value: string): void {
    carrier[key] = value;
  },
};

/**
 * What `anyCaseGetter` reads: an object, or pairs of name and value, such as `Headers` of fetch, a `Map`, or a list.
 */
export type AnyCaseCarrier = HeaderCarrier | Iterable<readonly [name: string, value: string | string[] | undefined]>;

/**
 * Reads carriers with names in any case, such as the headers of a Lambda event, which keep the case that the client
 * sent (Go writes `Traceparent`). Of a name that is there in several cases or several times, all values are given.
 */
export const anyCaseGetter: TextMapGetter<AnyCaseCarrier> = {
  keys: (carrier: AnyCaseCarrier): string[] => pairsOf(carrier).map(([name]) => name),
  get(carrier: AnyCaseCarrier, key: string): string | string[] | undefined {
    const values = pairsOf(carrier)
      .filter(([name]) => name === key || name.toLowerCase() === key)
      .flatMap(([, value]) => value ?? []);
    return values.length > 1 ? values : values[0];
  },
};

function pairsOf(carrier: AnyCaseCarrier): Array<readonly [name: string, value: string | string[] | undefined]> {
  return Symbol.iterator in carrier ? firstOf(carrier) : Object.entries(carrier);
}

/**
 * Reads environment variables, for a process that was started by a traced one: `traceparent` is `TRACEPARENT`.
 *
 * @see https://opentelemetry.io/docs/specs/otel/context/env-carriers/
 */
export const environmentGetter: TextMapGetter<NodeJS.ProcessEnv> = {
  keys: (carrier: NodeJS.ProcessEnv): string[] => Object.keys(carrier),
  get: (carrier: NodeJS.ProcessEnv, key: string): string | undefined => carrier[environmentName(key)],
};

/** Writes environment variables for a child process. */
export const environmentSetter: TextMapSetter<NodeJS.ProcessEnv> = {
  set(carrier: NodeJS.ProcessEnv, key: string, value: string): void {
    carrier[environmentName(key)] = value;
  },
};

function environmentName(key: string): string {
  return key.toUpperCase().replace(/[^A-Z0-9]/g, '_');
}

// A getter that reads a property by a name that changes with each call is slower than reading these by their names.
function readValue<C>(carrier: C, key: string, getter: TextMapGetter<C>): unknown {
  const isPlain = getter === (headerGetter as unknown) || getter === (defaultTextMapGetter as unknown);
  return isPlain ? propertyOf(carrier as HeaderCarrier, key) : getter.get(carrier, key);
}

function propertyOf(headers: HeaderCarrier, key: string): unknown {
  switch (key) {
    case 'traceparent':
      return headers.traceparent;
    case 'tracestate':
      return headers.tracestate;
    case 'baggage':
      return headers.baggage;
    default:
      return headers[key];
  }
}

/**
 * The value of a header that must be there once; `undefined` when it is missing, repeated or no text.
 *
 * @throws never: a getter that throws is reported, and the header counts as missing
 */
export function readSingleHeader<C>(carrier: C, key: string, getter: TextMapGetter<C>): string | undefined {
  if (carrier === undefined || carrier === null) return undefined;
  try {
    return singleText(readValue(carrier, key, getter));
  } catch (error) {
    reportFault('carrier_threw', `reading header ${key}: ${describeError(error)}`);
    return undefined;
  }
}

/** What a header that must be there once says; `undefined` when it is repeated or no text. */
function singleText(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  if (!Array.isArray(value) || value.length !== 1) return undefined;
  const only: unknown = value[0];
  return typeof only === 'string' ? only : undefined;
}

// More names than servers take, and more entries than baggage may have. A sparse list can have four billion.
const MAX_LISTED = 4096;

/** The first 4096 of what a carrier or baggage of the application lists. */
export function firstOf<T>(list: Iterable<T>): T[] {
  const first: T[] = [];
  for (const one of list) if (first.push(one) === MAX_LISTED) break;
  return first;
}

// More repetitions than any list of ours may have members.
const MAX_VALUES = 256;

/**
 * The values of a header whose repetitions form one list, joined by commas in their order.
 *
 * @throws never, as `readSingleHeader`
 */
export function readListHeader<C>(carrier: C, key: string, getter: TextMapGetter<C>): string | undefined {
  if (carrier === undefined || carrier === null) return undefined;
  try {
    return listText(readValue(carrier, key, getter));
  } catch (error) {
    reportFault('carrier_threw', `reading header ${key}: ${describeError(error)}`);
    return undefined;
  }
}

/** What a header whose repetitions form one list says, joined by commas; `undefined` when there is no text. */
function listText(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  if (!Array.isArray(value)) return undefined;
  const texts = value.slice(0, MAX_VALUES).filter((one) => typeof one === 'string');
  return texts.length === 0 ? undefined : texts.join(',');
}

/** The names in a carrier; empty when the getter throws. */
export function headerNames<C>(carrier: C, getter: TextMapGetter<C>): string[] {
  if (carrier === undefined || carrier === null) return [];
  try {
    return firstOf(getter.keys(carrier)).filter((name) => typeof name === 'string');
  } catch (error) {
    reportFault('carrier_threw', `listing header names: ${describeError(error)}`);
    return [];
  }
}

/**
 * Write one header.
 *
 * @throws never: a setter that throws is reported, and the call goes out without the header
 */
export function writeHeader<C>(carrier: C, key: string, value: string, setter: TextMapSetter<C>): void {
  if (carrier === undefined || carrier === null) return;
  try {
    setter.set(carrier, key, value);
  } catch (error) {
    reportFault('carrier_threw', `writing header ${key}: ${describeError(error)}`);
  }
}

const HEADER_SAFE = 1;
const TOKEN = 2;
// What each ASCII character may be part of. Loops over this table are several times faster than regular expressions.
const classes = new Uint8Array(128);
for (let code = 0x20; code < 0x7f; code++) classes[code] = HEADER_SAFE;
classes[0x09] = HEADER_SAFE;
for (const character of "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz") {
  classes[character.charCodeAt(0)] = HEADER_SAFE | TOKEN;
}

/** Whether a text has only characters that may stand in a header value: visible ASCII, space and tab. */
export function isHeaderSafe(text: string): boolean {
  return consistsOf(text, HEADER_SAFE);
}

/** Whether a text is a token of RFC 9110, as header names and baggage keys are. */
export function isToken(text: string): boolean {
  return text !== '' && consistsOf(text, TOKEN);
}

function consistsOf(text: string, wanted: number): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code > 127 || ((classes[code] as number) & wanted) === 0) return false;
  }
  return true;
}

/** A text without the spaces and tabs around it; the same string when there are none. */
export function trimBlanks(text: string): string {
  let end = text.length;
  if (!isBlank(text.charCodeAt(0)) && !isBlank(text.charCodeAt(end - 1))) return text;
  let start = 0;
  while (start < end && isBlank(text.charCodeAt(start))) start++;
  while (end > start && isBlank(text.charCodeAt(end - 1))) end--;
  return text.slice(start, end);
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09;
}
