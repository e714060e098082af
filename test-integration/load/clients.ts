/** Callers that ask as fast as they are answered, leave early now and then, and look at every answer. */
import { randomBytes } from 'node:crypto';
import { Agent, type IncomingMessage, request } from 'node:http';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Random } from '../fuzz/random.ts';
import type { Answer, Order } from './app.ts';

/** What all callers of one application have seen. */
export interface Seen {
  answers: number;
  aborted: number;
  /** Answers with a context that is not that of the request, and requests that failed by themselves. */
  wrong: number;
  /** The first of the wrong ones. */
  first?: string;
}

const ABORT_ONE_IN = 8;
const MAX_ABORT_MS = 30;
const MAX_PADDING = 20_000;
const SPLIT_ONE_IN = 3;
// As many as the handler has.
const STEPS = 5;

/** Callers of one application. */
export class Clients {
  readonly seen: Seen = { answers: 0, aborted: 0, wrong: 0 };
  readonly #url: string;
  readonly #random: Random;
  readonly #agent = new Agent({ keepAlive: true });
  #running: Promise<void>[] = [];
  #isStopped = true;
  #order = 0;

  constructor(url: string, random: Random) {
    this.#url = url;
    this.#random = random;
  }

  start(callers: number): void {
    this.#isStopped = false;
    this.#running = Array.from({ length: callers }, () => this.#callOn());
  }

  /** Resolves when every answer has come. */
  async pause(): Promise<void> {
    this.#isStopped = true;
    await Promise.all(this.#running);
  }

  close(): void {
    this.#agent.destroy();
  }

  async #callOn(): Promise<void> {
    while (!this.#isStopped) await this.#call();
  }

  async #call(): Promise<void> {
    const traceId = randomBytes(16).toString('hex');
    const order: Order = { order: this.#order++, padding: 'x'.repeat(this.#random.below(MAX_PADDING)) };
    const abortMs = this.#random.oneIn(ABORT_ONE_IN) ? this.#random.below(MAX_ABORT_MS) : undefined;
    const abort = new AbortController();
    const timer = abortMs === undefined ? undefined : setTimeout(() => abort.abort(), abortMs);
    try {
      const response = await this.#post(traceId, order, abort.signal);
      const body = await text(response);
      this.#judge(traceId, order, response.statusCode, body);
    } catch (error) {
      if (abort.signal.aborted) this.seen.aborted++;
      else this.#wrong(`order ${order.order}: ${String(error)}`);
    } finally {
      clearTimeout(timer);
    }
  }

  #post(traceId: string, order: Order, signal: AbortSignal): Promise<IncomingMessage> {
    const body = JSON.stringify(order);
    const headers = {
      'content-type': 'application/json',
      'content-length': body.length,
      traceparent: `00-${traceId}-${traceId.slice(16)}-01`,
    };
    return new Promise((resolve, reject) => {
      const url = `${this.#url}/orders/${order.order}`;
      const call = request(url, { method: 'POST', agent: this.#agent, headers, signal }, resolve);
      call.on('error', reject);
      void this.#write(body, (part) => call.write(part)).then(() => call.end());
    });
  }

  /** Now and then in two parts, so that the body's parser has to wait. */
  async #write(body: string, write: (part: string) => void): Promise<void> {
    if (!this.#random.oneIn(SPLIT_ONE_IN)) {
      write(body);
      return;
    }
    const at = this.#random.below(body.length);
    write(body.slice(0, at));
    await sleep(this.#random.below(5));
    write(body.slice(at));
  }

  #judge(traceId: string, { order }: Order, status: number | undefined, body: string): void {
    this.seen.answers++;
    if (status !== 200) {
      this.#wrong(`order ${order}: status ${status}: ${body}`);
      return;
    }
    // The application is this repository's own code.
    const answer = JSON.parse(body) as Answer;
    const ids = [...answer.traceIds, answer.innerTraceparent.split('-')[1]];
    const isOurs = answer.order === order && ids.length === STEPS + 1 && ids.every((id) => id === traceId);
    if (!isOurs) this.#wrong(`order ${order} of trace ${traceId}: ${body}`);
  }

  #wrong(what: string): void {
    this.seen.wrong++;
    this.seen.first ??= what;
  }
}
