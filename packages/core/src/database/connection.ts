/** Where queries go, as far as it is known without asking the server. */

/** Facts about a connection, in the words of the conventions. */
export interface ConnectionFacts {
  /** The database. */
  readonly database: string | undefined;
  /** The schema, when the connection was set up with one. */
  readonly schema: string | undefined;
  /** Host name, address, or the directory of a socket. */
  readonly address: string | undefined;
  readonly port: number | undefined;
  /** Recorded under its old name only. */
  readonly user: string | undefined;
}

/** One connection, or all connections to the same place. */
export class Connection {
  readonly facts: ConnectionFacts;
  /** `db.namespace` */
  readonly namespace: string | undefined;
  /** The name of spans that have no summary. */
  readonly spanName: string;

  /** @param system  the last resort for a name */
  constructor(facts: ConnectionFacts, system: string) {
    const { database, schema, address, port } = facts;
    this.facts = facts;
    this.namespace = database === undefined || schema === undefined ? database : `${database}|${schema}`;
    const server = address === undefined || port === undefined ? address : `${address}:${port}`;
    this.spanName = this.namespace ?? server ?? system;
  }
}
