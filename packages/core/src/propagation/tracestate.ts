/** The `tracestate` header: other vendors' data about a trace, passed on in its order and never invented. */
import type { TraceState } from '@opentelemetry/api';
import { trimBlanks } from './carrier.ts';
import type { OtMember } from './ot-member.ts';

/** Trace Context, "tracestate Header Field Values": a list with more members is not passed on. */
const MAX_MEMBERS = 32;
/** What everyone has to pass on; a list that we changed is cut to it. Characters. */
const MAX_CHANGED_LENGTH = 512;
/** A list that we did not change is passed on up to here. Characters. */
const MAX_UNCHANGED_LENGTH = 2048;
/** Trace Context, "tracestate Limits": members longer than this are removed first. Characters. */
const LONG_MEMBER_LENGTH = 128;

const MAX_KEY_LENGTH = 256;
const MAX_VALUE_LENGTH = 256;

const KEY_FIRST = 1;
const KEY = 2;
const VALUE = 4;
// What each ASCII character may be part of.
const classes = new Uint8Array(128);
// "Value": printable ASCII without comma and equals sign.
for (let code = 0x20; code < 0x7f; code++) classes[code] = code === 0x2c || code === 0x3d ? 0 : VALUE;
// Trace Context level 2, "Key": `@` anywhere but first, and a digit may be first.
for (const character of '0123456789abcdefghijklmnopqrstuvwxyz')
  classes[character.charCodeAt(0)] = KEY_FIRST | KEY | VALUE;
for (const character of '_-*/@') classes[character.charCodeAt(0)] = KEY | VALUE;

/** An immutable trace state; every change gives a new one. */
export class ClewTraceState implements TraceState {
  /** Keys and values in turn, most recent member first. */
  readonly #members: readonly string[];
  /** The header to write; at most 2048 characters of checked members. */
  readonly #text: string;
  /** @internal what `ot-tracestate.ts` has read of the member `ot` */
  ot: OtMember | undefined = undefined;

  /** @internal use `parseTraceState`; the members have been checked and are not changed afterwards */
  constructor(members: readonly string[], text: string) {
    this.#members = members;
    this.#text = text;
  }

  /** The value of a key, or `undefined`. */
  get(key: string): string | undefined {
    const index = indexOfKey(this.#members, key);
    return index === -1 ? undefined : this.#members[index + 1];
  }

  /**
   * Put a member in front, where the most recent writer stands. The order of the others does not change.
   * A list that becomes longer than 32 members or 512 characters is cut.
   *
   * @returns this trace state unchanged when the key or the value is not allowed in the header
   */
  set(key: string, value: string): ClewTraceState {
    if (!isMember(key, value)) return this;
    const members = [key, value, ...withoutKey(this.#members, key)];
    members.length = Math.min(members.length, 2 * MAX_MEMBERS);
    return fromMembers(members, MAX_CHANGED_LENGTH);
  }

  /** Remove a member. */
  unset(key: string): ClewTraceState {
    if (indexOfKey(this.#members, key) === -1) return this;
    return fromMembers(withoutKey(this.#members, key), MAX_CHANGED_LENGTH);
  }

  /** The header; empty when there are no members. A list that nobody changed is the text that came in. */
  serialize(): string {
    return this.#text;
  }
}

/** The trace state without members, to start one with `set`. */
export const EMPTY_TRACE_STATE: ClewTraceState = new ClewTraceState([], '');

/**
 * Read a `tracestate` header, several of them joined by commas.
 *
 * @returns `undefined` when there are no members, more than 32, or one is malformed: then none of it can be trusted
 * @throws never
 * @see https://www.w3.org/TR/trace-context-2/#tracestate-header
 */
export function parseTraceState(header: string): ClewTraceState | undefined {
  const members: string[] = [];
  let count = 0;
  let hasDuplicates = false;
  for (let start = 0; start <= header.length; ) {
    let end = header.indexOf(',', start);
    if (end === -1) end = header.length;
    const member = trimBlanks(header.slice(start, end));
    start = end + 1;
    // "Combining headers": empty members are allowed, because joining headers makes them.
    if (member === '') continue;
    if (++count > MAX_MEMBERS) return undefined;
    const equals = member.indexOf('=');
    const key = member.slice(0, equals);
    const value = member.slice(equals + 1);
    if (equals < 1 || !isMember(key, value)) return undefined;
    if (indexOfKey(members, key) === -1) members.push(key, value);
    else hasDuplicates = true;
  }
  if (count === 0) return undefined;
  if (hasDuplicates || header.length > MAX_UNCHANGED_LENGTH) return fromMembers(members, MAX_UNCHANGED_LENGTH);
  return new ClewTraceState(members, header);
}

/**
 * The header of any trace state, ours or foreign.
 *
 * @returns the empty string when there is nothing to write, or a foreign one gives what is not a trace state
 */
export function serializeTraceState(traceState: TraceState | undefined): string {
  if (traceState === undefined) return '';
  if (traceState instanceof ClewTraceState) return traceState.serialize();
  try {
    const text: unknown = traceState.serialize();
    return typeof text === 'string' ? (parseTraceState(text)?.serialize() ?? '') : '';
  } catch {
    return '';
  }
}

function isMember(key: string, value: string): boolean {
  if (key.length > MAX_KEY_LENGTH || value.length > MAX_VALUE_LENGTH || value === '') return false;
  // A value may begin with spaces and may not end in one.
  if (value.charCodeAt(value.length - 1) === 0x20) return false;
  return consistsOf(key.slice(0, 1), KEY_FIRST) && consistsOf(key, KEY) && key !== '' && consistsOf(value, VALUE);
}

function consistsOf(text: string, wanted: number): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code > 127 || ((classes[code] as number) & wanted) === 0) return false;
  }
  return true;
}

function indexOfKey(members: readonly string[], key: string): number {
  for (let i = 0; i < members.length; i += 2) {
    if (members[i] === key) return i;
  }
  return -1;
}

function withoutKey(members: readonly string[], key: string): string[] {
  const index = indexOfKey(members, key);
  const others = members.slice();
  if (index !== -1) others.splice(index, 2);
  return others;
}

/** Cut the list to `maxLength` characters, whole members only: the long ones first, then from the right. */
function fromMembers(members: string[], maxLength: number): ClewTraceState {
  const kept = members.slice();
  let length = headerLength(kept);
  for (let i = kept.length - 2; i >= 0 && length > maxLength; i -= 2) {
    const memberLength = lengthAt(kept, i);
    if (memberLength <= LONG_MEMBER_LENGTH) continue;
    kept.splice(i, 2);
    length -= memberLength + 1;
  }
  while (length > maxLength) {
    length -= lengthAt(kept, kept.length - 2) + 1;
    kept.length -= 2;
  }
  const texts: string[] = [];
  for (let i = 0; i < kept.length; i += 2) texts.push(`${kept[i]}=${kept[i + 1]}`);
  return new ClewTraceState(kept, texts.join(','));
}

function headerLength(members: readonly string[]): number {
  let length = -1;
  for (let i = 0; i < members.length; i += 2) length += lengthAt(members, i) + 1;
  return length;
}

function lengthAt(members: readonly string[], index: number): number {
  return (members[index]?.length ?? 0) + 1 + (members[index + 1]?.length ?? 0);
}
