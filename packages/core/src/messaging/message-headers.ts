/**
 * Context in the headers of a message. Brokers carry bytes, so a value that was sent as text arrives as a `Buffer`, and
 * one that was sent twice as an array; header names keep the case in which the sender wrote them.
 */
import type { TextMapGetter } from '@opentelemetry/api';

/** Headers of a message: a value is text, bytes, or an array of both; anything else counts as missing. */
export type MessageHeaders = Record<string, unknown>;

// Repetitions of these form one list (Trace Context, "tracestate Header"; W3C Baggage, "Baggage HTTP Header Format").
const BAGGAGE = 'baggage';
const LISTS = new Set(['tracestate', BAGGAGE]);
// More repetitions than any list of ours may have members; a sparse list can have four billion places.
const MAX_VALUES = 256;

/** Reads message headers in any case; of a header that came several times the first one, of a list header all. */
export const messageHeaderGetter: TextMapGetter<MessageHeaders> = {
  keys: (headers: MessageHeaders): string[] => Object.keys(headers),
  get(headers: MessageHeaders, key: string): string | string[] | undefined {
    const value = headers[key] ?? findAnyCase(headers, key);
    if (!Array.isArray(value)) return toText(value);
    if (!LISTS.has(key)) return toText(value[0]);
    return value
      .slice(0, MAX_VALUES)
      .map(toText)
      .filter((text) => text !== undefined);
  },
};

function findAnyCase(headers: MessageHeaders, key: string): unknown {
  // for…in makes no array, and headers are plain objects.
  for (const name in headers) {
    if (name.length === key.length && name !== key && name.toLowerCase() === key) return headers[name];
  }
  return undefined;
}

function toText(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  if (Buffer.isBuffer(value)) return value.toString();
  return value instanceof Uint8Array ? Buffer.from(value.buffer, value.byteOffset, value.length).toString() : undefined;
}

/** Whether one of the headers is of a propagator; the others are the application's. */
export function hasField(headers: MessageHeaders, fields: ReadonlySet<string>): boolean {
  for (const name of Object.keys(headers)) if (fields.has(name) || fields.has(name.toLowerCase())) return true;
  return false;
}

/**
 * The headers of a message together with those of a context, in a new object.
 *
 * Baggage that the application put there stays. Other headers of the propagator are replaced whatever their case:
 * a message whose headers hold a valid context is not to be passed here, so what is there is malformed or half.
 *
 * @param headers   as the application wrote them; not changed
 * @param injected  what the propagator wrote for the context, names in lower case
 * @param fields    all names that the propagator may write, lower case
 */
export function addHeaders(
  headers: MessageHeaders | undefined | null,
  injected: Readonly<Record<string, string>>,
  fields: ReadonlySet<string>,
): MessageHeaders {
  if (headers === undefined || headers === null) return { ...injected };
  if (!hasField(headers, fields)) return { ...headers, ...injected };
  const merged: MessageHeaders = {};
  let hasBaggage = false;
  for (const name of Object.keys(headers)) {
    const lower = name.toLowerCase();
    if (lower === BAGGAGE) hasBaggage = true;
    else if (fields.has(lower)) continue;
    merged[name] = headers[name];
  }
  for (const name of Object.keys(injected)) if (!(hasBaggage && name === BAGGAGE)) merged[name] = injected[name];
  return merged;
}
