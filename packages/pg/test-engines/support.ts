/** A real PostgreSQL, named by `DATABASE_URL`: what the embedded one cannot do is tested here. */
import { createRequire } from 'node:module';
import type { TestContext } from 'node:test';

import pg from 'pg';

import { traceClient } from '../src/index.ts';

const given = process.env.DATABASE_URL;
if (given === undefined || given === '') {
  throw new Error('these tests need a PostgreSQL: set DATABASE_URL to its postgres://user:password@host:port/database');
}

/** Where it is. */
export const connectionString: string = given;

/** The versions that everything is tested with, by their names in messages. */
export const VERSIONS: ReadonlyArray<readonly [name: string, module: typeof pg]> = [
  ['pg', pg],
  // An alias without types of its own; what the tests use has not changed since.
  ['pg 8.11', createRequire(import.meta.url)('pg-8.11') as typeof pg],
];

/** A traced, connected client that ends with its test. */
export async function openTraced(t: TestContext, module: typeof pg, config: pg.ClientConfig = {}): Promise<pg.Client> {
  const client = traceClient(new module.Client({ connectionString, ...config }));
  await client.connect();
  t.after(() => client.end());
  return client;
}

/** A connected client without tracing, for what happens from outside. */
export async function openBare(t: TestContext): Promise<pg.Client> {
  const client = new pg.Client({ connectionString });
  await client.connect();
  t.after(() => client.end());
  return client;
}

/** The process id of a client's session. */
export async function backendPid(client: pg.Client): Promise<number> {
  const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
  return rows[0]?.pid ?? 0;
}

/** Wait until a session runs a query whose text contains a mark. */
export async function untilRunning(bare: pg.Client, mark: string): Promise<number> {
  for (;;) {
    const text = `SELECT pid FROM pg_stat_activity WHERE state = 'active' AND pid <> pg_backend_pid() AND query LIKE $1`;
    const { rows } = await bare.query<{ pid: number }>(text, [`%${mark}%`]);
    if (rows[0] !== undefined) return rows[0].pid;
  }
}
