/** Attribute values as plain JavaScript values, for people and for JSON. */
import type { AnyValue, Attribute } from './model.ts';

/** A value that JSON can hold: bytes in base64, integers beyond 2^53 as decimal text. */
export type PlainValue = string | number | boolean | PlainValue[] | { [key: string]: PlainValue } | undefined;

/** The plain value; `undefined` for an empty one. */
export function plainValue(value: AnyValue): PlainValue {
  switch (value.type) {
    case 'empty':
      return undefined;
    case 'int64':
      return typeof value.value === 'bigint' ? value.value.toString() : value.value;
    case 'bytes':
      return Buffer.from(value.value).toString('base64');
    case 'array':
      return value.value.map(plainValue);
    case 'map':
      return plainAttributes(value.value);
    default:
      return value.value;
  }
}

/** Attributes as one object. A key that comes twice keeps its last value. */
export function plainAttributes(attributes: readonly Attribute[]): Record<string, PlainValue> {
  // fromEntries defines, it does not assign: a key named `__proto__` is a key like any other.
  return Object.fromEntries(attributes.map(({ key, value }) => [key, plainValue(value)]));
}
