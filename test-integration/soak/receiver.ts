/** An OTLP receiver on a real socket that fails on request, and knows of every span how often it took it. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { readSentSpans } from './sent-spans.ts';

/** What the receiver does with the next requests. */
export type Mode =
  | { kind: 'ok' }
  | { kind: 'status'; status: number; retryAfter?: string }
  /** Each `every`th request is answered with this status, the others are taken. */
  | { kind: 'some'; every: number; status: number }
  /** The connection is reset before the body is read. */
  | { kind: 'reset' }
  /** Nobody listens. */
  | { kind: 'refused' }
  /** No answer ever. */
  | { kind: 'hang' }
  | { kind: 'slow'; delayMs: number }
  /** The first tenth of each request is rejected. */
  | { kind: 'partial' };

/** One request, as the receiver saw it. */
export interface Seen {
  /** When its head had arrived; `performance.now()` of this process. */
  atMs: number;
  mode: Mode['kind'];
  /** Spans in it; 0 when the body was not read. */
  spans: number;
  /** When the sender was asked to wait, by the same clock; `undefined` when it was not. */
  askedToWaitMs: number | undefined;
}

/** Numbers of spans of one service, from 0, each with what became of it. */
class Tally {
  #times = new Uint8Array(1 << 16);
  received = 0;
  duplicates = 0;
  highest = -1;

  add(seq: number): void {
    while (seq >= this.#times.length) {
      const larger = new Uint8Array(this.#times.length * 2);
      larger.set(this.#times);
      this.#times = larger;
    }
    this.highest = Math.max(this.highest, seq);
    const times = this.#times[seq] ?? 0;
    if (times === 0) this.received++;
    else this.duplicates++;
    this.#times[seq] = Math.min(times + 1, 255);
  }
}

/** The receiver of one service. */
export class Receiver {
  /** All requests in their order. */
  readonly seen: Seen[] = [];
  rejected = 0;
  /** Requests that could not be decoded, and spans that end before they start. */
  malformed = 0;
  /** The longest span. Milliseconds. */
  longestMs = 0;
  readonly #tally = new Tally();
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #mode: Mode = { kind: 'ok' };
  #port = 0;

  private constructor() {
    this.#server = createServer((request, response) => {
      this.#take(request, response).catch(() => response.destroy());
    });
    this.#server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
    });
  }

  static async listen(mode: Mode = { kind: 'ok' }): Promise<Receiver> {
    const receiver = new Receiver();
    await receiver.#listen();
    await receiver.become(mode);
    return receiver;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** Different spans that were taken with a 2xx. */
  get received(): number {
    return this.#tally.received;
  }

  /** Spans that were not taken although a later one was. */
  get holes(): number {
    return this.#tally.highest + 1 - this.#tally.received;
  }

  /** How often a span came that had been taken or rejected before. */
  get duplicates(): number {
    return this.#tally.duplicates;
  }

  /** Change what happens to requests that come from now on; those under way end as they began. */
  async become(mode: Mode): Promise<void> {
    const wasListening = this.#server.listening;
    this.#mode = mode;
    if (mode.kind === 'refused' && wasListening) {
      this.#server.close();
      this.#server.closeIdleConnections();
    } else if (mode.kind !== 'refused' && !wasListening) {
      await this.#listen();
    }
  }

  close(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  #listen(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(this.#port, '127.0.0.1', () => {
        this.#server.off('error', reject);
        // A TCP server's address is an object.
        this.#port = (this.#server.address() as AddressInfo).port;
        resolve();
      });
    });
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const mode = this.#mode;
    const seen: Seen = { atMs: performance.now(), mode: mode.kind, spans: 0, askedToWaitMs: undefined };
    this.seen.push(seen);
    if (mode.kind === 'reset' || mode.kind === 'refused') {
      request.socket.resetAndDestroy();
      return;
    }
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const spans = this.#read(Buffer.concat(chunks));
    seen.spans = spans.length;
    if (mode.kind === 'hang') return;
    if (mode.kind === 'status') {
      if (mode.retryAfter !== undefined) await arrivals();
      seen.askedToWaitMs = mode.retryAfter === undefined ? undefined : performance.now();
      return refuse(response, mode.status, mode.retryAfter);
    }
    if (mode.kind === 'some' && this.seen.length % mode.every === 0) return refuse(response, mode.status);
    if (mode.kind === 'slow') await new Promise((resolve) => setTimeout(resolve, mode.delayMs));
    // The sender gave up meanwhile, and will send these spans again.
    if (response.destroyed) return;
    this.#accept(response, spans, mode.kind === 'partial' ? Math.ceil(spans.length / 10) : 0);
  }

  #read(body: Buffer): number[] {
    try {
      const spans = readSentSpans(body);
      for (const { durationNano } of spans) {
        if (durationNano < 0n) this.malformed++;
        this.longestMs = Math.max(this.longestMs, Number(durationNano) / 1e6);
      }
      return spans.map(({ seq }) => seq);
    } catch {
      this.malformed++;
      return [];
    }
  }

  #accept(response: ServerResponse, spans: number[], rejected: number): void {
    this.rejected += rejected;
    for (const seq of spans) this.#tally.add(seq);
    this.#tally.received -= rejected;
    response.end(rejected === 0 ? undefined : partialSuccess(rejected));
  }
}

// Until requests that are on their way have arrived: they were sent before the answer, and may not be held against it.
async function arrivals(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 200));
  await new Promise((resolve) => setImmediate(resolve));
}

function refuse(response: ServerResponse, status: number, retryAfter?: string): void {
  response.writeHead(status, retryAfter === undefined ? {} : { 'retry-after': retryAfter }).end();
}

// ExportTraceServiceResponse.partial_success = 1 { rejected_spans = 1, error_message = 2 }
function partialSuccess(rejected: number): Buffer {
  const message = Buffer.from('full');
  const count = [8, ...(rejected < 128 ? [rejected] : [(rejected & 127) | 128, rejected >> 7]), 18, message.length];
  return Buffer.concat([Buffer.from([10, count.length + message.length, ...count]), message]);
}
