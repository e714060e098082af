/**
 * The form of a batch on disk: 20 bytes of header, then the body as it would have been posted. Integers are little
 * endian.
 *
 *     0   8  "CLEWSP1\n"
 *     8   4  CRC-32 (as in zlib) of everything behind it
 *    12   4  bytes of the body
 *    16   4  spans in the body
 *    20   …  the body, not compressed
 *
 * The name is `<time>-<seq>.otlp`: when the batch was made, in milliseconds since the epoch, and a number that makes it
 * unique in its directory.
 */
import { crc32 } from 'node:zlib';
import type { SealedBatch } from './span-buffer.ts';

/** Bytes before the body. */
export const SPOOL_HEADER_BYTES = 20;

const MAGIC = Buffer.from('CLEWSP1\n');
const NAME = /^(\d{13})-(\d{6,})\.otlp$/;

/** The header for a body. */
export function formatSpoolHeader(body: Uint8Array, count: number): Buffer {
  const header = Buffer.alloc(SPOOL_HEADER_BYTES);
  MAGIC.copy(header);
  header.writeUInt32LE(body.length, 12);
  header.writeUInt32LE(count, 16);
  header.writeUInt32LE(crc32(body, crc32(header.subarray(12))), 8);
  return header;
}

/**
 * Read the header alone, to see how many spans a file holds.
 *
 * @param fileBytes  the length of the whole file
 * @returns `undefined` when the file cannot be one of ours, or was not written to its end
 */
export function parseSpoolHeader(header: Buffer, fileBytes: number): { count: number } | undefined {
  if (header.length < SPOOL_HEADER_BYTES || !header.subarray(0, MAGIC.length).equals(MAGIC)) return undefined;
  if (header.readUInt32LE(12) !== fileBytes - SPOOL_HEADER_BYTES) return undefined;
  return { count: header.readUInt32LE(16) };
}

/** @returns the batch of a whole file, or `undefined` when the file is torn or its check sum is wrong */
export function parseSpoolFile(file: Buffer): SealedBatch | undefined {
  const head = parseSpoolHeader(file, file.length);
  if (head === undefined || file.readUInt32LE(8) !== crc32(file.subarray(12))) return undefined;
  const body = file.subarray(SPOOL_HEADER_BYTES);
  return { body, spans: [], count: head.count, bytes: body.length };
}

/** @param timeMs  milliseconds since the epoch */
export function formatSpoolName(timeMs: number, seq: number): string {
  return `${String(Math.max(0, Math.round(timeMs))).padStart(13, '0')}-${String(seq).padStart(6, '0')}.otlp`;
}

/** @returns when the batch was made, or `undefined` when this is no name of ours */
export function parseSpoolName(name: string): { timeMs: number } | undefined {
  const timeMs = NAME.exec(name)?.[1];
  return timeMs === undefined ? undefined : { timeMs: Number(timeMs) };
}
