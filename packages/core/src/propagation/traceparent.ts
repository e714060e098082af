/** W3C Trace Context: the `traceparent` header, and the propagator that carries it together with `tracestate`. */
import type { Context, TextMapGetter, TextMapPropagator, TextMapSetter } from '@opentelemetry/api';
import { isSuppressed, spanOf, withSpanIn } from '../context.ts';
import { digitBuffer, writeHexWord } from '../ids.ts';
import { identityOf, isValidIdentity, KNOWN_FLAGS, NonRecordingSpan, type SpanIdentity } from '../span-context.ts';
import { readListHeader, readSingleHeader, trimBlanks, writeHeader } from './carrier.ts';
import { codeAt, digitPairAt, digitWordAt, fillWindow, takeMalformedDigits } from './digit-window.ts';
import { parseTraceState, serializeTraceState } from './tracestate.ts';

const TRACEPARENT = 'traceparent';
const TRACESTATE = 'tracestate';
const LENGTH = 55;
const DASH = 0x2d;
const INVALID_VERSION = 0xff;

/**
 * Read one `traceparent` header value.
 *
 * @param header  the raw value, for example `00-<32 hex>-<16 hex>-01`
 * @returns the caller's span, remote and without trace state, or `undefined` when the header has to be ignored
 * @throws never: a malformed header tells us about the caller, it is not our fault to raise
 * @see https://www.w3.org/TR/trace-context-2/#traceparent-header "Versioning of traceparent"
 */
export function parseTraceparent(header: string): NonRecordingSpan | undefined {
  const text = header.length === LENGTH ? header : cutToLength(header);
  if (text === undefined || !fillWindow(text)) return undefined;
  const version = digitPairAt(0);
  const flags = digitPairAt(53);
  if ((version | flags) < 0 || version === INVALID_VERSION) return undefined;
  if (codeAt(2) !== DASH || codeAt(35) !== DASH || codeAt(52) !== DASH) return undefined;
  const t0 = digitWordAt(3);
  const t1 = digitWordAt(11);
  const t2 = digitWordAt(19);
  const t3 = digitWordAt(27);
  const s0 = digitWordAt(36);
  const s1 = digitWordAt(44);
  if (takeMalformedDigits() || (t0 | t1 | t2 | t3) === 0 || (s0 | s1) === 0) return undefined;
  // Trace Context, "Other Flags": bits we cannot name are cleared, else we would vouch for them downstream.
  return new NonRecordingSpan(t0, t1, t2, t3, s0, s1, flags & KNOWN_FLAGS, true, undefined);
}

/** What we know of a header that has blanks around it or fields of a later version behind; `undefined` when it is neither. */
function cutToLength(header: string): string | undefined {
  const text = trimBlanks(header);
  if (text.length <= LENGTH) return text.length === LENGTH ? text : undefined;
  // Later versions may append fields, version 00 may not.
  return text.charCodeAt(LENGTH) === DASH && !text.startsWith('00') ? text.slice(0, LENGTH) : undefined;
}

const scratch = digitBuffer(`00-${'0'.repeat(32)}-${'0'.repeat(16)}-00`);
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
  const { bytes, view } = scratch;
  if (!isSameTrace) {
    writeHexWord(view, 3, t0);
    writeHexWord(view, 11, t1);
    writeHexWord(view, 19, t2);
    writeHexWord(view, 27, t3);
    last.t0 = t0;
    last.t1 = t1;
    last.t2 = t2;
    last.t3 = t3;
  }
  writeHexWord(view, 36, s0);
  writeHexWord(view, 44, s1);
  bytes[54] = 0x30 + (traceFlags & KNOWN_FLAGS);
  last.s0 = s0;
  last.s1 = s1;
  last.traceFlags = traceFlags;
  lastText = bytes.latin1Slice(0, LENGTH);
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
