import { EventEmitter } from 'node:events';
import http from 'node:http';
import { syncBuiltinESMExports } from 'node:module';

/** What the replaced transport has been given. */
export interface Sent {
  posts: number;
  bytes: number;
}

/**
 * Make `http.request` of this process answer every request with an empty 200 and open no socket.
 *
 * An exporter's public options end at its URL. Replacing the socket below it leaves batching,
 * encoding and the exporter's own work in the measurement and takes the kernel out of it. Has to be
 * called before the exporter is loaded: it may keep the function that it imported.
 */
export function replaceHttpRequest(): Sent {
  const sent: Sent = { posts: 0, bytes: 0 };
  // The fake has the few members that an exporter uses, not the whole of ClientRequest.
  http.request = (() => new NullRequest(sent)) as unknown as typeof http.request;
  syncBuiltinESMExports();
  return sent;
}

class NullRequest extends EventEmitter {
  readonly writableFinished = true;
  readonly #sent: Sent;

  constructor(sent: Sent) {
    super();
    this.#sent = sent;
  }

  end(body: Uint8Array): this {
    this.#sent.posts++;
    this.#sent.bytes += body.length;
    setImmediate(() => {
      const response = Object.assign(new EventEmitter(), { statusCode: 200, headers: {} });
      this.emit('response', response);
      response.emit('end');
    });
    return this;
  }

  destroy(): this {
    return this;
  }
}
