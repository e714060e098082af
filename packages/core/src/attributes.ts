/**
 * Attributes: what values are allowed, how they are cut to the limits, and the two forms in which spans keep them:
 * a flat `[key, value, key, value …]` array, and groups of constants that are encoded once and then only copied.
 */
import type { Attributes } from '@opentelemetry/api';
import { reportFault } from './faults.ts';

/** `[key, value, key, value …]`; values are what `coerceValue` gives. Keys must be unique within one array. */
export type FlatAttributes = unknown[];

const MAX_KEY_LENGTH = 1024;
const MAX_DEPTH = 64;
/** Values inside one list or object, all levels together. A list in a list in a list … can name more than memory holds. */
const MAX_ITEMS = 65_536;
const INT64_MIN = -(2n ** 63n);
const INT64_MAX = 2n ** 63n - 1n;

/**
 * Attributes that many spans share, such as method, scheme and host of one server. Exporters keep the encoded form in
 * `encoded`, so that a span with a group costs one copy instead of one encoding for each attribute.
 */
export class AttributeGroup {
  readonly flat: FlatAttributes;
  /** The name that the spans of this group usually have: theirs is encoded along with it. */
  readonly spanName: string | undefined;
  /** The encoded form; belongs to the encoder. */
  encoded: Uint8Array | undefined = undefined;
  /** The same behind the encoded name. */
  encodedWithName: Uint8Array | undefined = undefined;

  /** @param flat  unique string keys; string, finite number or boolean values; kept, not copied */
  constructor(flat: FlatAttributes, spanName?: string) {
    this.flat = flat;
    this.spanName = spanName;
  }

  /** How many attributes it holds. */
  get size(): number {
    return this.flat.length / 2;
  }

  has(key: string): boolean {
    const { flat } = this;
    for (let i = 0; i < flat.length; i += 2) if (flat[i] === key) return true;
    return false;
  }
}

/**
 * A bounded cache of groups. When it is full the oldest entry goes: the keys are few in a healthy service, and a
 * hostile one that sends a new host name with every request must not fill the memory.
 */
export class GroupCache<K> {
  readonly #groups = new Map<K, AttributeGroup>();
  readonly #make: (key: K) => FlatAttributes;
  readonly #maxGroups: number;
  readonly #spanName: string | undefined;

  /** @param spanName  that most spans of these groups have */
  constructor(make: (key: K) => FlatAttributes, maxGroups = 512, spanName?: string) {
    this.#make = make;
    this.#maxGroups = maxGroups;
    this.#spanName = spanName;
  }

  get(key: K): AttributeGroup {
    const known = this.#groups.get(key);
    if (known !== undefined) return known;
    if (this.#groups.size >= this.#maxGroups) this.#groups.delete(this.#groups.keys().next().value as K);
    const group = new AttributeGroup(this.#make(key), this.#spanName);
    this.#groups.set(key, group);
    return group;
  }
}

/** An attribute key that is usable, cut to 1024 characters; `undefined` when it is not a string or empty. */
export function coerceKey(key: unknown): string | undefined {
  if (typeof key !== 'string' || key === '') return undefined;
  return key.length > MAX_KEY_LENGTH ? truncate(key, MAX_KEY_LENGTH) : key;
}

/**
 * An attribute value in a form that encoders understand, independent of what the caller does with it later.
 *
 * Strings, booleans, numbers, bigints within int64, `Uint8Array`s, arrays of these and plain objects pass, a valid
 * `Date` becomes its ISO text, a larger bigint its decimal text. Beyond 64 levels lists and objects are empty.
 *
 * @param maxLength  longest string, in code points
 * @returns `undefined` for everything else: for values that throw when they are read, that contain themselves, or that
 *   have more than 65 536 parts
 */
export function coerceValue(value: unknown, maxLength: number): unknown {
  switch (typeof value) {
    case 'string':
      return value.length > maxLength ? truncate(value, maxLength) : value;
    case 'number':
    case 'boolean':
      return value;
    case 'bigint':
      return value >= INT64_MIN && value <= INT64_MAX ? value : String(value);
    case 'object':
      try {
        return new Walk(maxLength).object(value);
      } catch {
        return undefined;
      }
    default:
      return undefined;
  }
}

/** One way through a nested value; it throws where the value does, and where it cannot be kept. */
class Walk {
  readonly #maxLength: number;
  /** The lists and objects around the current one. */
  readonly #around: object[] = [];
  #items = 0;

  constructor(maxLength: number) {
    this.#maxLength = maxLength;
  }

  object(value: object | null): unknown {
    if (value === null) return undefined;
    // A `Buffer` has a `slice` that copies nothing.
    if (value instanceof Uint8Array) return new Uint8Array(value);
    if (value instanceof Date) {
      return Number.isNaN(value.getTime()) ? undefined : Date.prototype.toISOString.call(value);
    }
    const isList = Array.isArray(value);
    if (!isList && !isPlain(value)) return undefined;
    if (this.#around.includes(value)) throw new Error('a value that contains itself');
    if (this.#around.length >= MAX_DEPTH) return isList ? [] : new Map();
    this.#around.push(value);
    const copy = isList ? this.#list(value) : this.#entries(value);
    this.#around.pop();
    return copy;
  }

  #list(value: readonly unknown[]): unknown[] {
    const copy: unknown[] = [];
    const { length } = value;
    for (let i = 0; i < length; i++) copy.push(this.#item(value[i]));
    return copy;
  }

  #entries(value: object): Map<string, unknown> {
    const copy = new Map<string, unknown>();
    for (const [key, item] of Object.entries(value)) {
      const coerced = this.#item(item);
      if (coerced !== null) copy.set(key, coerced);
    }
    return copy;
  }

  // Inside lists a missing value keeps its place: null stands for the empty value there.
  #item(item: unknown): unknown {
    if (++this.#items > MAX_ITEMS) throw new Error('a value with too many parts');
    if (item === null || item === undefined) return null;
    return (typeof item === 'object' ? this.object(item) : coerceValue(item, this.#maxLength)) ?? null;
  }
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype;
}

/** The first `maxLength` code points of a text; never half of a surrogate pair. */
export function truncate(text: string, maxLength: number): string {
  if (text.length <= maxLength) return text;
  let units = 0;
  for (let points = 0; points < maxLength && units < text.length; points++) {
    const code = text.charCodeAt(units);
    const pair = code >= 0xd800 && code <= 0xdbff && (text.charCodeAt(units + 1) & 0xfc00) === 0xdc00;
    units += pair ? 2 : 1;
  }
  return text.slice(0, units);
}

/**
 * Copy an attribute object into flat form; unusable entries are left out and counted as faults, empty ones are not.
 *
 * @param maxCount  how many entries are kept
 * @returns the flat form, and how many usable entries were over the limit
 */
export function flatten(
  attributes: Attributes | undefined,
  maxCount: number,
  maxLength: number,
): { flat: FlatAttributes; dropped: number } {
  const flat: FlatAttributes = [];
  let dropped = 0;
  if (attributes === undefined || attributes === null || typeof attributes !== 'object') return { flat, dropped };
  for (const name of attributeNames(attributes)) {
    const given = readAttribute(attributes, name);
    if (given === undefined || given === null) continue;
    // Most values are short texts and numbers under ordinary keys, which stay as they are.
    const isPlain =
      name !== '' &&
      name.length <= MAX_KEY_LENGTH &&
      (typeof given === 'string' ? given.length <= maxLength : typeof given === 'number');
    const key = isPlain ? name : coerceKey(name);
    const value = isPlain ? given : coerceValue(given, maxLength);
    if (key === undefined || value === undefined) {
      reportInvalid(key);
      continue;
    }
    // Only a key that was cut can be there already.
    const at = key === name ? -1 : flat.indexOf(key);
    if (at >= 0) flat[at + 1] = value;
    else if (flat.length >= maxCount * 2) dropped++;
    else flat.push(key, value);
  }
  return { flat, dropped };
}

/** The keys of an attribute object; none when it throws, which is counted. */
export function attributeNames(attributes: Attributes): string[] {
  try {
    return Object.keys(attributes);
  } catch {
    reportInvalid(undefined);
    return [];
  }
}

/** One value of an attribute object; `undefined` when its getter throws, which is counted. */
export function readAttribute(attributes: Attributes, name: string): unknown {
  try {
    return attributes[name];
  } catch {
    reportInvalid(name);
    return undefined;
  }
}

/** Count an attribute that cannot be recorded; without a key, it was the key that is unusable. */
export function reportInvalid(key: string | undefined): void {
  reportFault(
    'invalid_attribute',
    key === undefined
      ? 'an attribute key was empty or no text, or an attribute object threw'
      : `the value of attribute ${key.slice(0, 64)} cannot be recorded`,
  );
}

/** The object form of flat attributes, for samplers and processors that want one. */
export function toAttributes(...parts: Array<FlatAttributes | undefined>): Attributes {
  // No prototype: `__proto__` is an ordinary key here.
  const attributes = Object.create(null) as Attributes;
  for (const flat of parts) {
    if (flat === undefined) continue;
    for (let i = 0; i < flat.length; i += 2) attributes[flat[i] as string] = readable(flat[i + 1]);
  }
  return attributes;
}

// Maps are how nested objects are kept; other people's exporters expect objects.
function readable(value: unknown): Attributes[string] {
  if (value instanceof Map) {
    const copy = Object.create(null) as Record<string, unknown>;
    for (const [key, item] of value) copy[key as string] = readable(item);
    return copy as unknown as Attributes[string];
  }
  if (Array.isArray(value)) return value.map(readable) as Attributes[string];
  return value as Attributes[string];
}
