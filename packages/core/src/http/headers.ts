/** Headers as span attributes: only those that the user lists, cut, and redacted when they carry secrets. */
import { type FlatAttributes, truncate } from '../attributes.ts';
import { REDACTED } from './redact.ts';

/** Longest header value that is recorded, in code points. */
const MAX_HEADER_LENGTH = 1024;

const SENSITIVE = new Set(['authorization', 'proxy-authorization', 'cookie', 'set-cookie', 'x-api-key']);

/**
 * Append the listed headers that are there.
 *
 * @param prefix  `http.request.header.` or `http.response.header.`
 * @param names   lower case
 * @param read    the value of a header, in any of the shapes that Node.js knows
 */
export function captureHeaders(
  flat: FlatAttributes,
  prefix: string,
  names: readonly string[],
  read: (name: string) => string | number | readonly string[] | undefined,
  allowSensitive: boolean,
): void {
  for (const name of names) {
    const value = read(name);
    if (value === undefined) continue;
    const isSecret = !allowSensitive && SENSITIVE.has(name);
    flat.push(prefix + name, isSecret ? [REDACTED] : toList(value));
  }
}

function toList(value: string | number | readonly string[]): string[] {
  const values = Array.isArray(value) ? (value as readonly string[]) : [value];
  return values.map((one) => truncate(String(one), MAX_HEADER_LENGTH));
}
