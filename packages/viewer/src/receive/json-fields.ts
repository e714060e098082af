/** Typed access to fields of parsed JSON: an absent or `null` field is its empty value, another type is an error. */
import { DecodeError } from './protobuf.ts';

/** A parsed JSON object. */
export type Fields = Readonly<Record<string, unknown>>;

const NONE: Fields = {};
const MAX_UINT64 = 2n ** 64n;

/** A nested object. */
export function object(value: unknown, name: string): Fields {
  if (value == null) return NONE;
  if (typeof value !== 'object' || Array.isArray(value)) throw new DecodeError(`${name} must be an object`);
  // Checked just above: neither null, nor a list, nor a scalar.
  return value as Fields;
}

/** A list of objects. */
export function list(holder: Fields, key: string): Fields[] {
  const value = holder[key];
  if (value == null) return [];
  if (!Array.isArray(value)) throw new DecodeError(`${key} must be a list`);
  return value.map((item) => object(item, key));
}

/** A text. */
export function text(holder: Fields, key: string): string {
  const value = holder[key];
  if (value == null) return '';
  if (typeof value !== 'string') throw new DecodeError(`${key} must be a string`);
  return value;
}

/** A number, also as text: protobuf's JSON writes `"NaN"` and `"Infinity"` so. */
export function number(holder: Fields, key: string): number {
  const value = holder[key];
  if (value == null) return 0;
  if (typeof value === 'number') return value;
  if (typeof value === 'string' && value !== '') {
    const parsed = Number(value);
    if (!Number.isNaN(parsed) || value === 'NaN') return parsed;
  }
  throw new DecodeError(`${key} must be a number`);
}

/** An unsigned 64-bit integer, as text or as a number (which has lost what lies beyond 2^53). */
export function uint64(holder: Fields, key: string): bigint {
  const value = holder[key];
  if (value == null) return 0n;
  if (typeof value === 'string' && /^\d{1,20}$/.test(value)) {
    const parsed = BigInt(value);
    if (parsed < MAX_UINT64) return parsed;
  }
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < 2 ** 64) return BigInt(value);
  throw new DecodeError(`${key} must be an unsigned integer`);
}
