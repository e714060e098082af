/**
 * Remembers the encoded form of attributes that span after span carries with the same value: method, host, status,
 * service names. Copying it costs a quarter of writing key and value character by character.
 */
import type { ProtoWriter } from './proto-writer.ts';

/** The last value of one key that came twice in a row, and how it was written. */
interface Memo {
  value: unknown;
  bytes: Uint8Array;
  /** The value that came last: it is worth remembering when it comes again. */
  candidate: unknown;
}

// Keys are few in a healthy service; where they are not, the first ones are remembered and the others written.
const MAX_KEYS = 512;
const MAX_BYTES = 160;
const NOTHING = new Uint8Array(0);

const memos = new Map<string, Memo>();

/**
 * Write one attribute of a span, from memory where the value is the one that came before.
 *
 * @param write  writes it in the ordinary way
 */
export function writeRemembered(
  writer: ProtoWriter,
  key: string,
  value: unknown,
  write: (writer: ProtoWriter, key: string, value: unknown) => void,
): void {
  const memo = memos.get(key);
  // Strings and numbers only, and no zero: 0 and -0 are the same value here and two in the format.
  if (memo !== undefined && memo.value === value && value !== 0) {
    writer.raw(memo.bytes);
    return;
  }
  const start = writer.position;
  write(writer, key, value);
  // A long text would only be kept in memory: its bytes are over the limit anyway.
  const isShort = typeof value === 'string' ? value.length <= MAX_BYTES : typeof value === 'number';
  if (isShort) remember(memo, writer, key, value, start);
}

function remember(memo: Memo | undefined, writer: ProtoWriter, key: string, value: unknown, start: number): void {
  if (memo === undefined) {
    // `undefined` is no value of an attribute, so nothing equals it.
    if (memos.size < MAX_KEYS) memos.set(key, { value: undefined, bytes: NOTHING, candidate: value });
  } else if (memo.candidate !== value) {
    memo.candidate = value;
  } else if (writer.position - start <= MAX_BYTES) {
    memo.value = value;
    memo.bytes = new Uint8Array(writer.buffer.subarray(start, writer.position));
  }
}
