/** Traced subclasses of pg's classes, for applications that make their clients and pools in several places. */
import { checkTarget, PgTracing } from './pg-tracing.ts';
import { tracedClass } from './trace-client.ts';
import { attachPool, traceClients } from './trace-pool.ts';
import type { PgLike, PoolLike, TracePgOptions } from './types.ts';

/**
 * Make traced classes of a module's `Client` and `Pool`; the module itself is not touched.
 *
 * @param pg  the module: `pg`, or `pg.native`
 * @returns subclasses, which take the same options and pass every `instanceof`
 * @throws ClewError `CLEW_ERR_OPTION` for a wrong option, `CLEW_ERR_TARGET` for something that is not pg
 */
export function tracePg<P extends PgLike>(pg: P, options?: TracePgOptions): Pick<P, 'Client' | 'Pool'> {
  checkTarget('tracePg', 'the module pg', pg, ['Client', 'Pool']);
  const tracing = new PgTracing('tracePg', options);
  const Client = tracedClass(pg.Client, tracing);
  // The arguments are those of the base.
  const Base = pg.Pool as unknown as new (...args: unknown[]) => PoolLike & { Client: unknown };
  const TracedPool = class Pool extends Base {
    constructor(...args: unknown[]) {
      super(...args);
      if (this.Client === pg.Client) this.Client = Client;
      // The options named a class of their own.
      else traceClients(this, tracing);
    }
  };
  attachPool(TracedPool.prototype, tracing);
  // Same statics, same constructor, same instances.
  return { Client, Pool: TracedPool as unknown as P['Pool'] };
}
