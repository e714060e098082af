/** Tracing for node-postgres: one CLIENT span for each query, cursor and stream. */
export { traceClient } from './trace-client.ts';
export { tracePg } from './trace-pg.ts';
export { tracePool } from './trace-pool.ts';
export type { ClientLike, PgLike, PgResult, PoolLike, TracePgOptions } from './types.ts';
