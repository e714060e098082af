/** Attaches to a client of pg, or to the prototype of all of them. */
import { checkTarget, isTraced, PgTracing, replaceMethods } from './pg-tracing.ts';
import type { AnyFunction } from './query-args.ts';
import { tracedQuery } from './traced-query.ts';
import type { ClientLike, TracePgOptions } from './types.ts';

/**
 * Trace the queries of one client.
 *
 * @param client  of pg, connected or not; tracing it twice traces it once, with the options of the first time
 * @returns the same client
 * @throws ClewError `CLEW_ERR_OPTION` for a wrong option, `CLEW_ERR_TARGET` for something that is no client
 */
export function traceClient<C extends ClientLike>(client: C, options?: TracePgOptions): C {
  checkTarget('traceClient', 'a client of pg', client, ['query', 'connect']);
  attachClient(client, new PgTracing('traceClient', options));
  return client;
}

/** Trace a client, or every client with this prototype. */
export function attachClient(target: ClientLike, tracing: PgTracing): void {
  if (isTraced(target)) return;
  // Only the caller's arguments are handed to them.
  const { query, connect } = target as unknown as Record<'query' | 'connect', AnyFunction>;
  replaceMethods(target, { query: tracedQuery(tracing, query), connect: tracedConnect(tracing, connect) });
}

/** The constructor of a client. */
export type ClientClass = new (...args: never[]) => ClientLike;

/** A subclass with traced clients; the class itself when its clients are traced already. */
export function tracedClass<C extends ClientClass>(base: C, tracing: PgTracing): C {
  if (isTraced(base.prototype)) return base;
  // `any` is what TypeScript asks of a mixin's constructor; the arguments are those of the base.
  const Base = base as unknown as new (...args: unknown[]) => ClientLike;
  const traced = class Client extends Base {
    constructor(...args: unknown[]) {
      super(...args);
      // A class may construct objects of another one.
      attachClient(this, tracing);
    }
  };
  attachClient(traced.prototype, tracing);
  // Same statics, same constructor, same instances.
  return traced as unknown as C;
}

// A connection outlives the request that opens it: its socket must not keep that request's span, nor give it to
// notifications. What waits for the connection goes on where it was.
function tracedConnect(tracing: PgTracing, original: AnyFunction): AnyFunction {
  return function connect(this: unknown, callback?: unknown): unknown {
    if (typeof callback !== 'function') return tracing.database.runInRoot(original, this);
    const bound = tracing.bind(tracing.active(), callback as AnyFunction);
    return tracing.database.runInRoot(original, this, bound);
  };
}
