import type { Server } from 'node:http';

import { MemorySocket } from './memory-socket.ts';

const CLOSING_BRACE = 0x7d;
const IDS = 10_000;

/**
 * A connection to a server of this process that lives in memory, with one request at a time on it.
 *
 * The kernel's part of a request is most of its cost on a virtual machine, and nearly all of its
 * noise. Without it a microsecond shows that would drown on a real socket.
 */
export class MemoryConnection extends MemorySocket {
  // What a server may ask a socket for.
  readonly remotePort = 4711;
  readonly remoteFamily = 'IPv4';
  readonly localAddress = '127.0.0.1';
  readonly localPort = 80;
  readonly #onAnswer: (connection: MemoryConnection) => void;
  #id = 0;

  /** @param onAnswer  called when the answer to the last request is complete */
  constructor(server: Server, onAnswer: (connection: MemoryConnection) => void) {
    super();
    this.#onAnswer = onAnswer;
    // Documented for `http.Server`: any duplex stream may be handed over as a connection.
    server.emit('connection', this);
  }

  /** Send the next request. */
  ask(): void {
    this.#id = (this.#id % IDS) + 1;
    this.push(`GET /users/${this.#id} HTTP/1.1\r\nHost: shop.example.org:8080\r\n\r\n`);
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    done();
    this.#take(chunk);
  }

  override _writev(chunks: Array<{ chunk: Buffer }>, done: () => void): void {
    done();
    const last = chunks.at(-1);
    if (last !== undefined) this.#take(last.chunk);
  }

  #take(chunk: Buffer): void {
    // The answer is a JSON object, and a head never ends with a brace.
    if (chunk.at(-1) === CLOSING_BRACE) setImmediate(this.#onAnswer, this);
  }
}
