/** Baggage of older formats: one header for each entry, its name behind a prefix. */
import type { Context, TextMapGetter, TextMapSetter } from '@opentelemetry/api';
import { reportFault } from '../faults.ts';
import { type BaggageEntries, baggageToInject } from './baggage.ts';
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
    if (typeof name !== 'string' || !name.toLowerCase().startsWith(prefix)) continue;
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
  let bytes = 0;
  let count = 0;
  let left = 0;
  for (const [key, entry] of baggageToInject(context)?.getAllEntries() ?? []) {
    const text = isToken(key) && typeof entry?.value === 'string' ? encode(entry.value) : undefined;
    const size = key.length + (text?.length ?? 0) + 1;
    const fits = size <= MAX_MEMBER_BYTES && bytes + size <= MAX_BYTES && count < MAX_MEMBERS;
    if (text === undefined || !fits || !isHeaderSafe(text)) {
      left++;
      continue;
    }
    bytes += size;
    count++;
    writeHeader(carrier, `${prefix}${key.toLowerCase()}`, text, setter);
  }
  if (left > 0) reportFault('baggage_dropped', `entries that cannot be written as ${prefix}… headers`, left);
}
