import type { Duplex } from 'node:stream';

import { MemorySocket } from '../http/memory-socket.ts';
import { BODY } from './body.ts';

const ANSWER = Buffer.from(
  `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${BODY.length}\r\nkeep-alive: timeout=60\r\n\r\n${BODY}`,
);

/** Called when the connection is there. */
type Connected = (error: Error | null, socket: Duplex | null) => void;

/**
 * Connect to a server that lives in memory, answers everything alike, and costs next to nothing: what undici's option
 * `connect` takes.
 */
export function connectInMemory(_options: unknown, connected: Connected): void {
  queueMicrotask(() => connected(null, new MemoryTarget()));
}

/** The client's end of a connection, with one request at a time on it. */
class MemoryTarget extends MemorySocket {
  // What channels tell of a socket, with its address.
  readonly remotePort = 80;

  override _write(_chunk: Buffer, _encoding: string, done: () => void): void {
    done();
    // A request without a body is one write. The answer comes in a later turn of the event loop, as from a network.
    setImmediate(answer, this);
  }
}

function answer(target: MemoryTarget): void {
  target.push(ANSWER);
}
