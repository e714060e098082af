/** W3C Baggage: names and values that travel with a request, in the `baggage` header. */
import {
  type Baggage,
  type BaggageEntry,
  baggageEntryMetadataFromString,
  type Context,
  type TextMapGetter,
  type TextMapPropagator,
  type TextMapSetter,
} from '@opentelemetry/api';
import { baggageOf, isSuppressed, withBaggageIn } from '../context.ts';
import { describeError, reportFault } from '../faults.ts';
import { firstOf, isHeaderSafe, isToken, readListHeader, trimBlanks, writeHeader } from './carrier.ts';

const BAGGAGE = 'baggage';
// W3C Baggage, "Limits": everyone passes on 64 members and 8192 bytes; 180 members were the limit of its first version.
const MAX_MEMBERS = 180;
const MAX_BYTES = 8192;
const MAX_MEMBER_BYTES = 4096;

/** W3C Baggage, "value": the baggage octets, without the percent sign. */
const PLAIN_VALUE = /^[\x21\x23\x24\x26-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]*$/;

/** Entries as they were read, last one of a name winning; a Map, because `__proto__` is a name like any other. */
export type BaggageEntries = Map<string, BaggageEntry>;

/**
 * Read `baggage` header text, several headers joined by commas. Members that are malformed, longer than 4096 bytes or
 * beyond the limits (180 members, 8192 bytes) are left out, the others are kept.
 *
 * @throws never
 * @see https://www.w3.org/TR/baggage/#header-content
 */
export function parseBaggage(header: string): BaggageEntries {
  const entries: BaggageEntries = new Map();
  // Asked once for the header that everyone sends; only a bad one is asked member by member.
  const isSafe = isHeaderSafe(header.length > MAX_BYTES ? header.slice(0, MAX_BYTES) : header);
  let count = 0;
  for (let start = 0; start < header.length && count < MAX_MEMBERS; ) {
    let end = header.indexOf(',', start);
    if (end === -1) end = header.length;
    if (end > MAX_BYTES) break;
    const isUsable = end - start <= MAX_MEMBER_BYTES && (isSafe || isHeaderSafe(header.slice(start, end)));
    if (isUsable && parseMember(header, start, end, entries)) count++;
    start = end + 1;
  }
  return entries;
}

function parseMember(header: string, start: number, end: number, entries: BaggageEntries): boolean {
  const equals = header.indexOf('=', start);
  if (equals === -1 || equals >= end) return false;
  const key = trimBlanks(header.slice(start, equals));
  // A semicolon before the equals sign is in the key, and no token has one.
  if (!isToken(key)) return false;
  const found = header.indexOf(';', equals);
  const semicolon = found === -1 || found > end ? end : found;
  const entry: BaggageEntry = { value: decodePercent(trimBlanks(header.slice(equals + 1, semicolon))) };
  const properties = semicolon === end ? '' : trimBlanks(header.slice(semicolon + 1, end));
  if (properties !== '') entry.metadata = baggageEntryMetadataFromString(properties);
  // Deleted first, so that the last one of a name also has the last place.
  if (entries.has(key)) entries.delete(key);
  entries.set(key, entry);
  return true;
}

/**
 * Write baggage as header text. Entries that cannot be written whole and safely are left out and counted as faults.
 *
 * @returns the empty string when there is nothing to write
 * @throws never
 */
export function formatBaggage(baggage: Baggage): string {
  let header = formatted.get(baggage);
  if (header === undefined) {
    header = formatEntries(baggage);
    formatted.set(baggage, header);
  }
  return header;
}

// Baggage is immutable, and a request usually sends the same one with each of its calls.
const formatted = new WeakMap<Baggage, string>();

function formatEntries(baggage: Baggage): string {
  const members: string[] = [];
  let bytes = 0;
  let left = 0;
  for (const pair of entriesOf(baggage)) {
    const member = formatMember(pair);
    if (member === undefined || members.length === MAX_MEMBERS || bytes + member.length > MAX_BYTES) {
      left++;
      continue;
    }
    bytes += member.length + 1;
    members.push(member);
  }
  if (left > 0) reportFault('baggage_dropped', 'entries that are no valid baggage or beyond its limits', left);
  return members.join(',');
}

/** All entries of any baggage, ours or foreign; none when it throws. */
export function entriesOf(baggage: Baggage): Array<[string, BaggageEntry]> {
  try {
    return firstOf(baggage.getAllEntries()).filter((pair) => Array.isArray(pair));
  } catch (error) {
    reportFault('baggage_dropped', `baggage that cannot be read: ${describeError(error)}`);
    return [];
  }
}

function formatMember(pair: [string, BaggageEntry]): string | undefined {
  try {
    const [key, { value, metadata }] = pair;
    if (typeof key !== 'string' || !isToken(key) || typeof value !== 'string') return undefined;
    // Encoding makes a value longer, never shorter, so nothing huge is encoded only to be left out.
    if (key.length + value.length >= MAX_MEMBER_BYTES) return undefined;
    let member = `${key}=${encodePercent(value)}`;
    if (metadata !== undefined && metadata !== null) {
      if (typeof metadata !== 'object' || Array.isArray(metadata)) return undefined;
      const properties = trimBlanks(metadata.toString());
      // A comma would begin a member of its own, a line break a header of its own.
      if (properties.includes(',') || !isHeaderSafe(properties)) return undefined;
      if (properties !== '') member += `;${properties}`;
    }
    return member.length <= MAX_MEMBER_BYTES ? member : undefined;
  } catch {
    // An entry of the application's threw when it was read.
    return undefined;
  }
}

/** Percent-encode every byte that is no baggage octet. A lone surrogate becomes U+FFFD. */
export function encodePercent(value: string): string {
  if (PLAIN_VALUE.test(value)) return value;
  let text = '';
  for (const byte of Buffer.from(value, 'utf8')) {
    const character = String.fromCharCode(byte);
    text +=
      byte < 0x80 && PLAIN_VALUE.test(character) ? character : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return text;
}

/** Undo percent-encoding. Bytes that are no UTF-8 become U+FFFD; a percent sign without two hex digits stays. */
export function decodePercent(value: string): string {
  if (!value.includes('%')) return value;
  try {
    return decodeURIComponent(value);
  } catch {
    // `decodeURIComponent` refuses the whole text for one bad byte.
    const latin1 = value.replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) =>
      String.fromCharCode(Number.parseInt(hex, 16)),
    );
    return Buffer.from(latin1, 'latin1').toString('utf8');
  }
}

/**
 * Adds entries to the baggage of a context; an entry that is there already under the same name is replaced.
 *
 * @param entries  not to be changed afterwards
 */
export function addBaggage(context: Context, entries: BaggageEntries): Context {
  if (entries.size === 0) return context;
  const present = baggageOf(context);
  const all = present === undefined ? entries : new Map([...entriesOf(present), ...entries]);
  return withBaggageIn(context, new ExtractedBaggage(all));
}

/** Baggage made from entries that were read: the API's own copies them through three more forms first. */
class ExtractedBaggage implements Baggage {
  readonly #entries: ReadonlyMap<string, BaggageEntry>;

  constructor(entries: ReadonlyMap<string, BaggageEntry>) {
    this.#entries = entries;
  }

  getEntry(key: string): BaggageEntry | undefined {
    const entry = this.#entries.get(key);
    return entry === undefined ? undefined : { ...entry };
  }

  getAllEntries(): Array<[string, BaggageEntry]> {
    return [...this.#entries];
  }

  setEntry(key: string, entry: BaggageEntry): Baggage {
    return new ExtractedBaggage(new Map(this.#entries).set(key, entry));
  }

  removeEntry(key: string): Baggage {
    return this.removeEntries(key);
  }

  removeEntries(...keys: string[]): Baggage {
    const entries = new Map(this.#entries);
    for (const key of keys) entries.delete(key);
    return new ExtractedBaggage(entries);
  }

  clear(): Baggage {
    return new ExtractedBaggage(new Map());
  }
}

/** Carries baggage in the `baggage` header. */
export class BaggagePropagator implements TextMapPropagator<unknown> {
  inject<C>(context: Context, carrier: C, setter: TextMapSetter<C>): void {
    const baggage = baggageToInject(context);
    if (baggage === undefined) return;
    const header = formatBaggage(baggage);
    if (header !== '') writeHeader(carrier, BAGGAGE, header, setter);
  }

  extract<C>(context: Context, carrier: C, getter: TextMapGetter<C>): Context {
    const header = readListHeader(carrier, BAGGAGE, getter);
    return header === undefined ? context : addBaggage(context, parseBaggage(header));
  }

  fields(): string[] {
    return [BAGGAGE];
  }
}

/** The baggage that a propagator writes: none when tracing is suppressed. */
export function baggageToInject(context: Context): Baggage | undefined {
  const baggage = isSuppressed(context) ? undefined : baggageOf(context);
  return typeof baggage === 'object' && baggage !== null ? baggage : undefined;
}
