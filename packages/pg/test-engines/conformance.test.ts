import { databaseSuite } from '@clew/testkit';
import type pg from 'pg';

import { tracePool } from '../src/index.ts';
import { connectionString, VERSIONS } from './support.ts';

for (const [version, module] of VERSIONS) {
  databaseSuite(`${version}: tracePool on a real PostgreSQL`, {
    scope: '@clew/pg',
    system: 'postgresql',
    comparable: (result) => {
      const { command, rowCount, rows } = result as pg.QueryResult;
      return { command, rowCount, rows };
    },
    open: async (isTraced) => {
      const pool = new module.Pool({ connectionString, max: 3 });
      if (isTraced) tracePool(tracePool(pool));
      return {
        query: (text, values) => pool.query(text, values as unknown[]),
        queryWithCallback: (text, values, callback) => pool.query(text, values as unknown[], callback),
        close: () => pool.end(),
      };
    },
  });
}
