/** pg in its newest and its oldest supported version, on a database that each test file has for itself. */
import { createRequire } from 'node:module';
import { after, type TestContext } from 'node:test';

import { startPostgres } from '@clew/testkit/engines';
import pg from 'pg';

/** The versions that everything is tested with, by their names in messages. */
export const VERSIONS: ReadonlyArray<readonly [name: string, module: typeof pg]> = [
  ['pg', pg],
  // An alias without types of its own; what the tests use has not changed since.
  ['pg 8.11', createRequire(import.meta.url)('pg-8.11') as typeof pg],
];

/** Start the database of a test file; it ends with the file. */
export async function startDatabase(): Promise<string> {
  const postgres = await startPostgres();
  after(postgres.close);
  return postgres.connectionString;
}

/** A pool that ends with its test. */
export function openPool(t: TestContext, module: typeof pg, options: pg.PoolConfig): pg.Pool {
  const pool = new module.Pool(options);
  // A test may have ended it.
  t.after(() => (pool.ending ? undefined : pool.end()));
  return pool;
}

/** A connected client that ends with its test. */
export async function openClient<C extends pg.Client>(t: TestContext, client: C): Promise<C> {
  await client.connect();
  t.after(() => client.end());
  return client;
}
