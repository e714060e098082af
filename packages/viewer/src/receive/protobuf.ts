/**
 * Reads the protobuf wire format, bounds-checked: no input makes it read outside its bytes or loop.
 *
 * @see https://protobuf.dev/programming-guides/encoding/
 */

/** The bytes are not the message they were said to be. */
export class DecodeError extends Error {
  override readonly name = 'DecodeError';
}

/** Wire types. Groups (3, 4) are deprecated, and only skipped. */
export const VARINT = 0;
export const FIXED64 = 1;
export const BYTES = 2;
export const FIXED32 = 5;
const GROUP_START = 3;
const GROUP_END = 4;

/** Deepest nesting of messages and values. The official libraries refuse more than 100. */
export const MAX_DEPTH = 100;

/** Longest text that is looked up among known ones, bytes. Keys, names and most values are shorter. */
const MAX_KNOWN_LENGTH = 48;
/** Places for known texts, a power of two. */
const KNOWN_TEXTS = 8192;

/**
 * Texts met before, by a hash of their bytes; a new one takes the place of another with the same hash. Each request repeats
 * the keys and names of the one before: found here they cost no new string, and a hundred thousand spans share one copy.
 */
const known: string[] = new Array(KNOWN_TEXTS).fill('');

/** A cursor over one message, and over those nested in it while they are entered. */
export class ProtoReader {
  readonly #bytes: Buffer;
  readonly #view: DataView;
  #at = 0;
  #end: number;
  #depth = 0;
  #traceId = '';
  #traceIdAt = -1;
  /** Number of the field that {@link next} found. */
  field = 0;
  /** Wire type of the field that {@link next} found. */
  wire = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.#end = bytes.length;
  }

  /** Moves to the next field; false at the end of the message. */
  next(): boolean {
    if (this.#at >= this.#end) return false;
    const tag = this.#uint32();
    this.field = tag >>> 3;
    this.wire = tag & 7;
    if (this.field === 0) throw new DecodeError('field number 0');
    return true;
  }

  /** Whether the current field is this one. A known number with another wire type counts as unknown, as protobuf says. */
  is(field: number, wire: number): boolean {
    return this.field === field && this.wire === wire;
  }

  /** Passes over the current field's value. */
  skip(): void {
    this.#skip(this.wire, this.field, this.#depth);
  }

  /**
   * Enters the message that is the current field's value: {@link next} then walks its fields.
   *
   * @returns what {@link leave} needs to go on after it
   */
  enter(): number {
    const length = this.#length();
    if (++this.#depth > MAX_DEPTH) throw new DecodeError(`messages nested deeper than ${MAX_DEPTH}`);
    const outerEnd = this.#end;
    this.#end = this.#at + length;
    return outerEnd;
  }

  /** Leaves the message that was entered, all of whose fields have been read. */
  leave(outerEnd: number): void {
    this.#end = outerEnd;
    this.#depth--;
  }

  /** UTF-8 text; bytes that are no UTF-8 become U+FFFD. */
  string(): string {
    const length = this.#length();
    const start = this.#at;
    this.#at += length;
    if (length > MAX_KNOWN_LENGTH) return this.#bytes.toString('utf8', start, this.#at);
    let hash = length;
    for (let at = start; at < this.#at; at++) hash = Math.imul(hash, 31) + (this.#bytes[at] as number); // in range
    const place = (hash ^ (hash >>> 15)) & (KNOWN_TEXTS - 1);
    const text = known[place] as string; // every place is filled
    if (this.#equals(text, start, length)) return text;
    const fresh = this.#bytes.toString('utf8', start, this.#at);
    known[place] = fresh;
    return fresh;
  }

  /** A copy of a byte string: a view would keep the whole request alive. */
  bytes(): Uint8Array {
    const length = this.#length();
    const start = this.#at;
    this.#at += length;
    return Uint8Array.prototype.slice.call(this.#bytes, start, this.#at);
  }

  /** A byte string in lower-case hex digits. */
  hex(): string {
    const length = this.#length();
    const start = this.#at;
    this.#at += length;
    return this.#bytes.toString('hex', start, this.#at);
  }

  /** As {@link hex}, for values that mostly repeat the last one: spans come in traces. */
  repeatedHex(): string {
    const length = this.#length();
    const start = this.#at;
    this.#at += length;
    if (this.#traceIdAt >= 0 && this.#traceId.length === 2 * length && this.#isSame(start, this.#traceIdAt, length))
      return this.#traceId;
    this.#traceId = this.#bytes.toString('hex', start, this.#at);
    this.#traceIdAt = start;
    return this.#traceId;
  }

  /** An unsigned number of fixed 64 bits. */
  fixed64(): bigint {
    this.#need(8);
    const value = this.#view.getBigUint64(this.#at, true);
    this.#at += 8;
    return value;
  }

  /** A floating-point number of 64 bits. */
  double(): number {
    this.#need(8);
    const value = this.#view.getFloat64(this.#at, true);
    this.#at += 8;
    return value;
  }

  /** A signed 64-bit varint: `number` where that is exact, else `bigint`. */
  int64(): number | bigint {
    // Ten bytes at most, seven bits each; small numbers never reach the slow half.
    let value = 0;
    const start = this.#at;
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = this.#byte();
      value |= (byte & 127) << shift;
      if (byte < 128) return value;
    }
    this.#at = start;
    const long = BigInt.asIntN(64, this.#varint());
    return Number.isSafeInteger(Number(long)) ? Number(long) : long;
  }

  /** An enum, a bool or a small number: the low 32 bits of a varint, as protobuf truncates. */
  int32(): number {
    const value = this.int64();
    return typeof value === 'number' ? value | 0 : Number(BigInt.asIntN(32, value));
  }

  /** Whether a varint is anything but zero. */
  bool(): boolean {
    return this.int64() !== 0;
  }

  /** Whether a text is these bytes. Only ASCII is compared; other known texts are found again by decoding anew. */
  #equals(text: string, start: number, length: number): boolean {
    if (text.length !== length) return false;
    for (let index = 0; index < length; index++) {
      const code = text.charCodeAt(index);
      if (code !== this.#bytes[start + index] || code > 127) return false;
    }
    return true;
  }

  #isSame(a: number, b: number, length: number): boolean {
    for (let index = 0; index < length; index++) if (this.#bytes[a + index] !== this.#bytes[b + index]) return false;
    return true;
  }

  #skip(wire: number, field: number, depth: number): void {
    if (wire === VARINT) this.#varint();
    else if (wire === FIXED64) this.#advance(8);
    else if (wire === BYTES) this.#advance(this.#length());
    else if (wire === FIXED32) this.#advance(4);
    else if (wire === GROUP_START) this.#skipGroup(field, depth + 1);
    else throw new DecodeError(`wire type ${wire} in field ${field}`);
  }

  #skipGroup(group: number, depth: number): void {
    if (depth > MAX_DEPTH) throw new DecodeError(`groups nested deeper than ${MAX_DEPTH}`);
    while (this.#at < this.#end) {
      const tag = this.#uint32();
      const field = tag >>> 3;
      if ((tag & 7) !== GROUP_END) this.#skip(tag & 7, field, depth);
      else if (field === group) return;
      else throw new DecodeError(`group ${group} ended as ${field}`);
    }
    throw new DecodeError(`group ${group} does not end`);
  }

  #varint(): bigint {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.#byte();
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return BigInt.asUintN(64, value);
    }
    throw new DecodeError('varint longer than ten bytes');
  }

  #uint32(): number {
    const value = this.#bytes[this.#at];
    if (value !== undefined && value < 128 && this.#at < this.#end) {
      this.#at++;
      return value;
    }
    const long = this.#varint();
    if (long > 0xffffffffn) throw new DecodeError('tag or length beyond 32 bits');
    return Number(long);
  }

  #length(): number {
    const length = this.#uint32();
    this.#need(length);
    return length;
  }

  #byte(): number {
    this.#need(1);
    return this.#bytes[this.#at++] as number; // #need has checked the range
  }

  #advance(count: number): void {
    this.#need(count);
    this.#at += count;
  }

  #need(count: number): void {
    if (count > this.#end - this.#at)
      throw new DecodeError(`truncated: ${count} bytes wanted, ${this.#end - this.#at} left`);
  }
}
