/** Tracing of one call of `tracePool`, `traceClient` or `tracePg`, and what it keeps about each client. */
import { ClewError, type Context, describeError, reportFault } from '@clew/core';
import { Connection, DatabaseTracing } from '@clew/core/database';
import type { AnyFunction } from './query-args.ts';
import { type ConnectionSource, connectionFacts, POSTGRESQL } from './spans.ts';
import type { PgResult, TracePgOptions } from './types.ts';
import { VERSION } from './version.ts';

/** Ends something that the client's state keeps; see `ClientState.open`. */
export interface Closable {
  close(): void;
}

/** What we keep about one client. */
interface ClientState {
  connection: Connection | undefined;
  /** Cursors and streams whose spans have not ended. */
  open: Set<Closable> | undefined;
}

const STATE: unique symbol = Symbol('clew.pg.state');
// By a global symbol: an application can load two copies of this package.
const TRACED: unique symbol = Symbol.for('clew.pg.traced') as typeof TRACED;

/** The place of a query that never got a client. */
export const NOWHERE: Connection = new Connection(
  { database: undefined, schema: undefined, address: undefined, port: undefined, user: undefined },
  POSTGRESQL.name,
);

export class PgTracing {
  readonly database: DatabaseTracing<PgResult | PgResult[]>;

  /** @throws ClewError `CLEW_ERR_OPTION` */
  constructor(where: string, options: TracePgOptions | undefined) {
    this.database = new DatabaseTracing({ name: '@clew/pg', version: VERSION }, POSTGRESQL, where, options);
  }

  active(): Context {
    return this.database.tracing.active();
  }

  /** A function that runs in a context, whatever is active when it is called. */
  bind(context: Context, fn: AnyFunction): AnyFunction {
    const { tracing } = this.database;
    return function bound(this: unknown, ...args: unknown[]): unknown {
      return tracing.run(context, fn, this, ...args);
    };
  }

  /** Where a client connects to. */
  connectionOf(client: object): Connection {
    const state = stateOf(client);
    state.connection ??= this.#readConnection(client);
    return state.connection;
  }

  #readConnection(client: ConnectionSource): Connection {
    try {
      return this.database.connection(connectionFacts(client));
    } catch (error) {
      reportFault('plugin_threw', `reading where a client of pg connects to: ${describeError(error)}`);
      return NOWHERE;
    }
  }
}

/** What we keep about a client; made when it is first asked for. */
export function stateOf(client: object): ClientState {
  // Own or of no one: nothing of ours is kept on a prototype under this key.
  const known = (client as { [STATE]?: ClientState })[STATE];
  if (known !== undefined) return known;
  const state: ClientState = { connection: undefined, open: undefined };
  Object.defineProperty(client, STATE, { value: state });
  return state;
}

/** Whether an object is traced: by itself, or by its prototype. */
export function isTraced(target: object): boolean {
  return (target as { [TRACED]?: true })[TRACED] === true;
}

/** Put traced methods in place of an object's or a prototype's own ones, and mark it. */
export function replaceMethods(target: object, methods: Record<string, AnyFunction>): void {
  for (const [name, value] of Object.entries(methods)) {
    Object.defineProperty(target, name, { value, configurable: true, writable: true, enumerable: false });
  }
  Object.defineProperty(target, TRACED, { value: true, configurable: true });
}

/** @throws ClewError `CLEW_ERR_TARGET` when a method is missing, so that a mix-up shows at set-up */
export function checkTarget(where: string, what: string, target: unknown, methods: readonly string[]): void {
  for (const name of methods) {
    // Reading a missing property of a primitive is allowed, of undefined and null it is not.
    if (typeof (target as Record<string, unknown> | undefined | null)?.[name] === 'function') continue;
    throw new ClewError('CLEW_ERR_TARGET', `${where} needs ${what}, but what it got has no ${name}()`);
  }
}
