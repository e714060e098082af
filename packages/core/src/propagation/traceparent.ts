/** W3C Trace Context: the `traceparent` header, and the propagator that carries it together with `tracestate`. */
import type { Context, TextMapGetter, TextMapPropagator, TextMapSetter } from '@opentelemetry/api';
import { isSuppressed, spanOf, withSpanIn } from '../context.ts';
import { parseHexWord, takeMalformed, writeHexWord } from '../ids.ts';
import { identityOf, isValidIdentity, KNOWN_FLAGS, NonRecordingSpan, type SpanIdentity } from '../span-context.ts';
import { readListHeader, readSingleHeader, trimBlanks, writeHeader } from './carrier.ts';
import { parseTraceState, serializeTraceState } from './tracestate.ts';

const TRACEPARENT = 'traceparent';
const TRACESTATE = 'tracestate';
const LENGTH = 55;
const DASH = 0x2d;
const ZERO = 0x30;
const NOT_HEX = -1;

/**
 * Read one `traceparent` header value.
 *
 * @param header  the raw value, for example `00-<32 hex>-<16 hex>-01`
 * @returns the caller's span, remote and without trace state, or `undefined` when the header has to be ignored
 * @throws never: a malformed header tells us about the caller, it is not our fault to raise
 * @see https://www.w3.org/TR/trace-context-2/#traceparent-header "Versioning of traceparent"
 */
export function parseTraceparent(header: string): NonRecordingSpan | undefined {
  let text = header;
  if (!isPlain(header)) {
    text = trimBlanks(header);
    if (!hasShape(text)) return undefined;
  }
  const flags = parseHexByte(text, 53);
  const t0 = parseHexWord(text, 3);
  const t1 = parseHexWord(text, 11);
  const t2 = parseHexWord(text, 19);
  const t3 = parseHexWord(text, 27);
  const s0 = parseHexWord(text, 36);
  const s1 = parseHexWord(text, 44);
  if (takeMalformed() || flags === NOT_HEX || (t0 | t1 | t2 | t3) === 0 || (s0 | s1) === 0) return undefined;
  // Trace Context, "Other Flags": bits we cannot name are cleared, else we would vouch for them downstream.
  return new NonRecordingSpan(t0, t1, t2, t3, s0, s1, flags & KNOWN_FLAGS, true, undefined);
}

/** Whether this is what everybody sends: version 00 in its own length, without blanks. */
function isPlain(text: string): boolean {
  return (
    text.length === LENGTH &&
    text.charCodeAt(0) === ZERO &&
    text.charCodeAt(1) === ZERO &&
    text.charCodeAt(2) === DASH &&
    text.charCodeAt(35) === DASH &&
    text.charCodeAt(52) === DASH
  );
}

/** Whether the version, the length and the dashes are right. */
function hasShape(text: string): boolean {
  const version = parseHexByte(text, 0);
  if (version === NOT_HEX || version === 0xff || text.length < LENGTH) return false;
  if (text.length > LENGTH) {
    // Later versions may append fields, version 00 may not.
    if (version === 0 || text.charCodeAt(LENGTH) !== DASH) return false;
  }
  return text.charCodeAt(2) === DASH && text.charCodeAt(35) === DASH && text.charCodeAt(52) === DASH;
}

function parseHexByte(text: string, at: number): number {
  const high = hexDigit(text.charCodeAt(at));
  const low = hexDigit(text.charCodeAt(at + 1));
  return high === NOT_HEX || low === NOT_HEX ? NOT_HEX : (high << 4) | low;
}

function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  return code >= 0x61 && code <= 0x66 ? code - 0x57 : NOT_HEX;
}

// Node.js gives every Buffer `latin1Slice`, the part of `toString` that does the work; its types leave it out.
const scratch = Buffer.from(`00-${'0'.repeat(32)}-${'0'.repeat(16)}-00`, 'latin1') as Buffer & {
  latin1Slice(start: number, end: number): string;
};
// What is written there now, and its text: a batch of messages carries the same span in each of them. The words and not
// the span, which would be kept in memory by it.
const last = { t0: 0, t1: 0, t2: 0, t3: 0, s0: 0, s1: 0, traceFlags: 0 };
let lastText = '';

/**
 * The `traceparent` of a span, always version 00.
 *
 * @returns one flat string of 55 characters
 */
export function formatTraceparent(identity: SpanIdentity): string {
  const { t0, t1, t2, t3, s0, s1, traceFlags } = identity;
  const isSameTrace = t3 === last.t3 && t2 === last.t2 && t1 === last.t1 && t0 === last.t0;
  if (isSameTrace && s1 === last.s1 && s0 === last.s0 && traceFlags === last.traceFlags && lastText !== '') {
    return lastText;
  }
  if (!isSameTrace) {
    writeHexWord(scratch, 3, t0);
    writeHexWord(scratch, 11, t1);
    writeHexWord(scratch, 19, t2);
    writeHexWord(scratch, 27, t3);
    last.t0 = t0;
    last.t1 = t1;
    last.t2 = t2;
    last.t3 = t3;
  }
  writeHexWord(scratch, 36, s0);
  writeHexWord(scratch, 44, s1);
  scratch[54] = 0x30 + (traceFlags & KNOWN_FLAGS);
  last.s0 = s0;
  last.s1 = s1;
  last.traceFlags = traceFlags;
  lastText = scratch.latin1Slice(0, LENGTH);
  return lastText;
}

/** Carries `traceparent` and `tracestate`. */
export class TraceContextPropagator implements TextMapPropagator<unknown> {
  inject<C>(context: Context, carrier: C, setter: TextMapSetter<C>): void {
    const identity = identityToInject(context);
    if (identity === undefined) return;
    writeHeader(carrier, TRACEPARENT, formatTraceparent(identity), setter);
    if (identity.traceState === undefined) return;
    const traceState = serializeTraceState(identity.traceState);
    if (traceState !== '') writeHeader(carrier, TRACESTATE, traceState, setter);
  }

  extract<C>(context: Context, carrier: C, getter: TextMapGetter<C>): Context {
    const header = readSingleHeader(carrier, TRACEPARENT, getter);
    if (header === undefined) return context;
    const span = parseTraceparent(header);
    if (span === undefined) return context;
    const list = readListHeader(carrier, TRACESTATE, getter);
    const traceState = list === undefined ? undefined : parseTraceState(list);
    return withSpanIn(context, traceState === undefined ? span : withTraceState(span, traceState));
  }

  fields(): string[] {
    return [TRACEPARENT, TRACESTATE];
  }
}

function withTraceState(span: NonRecordingSpan, traceState: NonNullable<SpanIdentity['traceState']>): NonRecordingSpan {
  const { t0, t1, t2, t3, s0, s1, traceFlags } = span;
  return new NonRecordingSpan(t0, t1, t2, t3, s0, s1, traceFlags, true, traceState);
}

/** The span that a propagator writes: none when tracing is suppressed, or nothing valid is active. */
export function identityToInject(context: Context): SpanIdentity | undefined {
  if (isSuppressed(context)) return undefined;
  const span = spanOf(context);
  if (span === undefined) return undefined;
  const identity = identityOf(span);
  return identity !== undefined && isValidIdentity(identity) ? identity : undefined;
}
