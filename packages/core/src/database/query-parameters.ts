/** Values of query parameters as attributes; only for users who ask for it. */
import type { FlatAttributes } from '../attributes.ts';
import { truncate } from '../attributes.ts';

const MAX_PARAMETERS = 64;
const MAX_VALUE_LENGTH = 1024;
/** Parts of one value. A list in a list in a list … can name more than memory holds. */
const MAX_PARTS = 10_000;

/**
 * `db.query.parameter.<position>` for each value, counted from 0; `null` is left out.
 *
 * @returns 64 attributes at most, of 1024 characters at most
 * @throws never
 */
export function parameterAttributes(values: readonly unknown[]): FlatAttributes {
  const flat: FlatAttributes = [];
  for (let i = 0; i < values.length && i < MAX_PARAMETERS; i++) {
    const text = textOf(values[i]);
    if (text !== undefined) flat.push(`db.query.parameter.${i}`, truncate(text, MAX_VALUE_LENGTH));
  }
  return flat;
}

function jsonOf(value: object): string {
  let parts = 0;
  return JSON.stringify(value, (_, part: unknown) => {
    if (++parts > MAX_PARTS) throw new Error('too large to be shown');
    return part;
  });
}

function textOf(value: unknown): string | undefined {
  try {
    if (value === undefined || value === null) return undefined;
    if (typeof value !== 'object') return String(value);
    if (ArrayBuffer.isView(value)) return `<binary ${value.byteLength} bytes>`;
    if (value instanceof Date) return value.toISOString();
    return jsonOf(value);
  } catch {
    // An object of the application that does not let itself be read, or is too large.
    return undefined;
  }
}
