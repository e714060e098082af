/** Texts and attribute values in JSON, for the formats that are made of it. */

/** A JSON string. Lone surrogates become U+FFFD: as escapes they would be JSON, but no text for who reads it. */
export function jsonText(text: string): string {
  return JSON.stringify(text.toWellFormed());
}

/** A coerced attribute value as a text: strings as they are, lists and maps as JSON. */
export function plainText(value: unknown): string {
  if (typeof value === 'string') return value;
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  return typeof value === 'object' ? nested(value) : String(value);
}

function nested(value: unknown): string {
  if (typeof value === 'string') return jsonText(value);
  if (value === null) return 'null';
  if (value instanceof Uint8Array) return jsonText(plainText(value));
  if (Array.isArray(value)) return `[${value.map(nested).join(',')}]`;
  if (value instanceof Map) {
    return `{${[...value].map(([key, item]) => `${jsonText(String(key))}:${nested(item)}`).join(',')}}`;
  }
  // JSON has no NaN and no infinity; int64 is beyond what readers of JSON numbers keep.
  const isBare = typeof value === 'boolean' || (typeof value === 'number' && Number.isFinite(value));
  return isBare ? String(value) : jsonText(String(value));
}
