import { type DatabaseClient, databaseSuite, type QueryCallback } from '@clew/testkit';
import type pg from 'pg';

import { traceClient, tracePg, tracePool } from '../src/index.ts';
import { startDatabase, VERSIONS } from './support.ts';

const connectionString = await startDatabase();

type Queryable = Pick<pg.Pool, 'query' | 'end'>;

function toClient(queryable: Queryable): DatabaseClient {
  return {
    query: (text, values) => queryable.query(text, values as unknown[]),
    queryWithCallback: (text, values, callback: QueryCallback) =>
      queryable.query(text, values as unknown[], callback as (error: Error) => void),
    close: () => queryable.end(),
  };
}

function comparable(result: unknown): unknown {
  const { command, rowCount, rows, fields } = result as pg.QueryResult;
  return { command, rowCount, rows, fields: fields.map(({ name, dataTypeID }) => [name, dataTypeID]) };
}

for (const [version, module] of VERSIONS) {
  const library = { scope: '@clew/pg', system: 'postgresql', comparable };

  databaseSuite(`${version}: tracePool`, {
    ...library,
    open: async (isTraced) => {
      const pool = new module.Pool({ connectionString, max: 3 });
      return toClient(isTraced ? tracePool(tracePool(pool)) : pool);
    },
  });

  databaseSuite(`${version}: the Pool of tracePg`, {
    ...library,
    open: async (isTraced) => {
      const { Pool } = tracePg(module);
      return toClient(
        isTraced ? tracePool(new Pool({ connectionString, max: 3 })) : new module.Pool({ connectionString }),
      );
    },
  });

  databaseSuite(`${version}: traceClient`, {
    ...library,
    open: async (isTraced) => {
      const client = new module.Client({ connectionString });
      if (isTraced) traceClient(traceClient(client));
      await client.connect();
      return toClient(client);
    },
  });
}
