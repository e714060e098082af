/**
 * Memory for encoded spans that is used again. A fresh buffer of a whole batch costs page faults, and now and then a
 * garbage collection in the middle of somebody's request: a hundred times what filling it costs.
 */

/** Spans are encoded into pieces of this size. */
export const CHUNK_BYTES: number = 32 * 1024;

const MAX_CHUNKS = 32;
// As many as requests are under way at once by default.
const MAX_BODIES = 4;
// Smaller ones are cheap to make; larger ones are rare and would only be kept.
const MIN_BODY_BYTES = CHUNK_BYTES;
const BODY_STEP_BYTES = CHUNK_BYTES / 2;
const MAX_BODY_BYTES = 1024 * 1024;

const chunks: Buffer[] = [];
const bodies: Buffer[] = [];

/** A buffer of `CHUNK_BYTES`; its content is whatever it held before. */
export function takeChunk(): Buffer {
  return chunks.pop() ?? Buffer.allocUnsafeSlow(CHUNK_BYTES);
}

/** Give a chunk back; one that has been replaced by a larger buffer is left to the garbage collector. */
export function giveChunk(chunk: Buffer): void {
  if (chunk.length === CHUNK_BYTES && chunks.length < MAX_CHUNKS) chunks.push(chunk);
}

/** Memory for one request; `buffer` may be longer than what was asked for, but never more than twice as long. */
export function takeBody(bytes: number): Buffer {
  for (let i = 0; i < bodies.length; i++) {
    const { length } = bodies[i] as Buffer;
    if (length >= bytes && length <= bytes * 2) return bodies.splice(i, 1)[0] as Buffer;
  }
  const isKept = bytes >= MIN_BODY_BYTES && bytes <= MAX_BODY_BYTES;
  return Buffer.allocUnsafeSlow(isKept ? Math.ceil(bytes / BODY_STEP_BYTES) * BODY_STEP_BYTES : bytes);
}

/** Give a body back once nobody reads it any more, the kernel included. */
export function giveBody(body: Buffer): void {
  if (body.length >= MIN_BODY_BYTES && body.length <= MAX_BODY_BYTES && bodies.length < MAX_BODIES) bodies.push(body);
}
