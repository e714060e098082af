/** Reads request bodies within bounds: of one body as sent, of one body inflated, and of all bodies at once. */
import type { IncomingMessage } from 'node:http';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';

/** Largest body as sent. 16 MB. */
export const MAX_BODY_BYTES: number = 16 * 1024 * 1024;
/** Largest body after inflation. 64 MB. */
export const MAX_INFLATED_BYTES: number = 64 * 1024 * 1024;
/** Most bytes of bodies held while they are read, over all requests. 128 MB. */
const MAX_HELD_BYTES = 128 * 1024 * 1024;
/** How much of a refused body is read on, so that the sender can read the refusal; then the connection is cut. */
const MAX_DISCARDED_BYTES = 4 * MAX_BODY_BYTES;

/** A body, or why it is refused. */
export type Body =
  | { readonly ok: true; readonly bytes: Buffer }
  | { readonly ok: false; readonly status: 400 | 413 | 415 | 429; readonly message: string };

const inflate = promisify(gunzip);

/** Reads bodies for one viewer. */
export class BodyReader {
  #heldBytes = 0;
  /** Bodies are inflated one after another: many small bombs at once would add up. */
  #inflating: Promise<unknown> = Promise.resolve();

  /** The whole body, inflated. Never rejects. */
  async read(request: IncomingMessage): Promise<Body> {
    const encoding = (request.headers['content-encoding'] ?? 'identity').trim().toLowerCase();
    if (encoding !== 'identity' && encoding !== 'gzip') {
      return refuse(request, 415, `content-encoding "${encoding.slice(0, 40)}" is not understood: gzip or identity`);
    }
    if (Number(request.headers['content-length'] ?? 0) > MAX_BODY_BYTES) return tooLarge(request);
    const held = { bytes: 0 };
    try {
      const body = await this.#collect(request, held);
      return body.ok && encoding === 'gzip' ? await this.#inflateNext(body.bytes) : body;
    } finally {
      this.#heldBytes -= held.bytes;
    }
  }

  #collect(request: IncomingMessage, held: { bytes: number }): Promise<Body> {
    return new Promise((resolve) => {
      const chunks: Buffer[] = [];
      const settle = (body: Body): void => {
        request.off('data', onData).off('end', onEnd);
        resolve(body);
      };
      const onData = (chunk: Buffer): void => {
        held.bytes += chunk.length;
        this.#heldBytes += chunk.length;
        if (held.bytes > MAX_BODY_BYTES) settle(tooLarge(request));
        else if (this.#heldBytes > MAX_HELD_BYTES)
          settle(refuse(request, 429, 'too many bytes are being received at once'));
        else chunks.push(chunk);
      };
      const onEnd = (): void => settle({ ok: true, bytes: Buffer.concat(chunks) });
      request.on('data', onData).on('end', onEnd);
      // A sender that goes away in the middle: nobody reads the answer, but the promise must settle.
      request
        .on('close', () => settle({ ok: false, status: 400, message: 'the body ended early' }))
        .on('error', () => {});
    });
  }

  #inflateNext(bytes: Buffer): Promise<Body> {
    const next = this.#inflating.then(() => inflateBody(bytes));
    this.#inflating = next;
    return next;
  }
}

/** Reads on without keeping, so that a sender that is still busy sending gets to read the refusal. */
export function discard(request: IncomingMessage): void {
  let discarded = 0;
  request.on('data', (chunk: Buffer) => {
    discarded += chunk.length;
    if (discarded > MAX_DISCARDED_BYTES) request.destroy();
  });
  request.on('error', () => {});
  request.resume();
}

async function inflateBody(bytes: Buffer): Promise<Body> {
  try {
    return { ok: true, bytes: await inflate(bytes, { maxOutputLength: MAX_INFLATED_BYTES }) };
  } catch (error) {
    const isTooLarge = error instanceof Error && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE';
    if (isTooLarge)
      return { ok: false, status: 413, message: `the body inflates to more than ${MAX_INFLATED_BYTES} bytes` };
    return { ok: false, status: 400, message: 'the body is not gzip' };
  }
}

function tooLarge(request: IncomingMessage): Body {
  return refuse(request, 413, `the body has more than ${MAX_BODY_BYTES} bytes`);
}

function refuse(request: IncomingMessage, status: 413 | 415 | 429, message: string): Body {
  discard(request);
  return { ok: false, status, message };
}
