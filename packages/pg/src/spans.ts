/** pg's objects in the words of the conventions. */
import type { ConnectionFacts, DatabaseSystem } from '@clew/core/database';
import type { PgResult } from './types.ts';

/** What is read of a client; all of it is public or has kept its name since pg 7. */
export interface ConnectionSource {
  readonly host?: unknown;
  readonly port?: unknown;
  readonly database?: unknown;
  readonly user?: unknown;
  readonly connectionParameters?: { readonly options?: unknown } | undefined;
}

/** Where a client connects to, by its options, its connection string and the environment, as pg has read them. */
export function connectionFacts(client: ConnectionSource): ConnectionFacts {
  return {
    database: textOrNone(client.database),
    schema: firstSchema(client.connectionParameters?.options),
    address: textOrNone(client.host),
    port: Number.isInteger(client.port) ? (client.port as number) : undefined,
    user: textOrNone(client.user),
  };
}

function textOrNone(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

// `-c search_path=app,public` or `--search_path=app`; `$user` is known to the server alone.
function firstSchema(options: unknown): string | undefined {
  if (typeof options !== 'string') return undefined;
  const schema = /(?:-c\s*|--)search_path=\s*(?:"([^"$]+)"|([^\s,"$]+))/.exec(options);
  return schema?.[1] ?? schema?.[2];
}

/** What PostgreSQL and pg have that other databases and their clients do not. */
export const POSTGRESQL: DatabaseSystem<PgResult | PgResult[]> = {
  name: 'postgresql',
  defaultPort: 5432,
  statusCode: sqlState,
  libraryErrorType: driverErrorType,
  rowCount,
};

const SQL_STATE = /^[0-9A-Z]{5}$/;

function sqlState(error: unknown): string | undefined {
  // Codes of Node.js have five letters too: EPIPE. Those of the server come with a severity.
  if (!(error instanceof Error) || !('severity' in error) || !('code' in error)) return undefined;
  return typeof error.code === 'string' && SQL_STATE.test(error.code) ? error.code : undefined;
}

const DRIVER_ERRORS: ReadonlyArray<readonly [start: string, type: string]> = [
  ['Query read timeout', 'query_timeout'],
  ['timeout exceeded when trying to connect', 'connect_timeout'],
  ['Connection terminated due to connection timeout', 'connect_timeout'],
  ['timeout expired', 'connect_timeout'],
  ['Connection terminated', 'connection_terminated'],
  ['Client has encountered a connection error and is not queryable', 'connection_terminated'],
  ['Client was closed and is not queryable', 'client_closed'],
  ['Cannot use a pool after calling end on the pool', 'pool_ended'],
];

function driverErrorType(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const message = String(error.message);
  return DRIVER_ERRORS.find(([start]) => message.startsWith(start))?.[1];
}

function rowCount(result: PgResult | PgResult[]): number | undefined {
  if (!Array.isArray(result)) return Array.isArray(result?.rows) ? result.rows.length : undefined;
  return result.reduce((sum, { rows }) => sum + (Array.isArray(rows) ? rows.length : 0), 0);
}
