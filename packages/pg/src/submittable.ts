/**
 * Spans of query objects that talk to the server by themselves: `new Query()`, cursors, query streams, COPY streams.
 *
 * pg tells such an object what the server answers by calling its methods, so we listen there: an `error` listener would
 * keep an unhandled error from ending the process, and cursors emit nothing that nobody listens to.
 */
import { EventEmitter, errorMonitor } from 'node:events';
import type { Closable, PgTracing } from './pg-tracing.ts';
import { stateOf } from './pg-tracing.ts';
import type { AnyFunction, Submittable } from './query-args.ts';
import type { QueryCall } from './query-call.ts';

/**
 * Submit a query object with a span that lasts until the object is done, or the client is released or ended.
 *
 * @param submit  calls pg's own `query`
 * @returns what `submit` returned
 */
export function traceSubmittable(
  tracing: PgTracing,
  call: QueryCall,
  client: object,
  query: Submittable,
  submit: () => unknown,
): unknown {
  const methods = query as Partial<Record<'handleError' | 'handleReadyForQuery', unknown>>;
  // Those of pg-native are told in another way.
  if (typeof methods.handleError !== 'function' || typeof methods.handleReadyForQuery !== 'function') return submit();
  call.start(tracing.connectionOf(client));
  const cursor = isStream(query) ? (query as { cursor?: unknown }).cursor : query;
  bindCursor(tracing, cursor);
  if (!call.isOpen) return submit();
  const open = new OpenQuery(tracing, call, client);
  open.watch(query, methods.handleError as AnyFunction, methods.handleReadyForQuery as AnyFunction);
  try {
    return submit();
  } catch (error) {
    call.fail(error);
    throw error;
  }
}

/** A query object whose span has not ended. */
class OpenQuery implements Closable {
  readonly #tracing: PgTracing;
  readonly #call: QueryCall;
  readonly #siblings: Set<Closable>;

  constructor(tracing: PgTracing, call: QueryCall, client: object) {
    this.#tracing = tracing;
    this.#call = call;
    this.#siblings = openQueries(client);
    this.#siblings.add(this);
    openCount++;
  }

  watch(query: Submittable, handleError: AnyFunction, handleReadyForQuery: AnyFunction): void {
    const open = this;
    const { tracing } = this.#tracing.database;
    const { context } = this.#call;
    setMethod(query, 'handleError', function (this: unknown, ...args: unknown[]) {
      open.#fail(args[0]);
      return tracing.run(context, handleError, this, ...args);
    });
    const stream = isStream(query);
    setMethod(query, 'handleReadyForQuery', function (this: unknown, ...args: unknown[]) {
      // First the original: it may find that a row could not be parsed, and then calls handleError.
      const result = tracing.run(context, handleReadyForQuery, this, ...args);
      // The rows of a stream that has them all may still be on their way to its reader.
      if (!stream) open.close();
      return result;
    });
    if (stream) this.#watchStream(query);
  }

  #watchStream(stream: EventEmitter): void {
    stream.once(errorMonitor, (error: unknown) => {
      // Leaving a `for await` loop early destroys the stream so; the server's errors come through handleError.
      if ((error as { code?: unknown } | undefined)?.code === 'ABORT_ERR') this.close();
      else this.#fail(error);
    });
    for (const event of ['end', 'finish', 'close']) stream.once(event, () => this.close());
  }

  close(): void {
    this.#leave();
    this.#call.end();
  }

  #fail(error: unknown): void {
    this.#leave();
    this.#call.fail(error);
  }

  #leave(): void {
    if (this.#siblings.delete(this)) openCount--;
  }
}

// Of all clients: with none, there is nothing to look for when one is released.
let openCount = 0;

/** End the spans of a client's query objects that are not done. */
export function closeOpenQueries(client: object): void {
  if (openCount === 0) return;
  const { open } = stateOf(client);
  if (open === undefined) return;
  for (const query of open) query.close();
}

function openQueries(client: object): Set<Closable> {
  const state = stateOf(client);
  if (state.open === undefined) {
    state.open = new Set();
    if (client instanceof EventEmitter) client.once('end', () => closeOpenQueries(client));
  }
  return state.open;
}

// A cursor calls back from the connection's context, also the query stream that reads with it.
function bindCursor(tracing: PgTracing, cursor: unknown): void {
  if (typeof cursor !== 'object' || cursor === null || isStream(cursor)) return;
  for (const [name, position] of [
    ['read', 1],
    ['close', 0],
  ] as const) {
    const original = (cursor as Record<string, unknown>)[name];
    if (typeof original !== 'function') continue;
    setMethod(cursor, name, function (this: unknown, ...args: unknown[]) {
      const callback = args[position];
      if (typeof callback === 'function') args[position] = tracing.bind(tracing.active(), callback as AnyFunction);
      return original.apply(this, args);
    });
  }
}

function setMethod(target: object, name: string, value: AnyFunction): void {
  Object.defineProperty(target, name, { value, configurable: true, writable: true, enumerable: false });
}

function isStream(query: object): query is EventEmitter {
  return query instanceof EventEmitter && typeof (query as { destroy?: unknown }).destroy === 'function';
}
