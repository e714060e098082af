import { EventEmitter } from 'node:events';
import http from 'node:http';
import { syncBuiltinESMExports } from 'node:module';
import net from 'node:net';

/** What the replaced transport has been given. */
export interface Sent {
  posts: number;
  bytes: number;
}

/**
 * Make `http.request` and `net.connect` of this process answer every request with an empty 200 and open no socket: the
 * official SDK sends with the one, Clew with the other.
 *
 * An exporter's public options end at its URL. Replacing the socket below it leaves batching,
 * encoding and the exporter's own work in the measurement and takes the kernel out of it. Has to be
 * called before the exporter is loaded: it may keep the function that it imported.
 */
export function replaceHttpRequest(): Sent {
  const sent: Sent = { posts: 0, bytes: 0 };
  // The fake has the few members that an exporter uses, not the whole of ClientRequest.
  http.request = (() => new NullRequest(sent)) as unknown as typeof http.request;
  net.connect = (() => new NullSocket(sent)) as unknown as typeof net.connect;
  syncBuiltinESMExports();
  return sent;
}

/** What the two fakes have in common. */
class NullEnd extends EventEmitter {
  readonly #sent: Sent;

  constructor(sent: Sent) {
    super();
    this.#sent = sent;
  }

  protected count(body: Uint8Array): void {
    this.#sent.posts++;
    this.#sent.bytes += body.length;
  }

  destroy(): this {
    return this;
  }
}

class NullRequest extends NullEnd {
  readonly writableFinished = true;

  end(body: Uint8Array): this {
    this.count(body);
    setImmediate(() => {
      const response = Object.assign(new EventEmitter(), { statusCode: 200, headers: {} });
      this.emit('response', response);
      response.emit('end');
    });
    return this;
  }
}

const ANSWER = Buffer.from('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n');

/** A connection on which a head is a text and a body is a buffer. */
class NullSocket extends NullEnd {
  readonly destroyed = false;

  write(chunk: string | Uint8Array, done?: unknown): boolean {
    if (typeof chunk === 'string') return true;
    this.count(chunk);
    setImmediate(() => {
      if (typeof done === 'function') done();
      this.emit('data', ANSWER);
    });
    return true;
  }

  cork(): void {}
  uncork(): void {}
  unref(): this {
    return this;
  }
  setNoDelay(): this {
    return this;
  }
  setKeepAlive(): this {
    return this;
  }
}
