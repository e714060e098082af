/** Option types, and the part of pg's objects that we use; structural, so that `@types/pg` is not needed. */
import type { DatabaseOptions } from '@clew/core/database';

/** The result of one statement. */
export interface PgResult {
  readonly command: string;
  readonly rowCount: number | null;
  readonly rows: unknown[];
}

/** Options of `tracePool`, `traceClient` and `tracePg`. A text with several statements has an array of results. */
export interface TracePgOptions extends DatabaseOptions<PgResult | PgResult[]> {}

/** What is traced of a client: `new Client()` of pg, or a subclass. */
export interface ClientLike {
  // `never` parameters: every function fits, and the caller's own type is what comes back.
  query(...args: never[]): unknown;
  connect(...args: never[]): unknown;
}

/** What is traced of a pool: `new Pool()` of pg or pg-pool, or a subclass. */
export interface PoolLike {
  query(...args: never[]): unknown;
  connect(...args: never[]): unknown;
  on(event: 'release', listener: (error: unknown, client: ClientLike) => void): unknown;
}

/** The module that `tracePg` makes traced classes from: `pg`, or `pg.native`. */
export interface PgLike {
  Client: new (...args: never[]) => ClientLike;
  Pool: new (...args: never[]) => PoolLike;
}
