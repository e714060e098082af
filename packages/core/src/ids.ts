/**
 * Trace and span ids as 32-bit words, drawn from a pool of cryptographic randomness, and their hex forms.
 * Words instead of strings: a span that is never looked at costs no string, and a parent is copied by six moves.
 */
import { randomFillSync } from 'node:crypto';
import { startupSnapshot } from 'node:v8';

const POOL_WORDS = 4096;
const DIGITS = '0123456789abcdef';

/** The pool; read it at the index that `takeWords` returned. */
export const words: Int32Array = new Int32Array(POOL_WORDS);
let next = POOL_WORDS;
let fill: (target: Int32Array) => void = fillFromSystem;

function fillFromSystem(target: Int32Array): void {
  randomFillSync(target);
}

// A process restored from a snapshot would otherwise repeat the ids of every other one restored from it.
if (startupSnapshot.isBuildingSnapshot()) startupSnapshot.addDeserializeCallback(() => (next = POOL_WORDS));

/**
 * Reserve random words.
 *
 * @param count  how many, up to 16
 * @returns the index of the first one in `words`
 */
export function takeWords(count: number): number {
  if (next + count > POOL_WORDS) {
    fill(words);
    next = 0;
  }
  const index = next;
  next += count;
  return index;
}

/** Replace the source of randomness; for tests. Without an argument the system's is used again. */
export function setRandomSource(source?: (target: Int32Array) => void): void {
  fill = source ?? fillFromSystem;
  next = POOL_WORDS;
}

// Node has this method but not in its types: text from bytes without argument checks.
type TextBuffer = Buffer & { latin1Slice(start: number, end: number): string };

/** Memory that hex digits are written into, two at once, and read from as text. */
export interface DigitBuffer {
  readonly bytes: TextBuffer;
  readonly view: DataView;
}

/** @param text  latin-1; what it holds at first */
export function digitBuffer(text: string): DigitBuffer {
  const bytes = Buffer.from(text, 'latin1') as TextBuffer;
  return { bytes, view: new DataView(bytes.buffer, bytes.byteOffset, bytes.length) };
}

const scratch = digitBuffer('0'.repeat(32));
// The two digits of each byte.
const digitPairs = new Uint16Array(256);
for (let i = 0; i < 256; i++) digitPairs[i] = (DIGITS.charCodeAt(i >>> 4) << 8) | DIGITS.charCodeAt(i & 15);

/** Write one word as eight lower-case hex digits at `at`. */
export function writeHexWord(view: DataView, at: number, word: number): void {
  view.setUint16(at, digitPairs[word >>> 24] as number);
  view.setUint16(at + 2, digitPairs[(word >>> 16) & 255] as number);
  view.setUint16(at + 4, digitPairs[(word >>> 8) & 255] as number);
  view.setUint16(at + 6, digitPairs[word & 255] as number);
}

// The last ids and their texts: a log line and an exemplar follow upon one another in the same span.
const last = { t0: 0, t1: 0, t2: 0, t3: 0, s0: 0, s1: 0 };
let lastTraceId = '0'.repeat(32);
let lastSpanId = '0'.repeat(16);

/** The 32 lower-case hex digits of a trace id. */
export function traceIdHex(t0: number, t1: number, t2: number, t3: number): string {
  if (t3 === last.t3 && t2 === last.t2 && t1 === last.t1 && t0 === last.t0) return lastTraceId;
  const { view } = scratch;
  writeHexWord(view, 0, t0);
  writeHexWord(view, 8, t1);
  writeHexWord(view, 16, t2);
  writeHexWord(view, 24, t3);
  last.t0 = t0;
  last.t1 = t1;
  last.t2 = t2;
  last.t3 = t3;
  lastTraceId = scratch.bytes.latin1Slice(0, 32);
  return lastTraceId;
}

/** The 16 lower-case hex digits of a span id. */
export function spanIdHex(s0: number, s1: number): string {
  if (s1 === last.s1 && s0 === last.s0) return lastSpanId;
  writeHexWord(scratch.view, 0, s0);
  writeHexWord(scratch.view, 8, s1);
  last.s0 = s0;
  last.s1 = s1;
  lastSpanId = scratch.bytes.latin1Slice(0, 16);
  return lastSpanId;
}

// 0–15 for a hex digit, 16 for upper case and everything else: trace context allows lower case only.
// As many as a byte has values: an index that is masked to a byte needs no check of its bounds.
const hexValues = new Uint8Array(256).fill(16);
for (let i = 0; i < 16; i++) hexValues[DIGITS.charCodeAt(i)] = i;

/** What `parseHexWord` found wrong with the last text it refused; it returns 0 then. */
let malformed = false;

/**
 * Read eight lower-case hex digits as a signed 32-bit word.
 *
 * A text that is too short or not hex gives 0 and makes `takeMalformed` return true.
 */
export function parseHexWord(text: string, at: number): number {
  if (text.length < at + 8) return refuse();
  const c0 = text.charCodeAt(at);
  const c1 = text.charCodeAt(at + 1);
  const c2 = text.charCodeAt(at + 2);
  const c3 = text.charCodeAt(at + 3);
  const c4 = text.charCodeAt(at + 4);
  const c5 = text.charCodeAt(at + 5);
  const c6 = text.charCodeAt(at + 6);
  const c7 = text.charCodeAt(at + 7);
  if ((c0 | c1 | c2 | c3 | c4 | c5 | c6 | c7) > 255) return refuse();
  // Written out, because six of these read a traceparent: a loop with an early exit takes half as long again.
  const v0 = hexValues[c0 & 255] as number;
  const v1 = hexValues[c1 & 255] as number;
  const v2 = hexValues[c2 & 255] as number;
  const v3 = hexValues[c3 & 255] as number;
  const v4 = hexValues[c4 & 255] as number;
  const v5 = hexValues[c5 & 255] as number;
  const v6 = hexValues[c6 & 255] as number;
  const v7 = hexValues[c7 & 255] as number;
  if (((v0 | v1 | v2 | v3 | v4 | v5 | v6 | v7) & 16) !== 0) return refuse();
  return (v0 << 28) | (v1 << 24) | (v2 << 20) | (v3 << 16) | (v4 << 12) | (v5 << 8) | (v6 << 4) | v7;
}

function refuse(): 0 {
  malformed = true;
  return 0;
}

/** Whether a `parseHexWord` since the last call here refused its text. */
export function takeMalformed(): boolean {
  const was = malformed;
  malformed = false;
  return was;
}
