/**
 * Protocol-buffer writing into one growing buffer. Lengths that are not known in advance are patched in afterwards, so
 * that each span is written in a single pass.
 */

// Node has these on Buffer but not in its types: the string writers without argument checks.
interface FastBuffer extends Buffer {
  utf8Write(text: string, offset: number, length?: number): number;
}

// Up to this many characters a loop is faster than a call into native code. Not more: texts that an application puts
// together are ropes, of which each character takes several times as long.
const LOOP_UP_TO = 14;
const TWO_32 = 4294967296;
const TRACE_ID_BYTES = 16;
const SPAN_ID_BYTES = 8;
// Three bytes for each of so many characters have a length of two bytes.
const MAX_UNCOUNTED = 5461;

/** Writes fields and keeps the buffer large enough. */
export class ProtoWriter {
  buffer: FastBuffer;
  position = 0;
  // Of the same memory: it writes words at any place at once, in place of one byte after the other.
  #view: DataView;

  /** @param initial  memory to write into, or how many bytes of it to start with */
  constructor(initial: Buffer | number) {
    this.buffer = (typeof initial === 'number' ? Buffer.allocUnsafeSlow(initial) : initial) as FastBuffer;
    this.#view = viewOf(this.buffer);
  }

  /** Start again, at the beginning of other memory. */
  reset(buffer: Buffer): void {
    this.buffer = buffer as FastBuffer;
    this.#view = viewOf(buffer);
    this.position = 0;
  }

  /** Make room for `bytes` more. */
  ensure(bytes: number): void {
    const needed = this.position + bytes;
    if (needed > this.buffer.length) this.#grow(needed);
  }

  // Apart, so that the test before it is compiled into its callers.
  #grow(needed: number): void {
    const grown = Buffer.allocUnsafeSlow(Math.max(needed, this.buffer.length * 2)) as FastBuffer;
    this.buffer.copy(grown, 0, 0, this.position);
    this.buffer = grown;
    this.#view = viewOf(grown);
  }

  /** One byte; the caller has made room. */
  byte(value: number): void {
    this.buffer[this.position++] = value;
  }

  /** A non-negative integer up to 2^53 as varint. */
  varint(value: number): void {
    const { buffer } = this;
    let rest = value;
    while (rest > 0x7fffffff) {
      buffer[this.position++] = (rest % 128) | 128;
      rest = Math.floor(rest / 128);
    }
    while (rest > 127) {
      buffer[this.position++] = (rest & 127) | 128;
      rest >>>= 7;
    }
    buffer[this.position++] = rest;
  }

  /** A whole number as int64 varint; negative ones take ten bytes. */
  int64(value: number | bigint): void {
    if (typeof value === 'number' && value >= 0) {
      this.varint(value);
      return;
    }
    let rest = BigInt.asUintN(64, BigInt(value));
    while (rest > 127n) {
      this.buffer[this.position++] = Number(rest & 127n) | 128;
      rest >>= 7n;
    }
    this.buffer[this.position++] = Number(rest);
  }

  double(value: number): void {
    this.position = this.buffer.writeDoubleLE(value, this.position);
  }

  /** Four bytes, little endian. */
  fixed32(value: number): void {
    this.#view.setUint32(this.position, value, true);
    this.position += 4;
  }

  /** A trace id of four words as field `tag`; the caller has made room for 18 bytes. */
  traceId(tag: number, t0: number, t1: number, t2: number, t3: number): void {
    const { position } = this;
    const view = this.#view;
    view.setUint16(position, (tag << 8) | TRACE_ID_BYTES);
    view.setInt32(position + 2, t0);
    view.setInt32(position + 6, t1);
    view.setInt32(position + 10, t2);
    view.setInt32(position + 14, t3);
    this.position = position + 18;
  }

  /** A span id of two words as field `tag`; the caller has made room for 10 bytes. */
  spanId(tag: number, s0: number, s1: number): void {
    const { position } = this;
    const view = this.#view;
    view.setUint16(position, (tag << 8) | SPAN_ID_BYTES);
    view.setInt32(position + 2, s0);
    view.setInt32(position + 6, s1);
    this.position = position + 10;
  }

  /** A tag of two bytes before four bytes, little endian; the caller has made room for 6 bytes. */
  tag16(first: number, second: number, value: number): void {
    const { position } = this;
    const view = this.#view;
    view.setUint16(position, (first << 8) | second);
    view.setUint32(position + 2, value, true);
    this.position = position + 6;
  }

  /**
   * Kind, start and end of a span, from an anchor and monotonic milliseconds; the caller has made room for 20 bytes.
   *
   * @param kind  as the protocol counts: from UNSPECIFIED = 0, where the API counts from INTERNAL = 0
   */
  kindAndTimes(kind: number, anchorHigh: number, anchorLow: number, startMs: number, endMs: number): void {
    const { position } = this;
    const view = this.#view;
    view.setUint16(position, 0x3000 | kind);
    view.setUint8(position + 2, 0x39);
    putNanos(view, position + 3, anchorHigh, anchorLow, startMs);
    view.setUint8(position + 11, 0x41);
    putNanos(view, position + 12, anchorHigh, anchorLow, endMs);
    this.position = position + 20;
  }

  /** Nanoseconds since the epoch as fixed64, from an anchor and monotonic milliseconds. */
  nanos(anchorHigh: number, anchorLow: number, monotonicMs: number): void {
    putNanos(this.#view, this.position, anchorHigh, anchorLow, monotonicMs);
    this.position += 8;
  }

  /** `[seconds, nanoseconds]` since the epoch as fixed64; for the rare times that users give. */
  hrTime(time: readonly [number, number]): void {
    this.position = this.buffer.writeBigUInt64LE(
      BigInt.asUintN(64, BigInt(time[0]) * 1_000_000_000n + BigInt(time[1])),
      this.position,
    );
  }

  /**
   * Write a text that is expected to be ASCII; the caller has made room for three bytes a character.
   *
   * @returns whether it was: if not, the position is unchanged and the text has to be written another way
   */
  ascii(text: string): boolean {
    const end = putAscii(this.buffer, this.position, text);
    if (end < 0) return false;
    this.position = end;
    return true;
  }

  /**
   * A `KeyValue` of two short ASCII texts, the most frequent attribute by far: every nested length is one byte.
   *
   * @returns false, with the position unchanged, when one of the texts is not ASCII
   */
  shortPair(tag: number, key: string, value: string): boolean {
    const keyLength = key.length;
    const valueLength = value.length;
    this.ensure((keyLength + valueLength) * 3 + 16);
    // In local variables: the fields of this object would be read and written for every byte.
    const { buffer } = this;
    let at = this.position;
    buffer[at] = tag;
    buffer[at + 1] = keyLength + valueLength + 6;
    buffer[at + 2] = 0x0a;
    buffer[at + 3] = keyLength;
    at = putAscii(buffer, at + 4, key);
    if (at < 0) return false;
    buffer[at] = 0x12;
    buffer[at + 1] = valueLength + 2;
    buffer[at + 2] = 0x0a;
    buffer[at + 3] = valueLength;
    at = putAscii(buffer, at + 4, value);
    if (at < 0) return false;
    this.position = at;
    return true;
  }

  /**
   * A `KeyValue` of a short ASCII key and a whole number from 0 to 2^53.
   *
   * @returns false, with the position unchanged, when the key is not ASCII
   */
  shortInteger(tag: number, key: string, value: number): boolean {
    this.ensure(key.length * 3 + 24);
    const { buffer } = this;
    const start = this.position;
    buffer[start] = tag;
    buffer[start + 2] = 0x0a;
    buffer[start + 3] = key.length;
    let at = putAscii(buffer, start + 4, key);
    if (at < 0) return false;
    buffer[at] = 0x12;
    buffer[at + 2] = 0x18;
    const valueStart = at + 2;
    at += 3;
    let rest = value;
    while (rest > 0x7fffffff) {
      buffer[at++] = (rest % 128) | 128;
      rest = Math.floor(rest / 128);
    }
    while (rest > 127) {
      buffer[at++] = (rest & 127) | 128;
      rest >>>= 7;
    }
    buffer[at++] = rest;
    buffer[valueStart - 1] = at - valueStart;
    buffer[start + 1] = at - start - 2;
    this.position = at;
    return true;
  }

  /** A length-delimited text field. Lone surrogates become U+FFFD. */
  text(tag: number, text: string): void {
    const { length } = text;
    if (length < 128) {
      this.ensure(length * 3 + 12);
      this.byte(tag);
      this.byte(length);
      if (this.ascii(text)) return;
      this.position -= 2;
    }
    if (length < MAX_UNCOUNTED && this.position + length * 3 + 3 <= this.buffer.length) {
      // Room for the worst case: the length is written behind the text, padded to two bytes, and not counted before it.
      const start = this.position + 3;
      this.byte(tag);
      this.position = start + this.buffer.utf8Write(text, start);
      this.close(start);
      return;
    }
    const bytes = Buffer.byteLength(text);
    this.ensure(bytes + 12);
    this.byte(tag);
    this.varint(bytes);
    this.position += this.buffer.utf8Write(text, this.position);
  }

  /** Copy bytes that are encoded already. */
  raw(bytes: Uint8Array): void {
    this.ensure(bytes.length);
    this.buffer.set(bytes, this.position);
    this.position += bytes.length;
  }

  /** Start a nested message: room for a two-byte length is left. Returns what `close` needs. */
  open(tag: number): number {
    this.ensure(8);
    this.byte(tag);
    this.position += 2;
    return this.position;
  }

  /** End a nested message started by `open`. Two bytes hold any length up to 16383; longer ones move the content. */
  close(start: number): void {
    const length = this.position - start;
    if (length < 16384) {
      // A varint may be padded: two bytes even when one would do, so that nothing has to move.
      this.buffer[start - 2] = (length & 127) | 128;
      this.buffer[start - 1] = length >>> 7;
      return;
    }
    const extra = length < 2097152 ? 1 : length < 268435456 ? 2 : 3;
    this.ensure(extra);
    this.buffer.copyWithin(start + extra, start, this.position);
    this.position = start - 2;
    this.varint(length);
    this.position = start + extra + length;
  }
}

/** @returns the index behind the text, or -1 when it is not ASCII */
function putAscii(buffer: FastBuffer, position: number, text: string): number {
  const { length } = text;
  if (length > LOOP_UP_TO) return buffer.utf8Write(text, position) === length ? position + length : -1;
  for (let i = 0; i < length; i++) {
    const code = text.charCodeAt(i);
    if (code > 127) return -1;
    buffer[position + i] = code;
  }
  return position + length;
}

// In two halves of doubles: the sum does not fit into one, and BigInt costs ten times as much.
function putNanos(view: DataView, at: number, anchorHigh: number, anchorLow: number, monotonicMs: number): void {
  const delta = Math.round(monotonicMs * 1e6);
  const deltaHigh = Math.floor(delta / TWO_32);
  const low = anchorLow + (delta - deltaHigh * TWO_32);
  // `| 0` takes the lower 32 bits, and is done in place: of a number that may be larger V8 calls the setter.
  view.setInt32(at, low | 0, true);
  view.setInt32(at + 4, (anchorHigh + deltaHigh + (low >= TWO_32 ? 1 : 0)) | 0, true);
}

function viewOf({ buffer, byteOffset, byteLength }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset, byteLength);
}
