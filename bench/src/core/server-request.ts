import { EventEmitter } from 'node:events';
import { createRequire } from 'node:module';

// CommonJS, because the official instrumentation patches what `require` has loaded.
const http = createRequire(import.meta.url)('node:http') as typeof import('node:http');

/** What an HTTP server is given for one request; the members that instrumentations read. */
export interface ServerRequest {
  readonly req: import('node:http').IncomingMessage;
  readonly res: import('node:http').ServerResponse;
}

/**
 * Has a server answer one request without a socket: the `request` event and the end of the response.
 *
 * @param sampled  what the caller's `traceparent` says
 */
export type Serve = (sampled: boolean) => void;

/**
 * A server whose `request` event is emitted by hand. Nothing is parsed and nothing is sent, so that what is measured
 * is what a plugin does for one request: parent, span, attributes, context, end.
 *
 * @param handler  what the application does; has to call `answer`
 */
export function serveByHand(handler: (request: ServerRequest, answer: () => void) => void): Serve {
  const server = http.createServer((req, res) => handler({ req, res }, () => (res as unknown as FakeResponse).over()));
  const socket = Object.assign(new EventEmitter(), {
    remoteAddress: '127.0.0.1',
    remotePort: 50_123,
    localAddress: '127.0.0.1',
    localPort: 8080,
    timeout: 0,
  });
  let requests = 0;
  return (sampled) => {
    // Every request has texts of its own, as the parser makes them, and comes from the same kept-alive connection.
    const req = new FakeRequest(socket, `/users/${4096 + (requests++ & 1023)}`, sampled);
    server.emit('request', req, new FakeResponse(req, socket));
  };
}

/** A text of its own in one piece, as the parser makes them; a template gives a rope, which its first reader flattens. */
function flat(text: string): string {
  return Buffer.from(text, 'latin1').toString('latin1');
}

class FakeRequest extends EventEmitter {
  readonly method = 'GET';
  readonly httpVersion = '1.1';
  readonly httpVersionMajor = 1;
  readonly httpVersionMinor = 1;
  readonly headers: Record<string, string>;
  readonly socket: object;
  readonly url: string;

  constructor(socket: object, url: string, sampled: boolean) {
    super();
    this.headers = {
      host: 'shop.example.org:8080',
      'user-agent': 'bench',
      accept: 'application/json',
      traceparent: flat(`00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-${sampled ? '01' : '00'}`),
    };
    this.socket = socket;
    this.url = url;
  }
}

class FakeResponse extends EventEmitter {
  statusCode = 200;
  statusMessage = 'OK';
  headersSent = false;
  writableEnded = false;
  writableFinished = false;
  readonly req: FakeRequest;
  readonly socket: object;

  constructor(req: FakeRequest, socket: object) {
    super();
    this.req = req;
    this.socket = socket;
  }

  over(): void {
    this.headersSent = true;
    this.writableEnded = true;
    this.writableFinished = true;
    this.emit('finish');
    this.emit('close');
  }

  getHeader(): undefined {
    return undefined;
  }
}
