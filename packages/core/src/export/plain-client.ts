/**
 * Requests over plain HTTP/1.1 on sockets of our own. With `node:http` they would run through the functions that the
 * application's server runs through, which are faster when its own objects are all that they see.
 */
import { connect, type Socket, type TcpNetConnectOpts } from 'node:net';
import { runInContext, SUPPRESSED } from '../context.ts';
import { watchDeadline } from './deadline.ts';
import type { PostClient, PostLimits, PostReply } from './post-client.ts';
import { ResponseReader } from './response-reader.ts';

// Not by import, for the reason in node-client.ts.
const { validateHeaderName, validateHeaderValue } = process.getBuiltinModule('node:http');
const { urlToHttpOptions } = process.getBuiltinModule('node:url');

/** A connection that waits for the next request. */
interface Idle {
  readonly socket: Socket;
  /** When the server closes it, by the clock of `performance.now`. Milliseconds. */
  readonly untilMs: number;
}

const KEEP_ALIVE_PROBE_MS = 1000;
/** How long before the time that a server announces its connection is left alone: a request takes a while to arrive. */
const KEEP_ALIVE_MARGIN_MS = 1000;

/** Posts to one http URL. */
export class PlainClient implements PostClient {
  readonly #address: TcpNetConnectOpts;
  readonly #requestLine: string;
  readonly #own: Readonly<Record<string, string>>;
  readonly #timeoutMs: number;
  readonly #maxBytes: number;
  readonly #idle: Idle[] = [];
  #maxIdle: number;

  /** @param target  an http URL */
  constructor(target: URL, { timeoutMs, concurrency, maxBytes }: PostLimits) {
    const { hostname, path } = urlToHttpOptions(target);
    // As options, and not by methods later: a socket that gets further properties has another hidden class than the
    // application's, and the functions of Node.js that all of them run through are compiled for four of these.
    const options = { noDelay: true, keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE_PROBE_MS };
    this.#address = { host: hostname ?? '', port: Number(target.port || 80), ...options };
    this.#requestLine = `POST ${path} HTTP/1.1\r\n`;
    this.#own = { host: target.host, connection: 'keep-alive' };
    this.#timeoutMs = timeoutMs;
    this.#maxIdle = concurrency;
    this.#maxBytes = maxBytes;
  }

  post(body: Buffer, headers: Readonly<Record<string, string>>, signal: AbortSignal): Promise<PostReply> {
    return new Promise((resolve, reject) => {
      signal.throwIfAborted();
      const head = this.#requestLine + headLines(this.#own, { ...headers, 'content-length': String(body.length) });
      const socket = this.#take();
      const exchange = new Exchange(socket, this.#maxBytes, {
        settled: (reply, leavesConnection) => {
          finish();
          if (leavesConnection) this.#keep(socket, reply.headers);
          else socket.destroy();
          resolve(reply);
        },
        failed: (error) => {
          finish();
          socket.destroy();
          reject(error);
        },
      });
      const finish = watchDeadline(signal, this.#timeoutMs, exchange.fail);
      exchange.send(head, body);
    });
  }

  close(): void {
    this.#maxIdle = 0;
    for (const { socket } of this.#idle.splice(0)) socket.destroy();
  }

  #take(): Socket {
    for (let idle = this.#idle.pop(); idle !== undefined; idle = this.#idle.pop()) {
      const { socket, untilMs } = idle;
      socket.off('data', closeUnasked);
      if (performance.now() < untilMs && !socket.destroyed) return socket;
      socket.destroy();
    }
    // In a suppressed root context: a connection keeps the context in which it was made.
    const socket = runInContext(SUPPRESSED, () => connect(this.#address));
    // So that a slow backend does not keep a process alive that has nothing else to do.
    socket.unref();
    // Between requests there is nobody else to hear of it; `close` follows.
    socket.on('error', () => {});
    socket.on('close', () => this.#forget(socket));
    return socket;
  }

  #keep(socket: Socket, headers: PostReply['headers']): void {
    if (this.#idle.length >= this.#maxIdle || socket.destroyed) {
      socket.destroy();
      return;
    }
    const announced = /(?:^|[,;\s])timeout=(\d+)/i.exec(headers['keep-alive'] ?? '')?.[1];
    const keptMs = announced === undefined ? Number.POSITIVE_INFINITY : Number(announced) * 1000 - KEEP_ALIVE_MARGIN_MS;
    this.#idle.push({ socket, untilMs: performance.now() + keptMs });
    socket.on('data', closeUnasked);
  }

  #forget(gone: Socket): void {
    const index = this.#idle.findIndex(({ socket }) => socket === gone);
    if (index >= 0) this.#idle.splice(index, 1);
  }
}

/** Whatever comes before the next request is no answer to it. */
function closeUnasked(this: Socket): void {
  this.destroy();
}

interface Outcome {
  settled(reply: PostReply, leavesConnection: boolean): void;
  failed(error: unknown): void;
}

/** One request on a connection, and its answer. */
class Exchange {
  readonly #socket: Socket;
  readonly #reader: ResponseReader;
  readonly #outcome: Outcome;
  #isOver = false;
  #isWritten = false;

  constructor(socket: Socket, maxBytes: number, outcome: Outcome) {
    this.#socket = socket;
    this.#reader = new ResponseReader(maxBytes);
    this.#outcome = outcome;
  }

  send(head: string, body: Buffer): void {
    const socket = this.#socket;
    socket.on('data', this.#onData);
    socket.on('end', this.#onEnd);
    socket.on('error', this.fail);
    socket.on('close', this.#onEnd);
    // Not corked into one write: Node.js writes several pieces by a function that its own server uses for every answer,
    // and that is compiled for the server's pieces as long as it sees no others.
    socket.write(head, 'latin1');
    socket.write(body, (error) => {
      this.#isWritten = error === undefined || error === null;
    });
  }

  /** End it before the answer is whole; does nothing when it is over. */
  readonly fail = (error: unknown): void => {
    if (this.#isOver) return;
    const status = this.#reader.head?.status ?? 0;
    // The status has been read: for a success the rest of the answer does not matter.
    if (status >= 200 && status < 300) {
      this.#settle();
      return;
    }
    this.#leave();
    this.#outcome.failed(error);
  };

  readonly #onData = (bytes: Buffer): void => {
    const reader = this.#reader;
    try {
      reader.push(bytes);
    } catch (error) {
      this.fail(error);
      return;
    }
    if (reader.isDone || reader.isTooLarge) this.#settle();
  };

  readonly #onEnd = (): void => {
    if (this.#reader.end()) this.#settle();
    else this.fail(Object.assign(new Error('the connection was closed before the answer'), { code: 'ECONNRESET' }));
  };

  #settle(): void {
    if (this.#isOver) return;
    this.#leave();
    const { head, body, isTooLarge, leavesConnection } = this.#reader;
    const reply = {
      status: head?.status ?? 0,
      headers: head?.headers ?? {},
      body: isTooLarge ? Buffer.alloc(0) : Buffer.concat(body),
      isTooLarge,
      isWritten: this.#isWritten,
    };
    this.#outcome.settled(reply, leavesConnection && this.#isWritten && !isTooLarge);
  }

  #leave(): void {
    this.#isOver = true;
    const socket = this.#socket;
    socket.off('data', this.#onData);
    socket.off('end', this.#onEnd);
    socket.off('error', this.fail);
    socket.off('close', this.#onEnd);
  }
}

/** Those of the user win; a name that is given in two cases counts once, as `node:http` has it. */
function headLines(own: Readonly<Record<string, string>>, given: Readonly<Record<string, string>>): string {
  const lines = new Map<string, string>();
  for (const headers of [own, given]) {
    for (const name of Object.keys(headers)) {
      const value = headers[name] as string;
      validateHeaderName(name);
      validateHeaderValue(name, value);
      lines.set(name.toLowerCase(), `${name}: ${value}\r\n`);
    }
  }
  // The body is sent as it is, and in one piece.
  lines.delete('transfer-encoding');
  return `${[...lines.values()].join('')}\r\n`;
}
