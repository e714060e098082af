/** The spans of one client library for a SQL database. A plugin tells when a query starts and how it ends. */
import { type Context, type Span, SpanKind } from '@opentelemetry/api';
import { type FlatAttributes, GroupCache, truncate } from '../attributes.ts';
import { isSuppressed, ROOT, spanOf } from '../context.ts';
import { errorType, recordError, withholdMessage } from '../exception.ts';
import { callHook, PluginTracing, setEndGroup } from '../plugin.ts';
import { NonRecordingSpan } from '../span-context.ts';
import { Connection, type ConnectionFacts } from './connection.ts';
import { KnownQuery, QueryCache } from './known-query.ts';
import { checkDatabaseOptions, type DatabaseConfig, type DatabaseOptions, type QueryInfo } from './options.ts';
import { parameterAttributes } from './query-parameters.ts';
import { MAX_TEXT_LENGTH, sanitizeQuery } from './sanitize-query.ts';
import { MAX_SUMMARY_LENGTH, summarizeQuery } from './summarize-query.ts';

// Of all queries that are not recorded: no header, log line or code of the application ever sees a query's span.
const NOT_RECORDED = new NonRecordingSpan(0, 0, 0, 0, 0, 0, 0, false, undefined);

/** What tells one database system from another. */
export interface DatabaseSystem<Result> {
  /** `db.system.name` */
  readonly name: string;
  /** The port that is not recorded. */
  readonly defaultPort: number;
  /** The server's code for an error, such as an SQLSTATE; `undefined` when the error is not the server's. Must not throw. */
  statusCode(error: unknown): string | undefined;
  /** `error.type` of an error that the library itself raised; `undefined` for the general rules. Must not throw. */
  libraryErrorType(error: unknown): string | undefined;
  /** How many rows a result holds; `undefined` when it does not tell. Must not throw. */
  rowCount(result: Result): number | undefined;
}

/** Tracing of one client library. */
export class DatabaseTracing<Result> {
  readonly tracing: PluginTracing;
  readonly #system: DatabaseSystem<Result>;
  readonly #config: DatabaseConfig<Result>;
  readonly #parameterized: QueryCache<Connection>;
  readonly #literal: QueryCache<Connection>;
  readonly #nameless: KnownQuery<Connection>;
  readonly #readsResults: boolean;
  readonly #connections = new Map<string, Connection>();
  // The key is the error's type, behind `=` when it is the server's code too.
  readonly #failures = new GroupCache<string>((key) =>
    key.startsWith('=') ? ['db.response.status_code', key.slice(1), 'error.type', key.slice(1)] : ['error.type', key],
  );

  /**
   * @param scope  npm name and version of the plugin
   * @param where  the function that the user called, for messages
   * @throws ClewError `CLEW_ERR_OPTION`
   */
  constructor(
    scope: { name: string; version: string },
    system: DatabaseSystem<Result>,
    where: string,
    options: DatabaseOptions<Result> | undefined,
  ) {
    this.#config = checkDatabaseOptions(where, options);
    this.tracing = new PluginTracing(scope, options?.tracerProvider);
    this.#system = system;
    const { recordReturnedRows, withOldNames, resultAttributes } = this.#config;
    this.#readsResults = recordReturnedRows || withOldNames || resultAttributes !== undefined;
    this.#parameterized = new QueryCache((text) => this.#know(text, true));
    this.#literal = new QueryCache((text) => this.#know(text, false));
    this.#nameless = new KnownQuery(undefined, (connection) => this.#constants(connection, undefined, undefined));
  }

  /** The connection with these facts: one object for all that go to the same place. */
  connection(facts: ConnectionFacts): Connection {
    const key = JSON.stringify([facts.database, facts.schema, facts.address, facts.port, facts.user]);
    let connection = this.#connections.get(key);
    if (connection === undefined) {
      // A service with a database for each tenant has many; sharing is a matter of speed only.
      if (this.#connections.size >= 256) this.#connections.clear();
      connection = new Connection(facts, this.#system.name);
      this.#connections.set(key, connection);
    }
    return connection;
  }

  /**
   * Start the span of one query.
   *
   * @param context          the caller's
   * @param isParameterized  whether the values are apart from the text, so that the text may be recorded as it is
   * @returns `undefined` when it gets none: tracing is suppressed, or the options say so
   */
  start(
    context: Context,
    connection: Connection,
    text: string | undefined,
    values: readonly unknown[] | undefined,
    isParameterized: boolean,
  ): Span | undefined {
    if (isSuppressed(context)) return undefined;
    const config = this.#config;
    if (config.requireParent && spanOf(context) === undefined) return undefined;
    if (config.ignore !== undefined && callHook('ignore', config.ignore, { text, values }) === true) return undefined;
    if (this.tracing.refuses(context)) return NOT_RECORDED;
    const query =
      text === undefined ? this.#nameless : isParameterized ? this.#parameterized.get(text) : this.#literal.get(text);
    const flat = config.recordParameters && values !== undefined ? parameterAttributes(values) : undefined;
    const name = query.summary ?? connection.spanName;
    const span = this.tracing.startSpan(name, SpanKind.CLIENT, context, flat, query.group(connection));
    if (config.queryAttributes !== undefined && span.isRecording()) {
      span.setAttributes(callHook('queryAttributes', config.queryAttributes, { text, values }) ?? {});
    }
    return span;
  }

  /** Add what the result of a query tells, and end its span. */
  succeed(span: Span, result: Result, text: string | undefined, values: readonly unknown[] | undefined): void {
    if (this.#readsResults && span.isRecording()) this.#readResult(span, result, { text, values });
    span.end();
  }

  /** Record the error of a query, and end its span. The error object is the application's and stays untouched. */
  fail(span: Span, error: unknown): void {
    // Also when this span is not recorded: the error may pass one that is.
    if (!this.#config.recordErrorMessage) withholdMessage(error);
    if (span.isRecording()) {
      recordError(span, error);
      this.#setFailure(span, error);
    }
    span.end();
  }

  /** Call a function outside of every span, for connections: they outlive the request that needs them first. */
  runInRoot<A extends unknown[], R>(fn: (...args: A) => R, thisArg: unknown, ...args: A): R {
    return this.tracing.run(ROOT, fn, thisArg, ...args);
  }

  #readResult(span: Span, result: Result, query: QueryInfo): void {
    const { recordReturnedRows, withOldNames, resultAttributes } = this.#config;
    const rows = recordReturnedRows || withOldNames ? this.#system.rowCount(result) : undefined;
    if (rows !== undefined && recordReturnedRows) span.setAttribute('db.response.returned_rows', rows);
    if (rows !== undefined && withOldNames) span.setAttribute('db.rows', rows);
    const more = callHook('resultAttributes', resultAttributes, query, result);
    if (more !== undefined) span.setAttributes(more);
  }

  #setFailure(span: Span, error: unknown): void {
    const code = this.#system.statusCode(error);
    const key = code === undefined ? (this.#system.libraryErrorType(error) ?? errorType(error)) : `=${code}`;
    setEndGroup(span, this.#failures.get(key));
  }

  #know(text: string, isParameterized: boolean): KnownQuery<Connection> {
    const summary = this.#summarize(text);
    const recorded = this.#recordedText(text, isParameterized);
    return new KnownQuery(summary, (connection) => this.#constants(connection, summary, recorded, text));
  }

  #summarize(text: string): string | undefined {
    const own = callHook('summarize', this.#config.summarize, text);
    if (typeof own === 'string' && own !== '') return truncate(own, MAX_SUMMARY_LENGTH);
    return summarizeQuery(text).text;
  }

  #recordedText(text: string, isParameterized: boolean): string | undefined {
    switch (this.#config.queryText) {
      case 'never':
        return undefined;
      case 'always':
        return truncate(text, MAX_TEXT_LENGTH);
      case 'parameterized-only':
        return isParameterized ? truncate(text, MAX_TEXT_LENGTH) : undefined;
      case 'sanitized':
        return isParameterized ? truncate(text, MAX_TEXT_LENGTH) : sanitizeQuery(text);
    }
  }

  #constants(
    connection: Connection,
    summary: string | undefined,
    recorded: string | undefined,
    text?: string,
  ): FlatAttributes {
    const { address, port } = connection.facts;
    const flat: FlatAttributes = ['db.system.name', this.#system.name];
    put(flat, 'db.namespace', connection.namespace);
    put(flat, 'db.query.summary', summary);
    put(flat, 'db.query.text', recorded);
    put(flat, 'server.address', address);
    if (address !== undefined && port !== this.#system.defaultPort) put(flat, 'server.port', port);
    if (this.#config.withOldNames) this.#putOldNames(flat, connection.facts, recorded, text);
    return flat;
  }

  #putOldNames(
    flat: FlatAttributes,
    facts: ConnectionFacts,
    recorded: string | undefined,
    text: string | undefined,
  ): void {
    const { operation, targets } = summarizeQuery(text ?? '');
    put(flat, 'db.system', this.#system.name);
    put(flat, 'db.statement', recorded);
    put(flat, 'db.name', facts.database);
    put(flat, 'db.operation', operation?.toUpperCase());
    if (targets.length === 1) put(flat, 'db.sql.table', targets[0]);
    put(flat, 'db.user', facts.user);
    put(flat, 'net.peer.name', facts.address);
    if (facts.address !== undefined) put(flat, 'net.peer.port', facts.port);
    put(flat, 'net.transport', facts.address?.startsWith('/') === true ? 'unix' : 'ip_tcp');
  }
}

function put(flat: FlatAttributes, key: string, value: string | number | undefined): void {
  if (value !== undefined && value !== '') flat.push(key, value);
}
