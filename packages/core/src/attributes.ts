/**
 * Attributes: what values are allowed, how they are cut to the limits, and the two forms in which spans keep them:
 * a flat `[key, value, key, value …]` array, and groups of constants that are encoded once and then only copied.
 */
import type { Attributes } from '@opentelemetry/api';

/** `[key, value, key, value …]`; values are what `coerceValue` gives. Keys must be unique within one array. */
export type FlatAttributes = unknown[];

const MAX_KEY_LENGTH = 1024;
const MAX_DEPTH = 64;
const INT64_MIN = -(2n ** 63n);
const INT64_MAX = 2n ** 63n - 1n;

/**
 * Attributes that many spans share, such as method, scheme and host of one server. Exporters keep the encoded form in
 * `encoded`, so that a span with a group costs one copy instead of one encoding for each attribute.
 */
export class AttributeGroup {
  readonly flat: FlatAttributes;
  /** The encoded form; belongs to the encoder. */
  encoded: Uint8Array | undefined = undefined;

  /** @param flat  unique string keys; string, finite number or boolean values; kept, not copied */
  constructor(flat: FlatAttributes) {
    this.flat = flat;
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
 * Start attributes that are only worked out when a sampler or a recorded span needs them, so that a request that is
 * not sampled does not pay for them.
 */
export interface AttributeSource {
  /**
   * Called at most once, and only from inside the start of a span: it must not throw, and must not start spans.
   *
   * @returns unique keys and coerced values; the span keeps the array
   */
  startAttributes(): FlatAttributes;
  /** Constants shared with other spans; keys that are not in `startAttributes`. Called right after it. */
  startGroup(): AttributeGroup | undefined;
}

/**
 * A bounded cache of groups. When it is full the oldest entry goes: the keys are few in a healthy service, and a
 * hostile one that sends a new host name with every request must not fill the memory.
 */
export class GroupCache<K> {
  readonly #groups = new Map<K, AttributeGroup>();
  readonly #make: (key: K) => FlatAttributes;
  readonly #maxGroups: number;

  constructor(make: (key: K) => FlatAttributes, maxGroups = 512) {
    this.#make = make;
    this.#maxGroups = maxGroups;
  }

  get(key: K): AttributeGroup {
    const known = this.#groups.get(key);
    if (known !== undefined) return known;
    if (this.#groups.size >= this.#maxGroups) this.#groups.delete(this.#groups.keys().next().value as K);
    const group = new AttributeGroup(this.#make(key));
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
 * `Date` becomes its ISO text, a larger bigint its decimal text.
 *
 * @param maxLength  longest string, in code points
 * @returns `undefined` for everything else, and for values that throw when they are read
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
        return coerceObject(value, maxLength, 0);
      } catch {
        return undefined;
      }
    default:
      return undefined;
  }
}

function coerceObject(value: object | null, maxLength: number, depth: number): unknown {
  if (value === null) return undefined;
  if (value instanceof Uint8Array) return value.slice();
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? undefined : value.toISOString();
  if (Array.isArray(value)) {
    return depth >= MAX_DEPTH ? [] : value.map((item) => coerceItem(item, maxLength, depth + 1));
  }
  const prototype = Object.getPrototypeOf(value) as unknown;
  if (prototype !== null && prototype !== Object.prototype) return undefined;
  const copy = new Map<string, unknown>();
  if (depth >= MAX_DEPTH) return copy;
  for (const [key, item] of Object.entries(value)) {
    const coerced = coerceItem(item, maxLength, depth + 1);
    if (coerced !== null) copy.set(key, coerced);
  }
  return copy;
}

// Inside arrays a missing value keeps its place: null stands for the empty value there.
function coerceItem(item: unknown, maxLength: number, depth: number): unknown {
  if (item === null || item === undefined) return null;
  if (typeof item === 'object') return coerceObject(item, maxLength, depth) ?? null;
  return coerceValue(item, maxLength) ?? null;
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
 * Copy an attribute object into flat form; unusable entries are left out.
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
  try {
    for (const name of Object.keys(attributes)) {
      const given = attributes[name];
      // Most values are short texts and numbers under ordinary keys, which stay as they are.
      const isPlain =
        name !== '' &&
        name.length <= MAX_KEY_LENGTH &&
        (typeof given === 'string' ? given.length <= maxLength : typeof given === 'number');
      const key = isPlain ? name : coerceKey(name);
      const value = isPlain ? given : coerceValue(given, maxLength);
      if (key === undefined || value === undefined) continue;
      if (flat.length >= maxCount * 2) dropped++;
      else flat.push(key, value);
    }
  } catch {
    // A getter or a proxy of the application threw; what was read until then is kept.
  }
  return { flat, dropped };
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
