/** What the cases of the messaging suite run on: one back end, with one sender and one receiver. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { TestContext } from 'node:test';
import { type Span, trace } from '@clew/core';
import { type Backend, type BackendKind, startBackend } from './backends.ts';

/** A message as the suite sends it; the library gets these very objects. */
export interface SuiteMessage {
  readonly key?: string;
  readonly value: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Messages with different numbers, 0 or 1, can be handled at the same time. */
  readonly partition: number;
}

/** A message as the handler got it. */
export interface ReceivedMessage {
  readonly value: string;
  /** Values as text; names as they arrived. */
  readonly headers: Readonly<Record<string, string>>;
}

/** A connected sender and receiver. */
export interface MessagingClient {
  /** Send through the traced sender; gives what the library gives. */
  send(messages: readonly SuiteMessage[]): Promise<unknown>;
  /** Every error that the library got from a handler. */
  readonly handlerErrors: readonly unknown[];
  /** Stop both; `send` rejects afterwards. */
  close(): Promise<void>;
}

/** The library under test, with its real broker. */
export interface MessagingLibrary {
  /** The npm package that makes the spans. */
  readonly scope: string;
  /**
   * Connect a sender and a receiver that were each traced twice. Two messages of different partitions must be handled
   * at the same time, and one whose handler fails must be handled again.
   *
   * @returns once messages that are sent from now on will be received
   */
  open(destination: string, handle: (message: ReceivedMessage) => unknown): Promise<MessagingClient>;
}

const TIMEOUT_MS = 20_000;

/** One back end with one client; the cases run on it one after another. */
export class MessagingBench {
  readonly backend: Backend;
  readonly destination: string;
  readonly scope: string;
  /** What the handler does beside being counted. */
  onMessage: (message: ReceivedMessage) => unknown = () => undefined;
  #client: MessagingClient | undefined;
  readonly #received: ReceivedMessage[] = [];
  #wake: () => void = () => undefined;

  constructor(backend: Backend, scope: string) {
    this.backend = backend;
    this.scope = scope;
    this.destination = `suite-${backend.kind}-${randomUUID().slice(0, 8)}`;
  }

  static async start(t: TestContext, kind: BackendKind, library: MessagingLibrary): Promise<MessagingBench> {
    const bench = new MessagingBench(startBackend(t, kind), library.scope);
    // Opened inside of a request, as applications do that connect lazily: nothing of it may reach the handlers.
    await inSpan('opener', async () => {
      bench.#client = await library.open(bench.destination, (message) => bench.#handle(message));
    });
    t.after(() => bench.client.close());
    if (bench.backend.records) await bench.backend.take('opener');
    return bench;
  }

  get client(): MessagingClient {
    assert.ok(this.#client, 'the client is open');
    return this.#client;
  }

  /** Wait for the next messages that the handler got. */
  async receive(count: number): Promise<ReceivedMessage[]> {
    while (this.#received.length < count) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return this.#received.splice(0, count);
  }

  takeSend(): ReturnType<Backend['take']> {
    return this.backend.take((span) => span.kind === 'PRODUCER', TIMEOUT_MS);
  }

  takeProcess(): ReturnType<Backend['take']> {
    return this.backend.take((span) => span.kind === 'CONSUMER', TIMEOUT_MS);
  }

  #handle(message: ReceivedMessage): unknown {
    this.#received.push(message);
    this.#wake();
    return this.onMessage(message);
  }
}

/** Run a function in an active span of the test's own. */
export async function inSpan<R>(name: string, fn: (span: Span) => Promise<R>): Promise<R> {
  return trace.getTracer('suite').startActiveSpan(name, async (span) => {
    try {
      return await fn(span);
    } finally {
      span.end();
    }
  });
}
