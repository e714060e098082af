import { Duplex } from 'node:stream';

/** A stream with the methods that Node.js and its clients call on a socket, which have nothing to do in memory. */
export abstract class MemorySocket extends Duplex {
  readonly remoteAddress = '127.0.0.1';
  abstract readonly remotePort: number;

  override _read(): void {}

  setTimeout(): this {
    return this;
  }
  setNoDelay(): this {
    return this;
  }
  setKeepAlive(): this {
    return this;
  }
  ref(): this {
    return this;
  }
  unref(): this {
    return this;
  }
}
