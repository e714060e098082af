/** Baggage of older formats: one header for each entry, its name behind a prefix. */
import type { BaggageEntry, Context, TextMapGetter, TextMapSetter } from '@opentelemetry/api';
import { reportFault } from '../faults.ts';
import { type BaggageEntries, baggageToInject, entriesOf } from './baggage.ts';
import { headerNames, isHeaderSafe, isToken, readSingleHeader, writeHeader } from './carrier.ts';

// The limits of W3C Baggage, because these entries leave in a `baggage` header too when that is switched on.
const MAX_MEMBERS = 180;
const MAX_BYTES = 8192;
const MAX_MEMBER_BYTES = 4096;

/** How values of a format are written; `decode` undoes `encode`. */
export interface ValueCoding {
  encode: (value: string) => string;
  decode: (text: string) => string;
}

/** Read the headers that begin with `prefix`, which is in lower case. Entries beyond the limits are left out. */
export function readPrefixedBaggage<C>(
  carrier: C,
  prefix: string,
  getter: TextMapGetter<C>,
  decode: ValueCoding['decode'],
): BaggageEntries {
  const entries: BaggageEntries = new Map();
  let bytes = 0;
  for (const name of headerNames(carrier, getter)) {
    if (!name.toLowerCase().startsWith(prefix)) continue;
    const key = name.slice(prefix.length);
    const text = readSingleHeader(carrier, name, getter);
    if (text === undefined || !isToken(key) || !isHeaderSafe(text)) continue;
    const size = key.length + text.length + 1;
    if (size > MAX_MEMBER_BYTES || bytes + size > MAX_BYTES || entries.size === MAX_MEMBERS) continue;
    bytes += size;
    entries.set(key, { value: decode(text) });
  }
  return entries;
}

/** Write the context's baggage; names in lower case. Entries that cannot be written are left out and counted. */
export function writePrefixedBaggage<C>(
  context: Context,
  carrier: C,
  prefix: string,
  setter: TextMapSetter<C>,
  encode: ValueCoding['encode'],
): void {
  const baggage = baggageToInject(context);
  if (baggage === undefined) return;
  const written = new Set<string>();
  let bytes = 0;
  let left = 0;
  for (const pair of entriesOf(baggage)) {
    const entry = formatEntry(pair, prefix, encode);
    // Two names that differ only in case would be one header with two values, which nobody reads.
    if (entry === undefined || written.has(entry.name) || written.size === MAX_MEMBERS) {
      left++;
      continue;
    }
    const size = entry.name.length - prefix.length + entry.text.length + 1;
    if (size > MAX_MEMBER_BYTES || bytes + size > MAX_BYTES) {
      left++;
      continue;
    }
    bytes += size;
    written.add(entry.name);
    writeHeader(carrier, entry.name, entry.text, setter);
  }
  if (left > 0) reportFault('baggage_dropped', `entries that cannot be written as ${prefix}… headers`, left);
}

function formatEntry(
  pair: [string, BaggageEntry],
  prefix: string,
  encode: ValueCoding['encode'],
): { name: string; text: string } | undefined {
  try {
    const [key, { value }] = pair;
    if (typeof key !== 'string' || !isToken(key) || typeof value !== 'string') return undefined;
    // Encoding makes a value longer, never shorter, so nothing huge is encoded only to be left out.
    if (key.length + value.length >= MAX_MEMBER_BYTES) return undefined;
    const text = encode(value);
    return isHeaderSafe(text) ? { name: `${prefix}${key.toLowerCase()}`, text } : undefined;
  } catch {
    // An entry of the application's threw when it was read.
    return undefined;
  }
}
