import { startEngineProcess } from './engine-process.ts';
import { checkGiven } from './given.ts';

const POSTGRES_PORT = 5432;

/** A PostgreSQL server to connect to. */
export interface Postgres {
  /** `postgres://user:password@host:port/database`, for `new Pool({ connectionString })`. */
  connectionString: string;
  /** End the embedded server; does nothing to a server that was given by `DATABASE_URL`. */
  close: () => Promise<void>;
}

/**
 * The PostgreSQL server named by `DATABASE_URL`, else an empty embedded one (PGlite) in a process of its own.
 *
 * The embedded one is a single session behind many connections: an open transaction holds the other connections up,
 * named statements and `SET` are shared, `NOTIFY` and `statement_timeout` do nothing.
 *
 * @throws Error in one sentence when the given server refuses or the embedded one does not start
 */
export async function startPostgres(): Promise<Postgres> {
  const given = process.env.DATABASE_URL;
  if (given) {
    await checkGiven('PostgreSQL', 'DATABASE_URL', [hostAndPort(given)]);
    return { connectionString: given, close: async () => {} };
  }
  const { address, close } = await startEngineProcess({
    name: 'embedded PostgreSQL',
    file: new URL('./postgres-process.ts', import.meta.url),
    findAddress: (line) => /^listening (\S+)$/.exec(line)?.[1],
    remedy: 'set DATABASE_URL to a server of your own',
  });
  return { connectionString: `postgres://postgres:postgres@${address}/postgres`, close };
}

function hostAndPort(connectionString: string): string {
  if (!URL.canParse(connectionString))
    throw new Error('DATABASE_URL is not of the form postgres://host:port/database.');
  const { hostname, port } = new URL(connectionString);
  return `${hostname || 'localhost'}:${port || POSTGRES_PORT}`;
}
