/** Attaches to a pool of pg, or to the prototype of all of them. */
import type { Connection } from '@clew/core/database';
import { checkTarget, isTraced, NOWHERE, PgTracing, replaceMethods } from './pg-tracing.ts';
import type { AnyFunction } from './query-args.ts';
import { QueryCall } from './query-call.ts';
import { closeOpenQueries } from './submittable.ts';
import { attachClient, type ClientClass, tracedClass } from './trace-client.ts';
import { runPoolQuery } from './traced-query.ts';
import type { ClientLike, PoolLike, TracePgOptions } from './types.ts';

/**
 * Trace the queries of a pool and of all of its clients, those that it has and those that it will have.
 *
 * @param pool  of pg or pg-pool; tracing it twice traces it once, with the options of the first time
 * @returns the same pool
 * @throws ClewError `CLEW_ERR_OPTION` for a wrong option, `CLEW_ERR_TARGET` for something that is no pool
 */
export function tracePool<P extends PoolLike>(pool: P, options?: TracePgOptions): P {
  checkTarget('tracePool', 'a pool of pg', pool, ['query', 'connect', 'on', 'Client']);
  const tracing = new PgTracing('tracePool', options);
  if (isTraced(pool)) return pool;
  traceClients(pool, tracing);
  attachPool(pool, tracing);
  return pool;
}

/** What we use of a pool beside its public methods: the class of its clients, and those that are connected. */
interface PoolInternals {
  Client: ClientClass;
  readonly ending?: boolean;
  readonly _clients?: readonly ClientLike[];
}

/** Trace the clients of a pool. */
export function traceClients(pool: PoolLike, tracing: PgTracing): void {
  const internals = pool as unknown as PoolInternals;
  internals.Client = tracedClass(internals.Client, tracing);
  for (const client of internals._clients ?? []) attachClient(client, tracing);
}

/** Trace `query` and `connect` of a pool, or of every pool with this prototype; its clients are traced elsewhere. */
export function attachPool(target: PoolLike, tracing: PgTracing): void {
  if (isTraced(target)) return;
  // Only the caller's arguments are handed to them.
  const { query, connect } = target as unknown as Record<'query' | 'connect', AnyFunction>;
  replaceMethods(target, { query: tracedPoolQuery(tracing, query), connect: tracedPoolConnect(tracing, connect) });
}

// The query for which a pool's `query` calls its own `connect`, which it does at once. Never set across a tick.
let starting: QueryCall | undefined;

function tracedPoolQuery(tracing: PgTracing, original: AnyFunction): AnyFunction {
  return function query(this: unknown, config: unknown, values?: unknown, callback?: unknown): unknown {
    const call = new QueryCall(tracing.database, config, values);
    const { context } = call;
    const outer = starting;
    starting = call;
    try {
      if (typeof values === 'function') {
        return original.call(this, config, tracing.bind(context, values as AnyFunction), callback);
      }
      const bound = typeof callback === 'function' ? tracing.bind(context, callback as AnyFunction) : callback;
      return original.call(this, config, values, bound);
    } finally {
      starting = outer;
    }
  };
}

function tracedPoolConnect(tracing: PgTracing, original: AnyFunction): AnyFunction {
  return function connect(this: unknown, callback?: unknown): unknown {
    // `connect` is a method, so there is a pool.
    const pool = this as PoolLike;
    const call = starting;
    starting = undefined;
    // Functions take any arguments.
    const given = callback as AnyFunction | undefined;
    if (call !== undefined && typeof given === 'function') return acquireFor(call, tracing, pool, original, given);
    // Whoever has a client may run a cursor on it, which nobody reads any more once the client is back in the pool.
    watchReleases(pool);
    return original.call(pool, typeof given === 'function' ? tracing.bind(tracing.active(), given) : given);
  };
}

// The span covers the wait for a client: that is where an exhausted pool shows.
function acquireFor(
  call: QueryCall,
  tracing: PgTracing,
  pool: PoolLike,
  original: AnyFunction,
  callback: AnyFunction,
): unknown {
  const state = poolStateOf(pool);
  // An ended pool gives its error before `connect` returns.
  if (isEnding(pool)) state.place ??= NOWHERE;
  if (state.place !== undefined) call.start(state.place);
  const acquired = (error: unknown, client: unknown, release: unknown): unknown => {
    if (!error) return runPoolQuery(call, client as ClientLike, callback, release);
    call.fail(error);
    return callback(error, client, release);
  };
  try {
    const result = original.call(pool, acquired);
    if (state.place === undefined) {
      // A pool's first query: only now there is a client that knows where it will connect to.
      state.place = firstPlace(tracing, pool);
      call.start(state.place ?? NOWHERE);
    }
    return result;
  } catch (error) {
    call.fail(error);
    throw error;
  }
}

/** What we keep about one pool. */
interface PoolState {
  /** Where it connects to; kept, because an idle pool has no clients and an ended one gets none. */
  place: Connection | undefined;
  isWatched: boolean;
}

const STATE: unique symbol = Symbol('clew.pg.pool');

function poolStateOf(pool: PoolLike): PoolState {
  const known = (pool as { [STATE]?: PoolState })[STATE];
  if (known !== undefined) return known;
  const state: PoolState = { place: undefined, isWatched: false };
  Object.defineProperty(pool, STATE, { value: state });
  return state;
}

function watchReleases(pool: PoolLike): void {
  const state = poolStateOf(pool);
  if (state.isWatched) return;
  state.isWatched = true;
  pool.on('release', onRelease);
}

function onRelease(_error: unknown, client: ClientLike): void {
  closeOpenQueries(client);
}

function firstPlace(tracing: PgTracing, pool: PoolLike): Connection | undefined {
  const client = (pool as unknown as PoolInternals)._clients?.[0];
  return client === undefined ? undefined : tracing.connectionOf(client);
}

function isEnding(pool: PoolLike): boolean {
  return (pool as unknown as PoolInternals).ending === true;
}
