/** The traced form of a client's `query`, for every way in which it can be called. */
import type { PgTracing } from './pg-tracing.ts';
import { type AnyFunction, isSubmittable } from './query-args.ts';
import { QueryCall } from './query-call.ts';
import { traceSubmittable } from './submittable.ts';

// The query for which a pool has acquired a client, and that client: the pool runs it there at once. Never set across a
// tick, and not kept with the client: finding something there costs more than everything else that is done for a query.
let poolQuery: QueryCall | undefined;
let poolClient: object | undefined;

/**
 * Call what runs a pool's query on the client that was acquired for it.
 *
 * @returns what `run` returned
 */
export function runPoolQuery(call: QueryCall, client: object, run: AnyFunction, release: unknown): unknown {
  poolQuery = call;
  poolClient = client;
  try {
    return run(undefined, client, release);
  } finally {
    if (poolQuery === call) {
      // Something between the pool and the client did not run it.
      poolQuery = undefined;
      poolClient = undefined;
      call.end();
    }
  }
}

/**
 * Make it. It works on an instance and on a prototype: the client is `this`.
 *
 * @param original  pg's own method; called with the same client and the same arguments but for the callback
 */
export function tracedQuery(tracing: PgTracing, original: AnyFunction): AnyFunction {
  return function query(this: unknown, config: unknown, values?: unknown, callback?: unknown): unknown {
    // pg throws for these, and there is nothing to trace.
    if (config === null || config === undefined) return original.call(this, config, values, callback);
    // `query` is a method, so there is a client.
    const client = this as object;
    if (poolQuery !== undefined && poolClient === client && typeof callback === 'function') {
      return runForPool(poolQuery, original, client, config, values, callback as AnyFunction);
    }
    const call = new QueryCall(tracing.database, config, values);
    if (isSubmittable(config)) {
      return traceSubmittable(tracing, call, client, config, () => original.call(client, config, values, callback));
    }
    call.start(tracing.connectionOf(client));
    return runQuery(call, original, client, config, values, callback);
  };
}

// The pool has started the span, and its own callback hands the result on to the application's.
function runForPool(
  call: QueryCall,
  original: AnyFunction,
  client: object,
  config: unknown,
  values: unknown,
  callback: AnyFunction,
): unknown {
  poolQuery = undefined;
  poolClient = undefined;
  try {
    return original.call(client, config, values, call.settling(callback));
  } catch (error) {
    call.fail(error);
    throw error;
  }
}

function runQuery(
  call: QueryCall,
  original: AnyFunction,
  client: object,
  config: unknown,
  values: unknown,
  callback: unknown,
): unknown {
  try {
    // The order in which pg looks for a callback.
    if (typeof callback === 'function') {
      return original.call(client, config, values, call.settlingInContext(callback as AnyFunction));
    }
    if (typeof values === 'function') {
      return original.call(client, config, call.settlingInContext(values as AnyFunction), callback);
    }
    const own = typeof config === 'object' ? (config as { callback?: unknown }).callback : undefined;
    if (typeof own === 'function') {
      // On top of the application's object, which older versions of pg would change and which may have getters.
      const settling = { value: call.settlingInContext(own as AnyFunction), writable: true, enumerable: true };
      return original.call(client, Object.create(config as object, { callback: settling }), values, callback);
    }
    return observe(call, original.call(client, config, values, callback));
  } catch (error) {
    call.fail(error);
    throw error;
  }
}

// A promise that is derived, not watched: a handler on the side would hide rejections that nobody handles.
function observe(call: QueryCall, result: unknown): unknown {
  if (!call.isOpen) return result;
  if (!isThenable(result)) {
    call.end();
    return result;
  }
  return result.then(
    (value) => {
      call.succeed(value);
      return value;
    },
    (error: unknown) => {
      call.fail(error);
      throw error;
    },
  );
}

interface Thenable {
  then(onFulfilled: (value: unknown) => unknown, onRejected: (error: unknown) => unknown): unknown;
}

// Promise libraries that the application hands to pg are no native promises.
function isThenable(value: unknown): value is Thenable {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}
