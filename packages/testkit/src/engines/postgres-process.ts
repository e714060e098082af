// The program behind startPostgres: PGlite on a port of its own. Prints `listening <host>:<port>` once it answers.
import { PGLiteSocketServer } from '@electric-sql/pglite-socket';

import { endWithParent } from './end-with-parent.ts';
import { createDatabase } from './postgres-data.ts';

/** More connections than any suite opens; the default of 1 would refuse the second one of a pool. */
const MAX_CONNECTIONS = 100;

endWithParent();
const db = await createDatabase();
const server = new PGLiteSocketServer({ db, host: '127.0.0.1', port: 0, maxConnections: MAX_CONNECTIONS });
await server.start();
console.log(`listening ${server.getServerConn()}`);
