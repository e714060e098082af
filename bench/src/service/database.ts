import { startPostgres } from '@clew/testkit/engines';
import pg from 'pg';

/** A database with the rows that the service reads. */
export interface Database {
  readonly url: string;
  close(): Promise<void>;
}

/** Fill the PostgreSQL of `DATABASE_URL`, which must be set. Its tables are removed by `close`. */
export async function startDatabase(): Promise<Database> {
  const { connectionString: url, close } = await startPostgres();
  await runSql(
    url,
    `DROP TABLE IF EXISTS clew_bench_users, clew_bench_orders;
     CREATE TABLE clew_bench_users (id int PRIMARY KEY, name text, email text);
     CREATE TABLE clew_bench_orders (id int PRIMARY KEY, user_id int, total int);
     CREATE INDEX ON clew_bench_orders (user_id);
     INSERT INTO clew_bench_users SELECT n, 'user ' || n, 'user' || n || '@example.org' FROM generate_series(0, 999) n;
     INSERT INTO clew_bench_orders SELECT n, n / 3, n * 7 FROM generate_series(0, 2999) n`,
  );
  return {
    url,
    async close() {
      await runSql(url, 'DROP TABLE clew_bench_users, clew_bench_orders');
      await close();
    },
  };
}

async function runSql(url: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}
