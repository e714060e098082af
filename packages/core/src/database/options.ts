/** The options that every database plugin takes, and their checks. */
import type { Attributes } from '@opentelemetry/api';
import { checkBoolean, checkFunction, checkOneOf, checkOptionNames, showValue } from '../config/options.ts';
import { ClewError } from '../errors.ts';
import type { PluginOptions } from '../plugin.ts';
import { readDatabaseSemconv, type Semconv } from './semconv.ts';

/** What hooks are told about a query: as the application wrote it, nothing replaced. */
export interface QueryInfo {
  /** `undefined` for a statement that was prepared before and is run by its name. */
  readonly text: string | undefined;
  readonly values: readonly unknown[] | undefined;
}

/** What becomes of a query's text; see `DatabaseOptions.queryText`. */
export type QueryTextMode = 'sanitized' | 'parameterized-only' | 'always' | 'never';

/** Options of a database plugin; `Result` is what the library gives for a query. */
export interface DatabaseOptions<Result> extends PluginOptions {
  /**
   * What is recorded as `db.query.text`. `sanitized`: a query with parameters or a name as it is, any other with `?` in
   * place of its literals. `parameterized-only`: only those with parameters or a name. `always`: all as they are, with
   * their literals. `never`: none. Default `sanitized`.
   */
  queryText?: QueryTextMode;
  /**
   * A summary of low cardinality for a query's text, for `db.query.summary` and the span's name; `undefined` keeps ours.
   * It is called once for a text, not for each query. Default: commands and tables, such as `SELECT orders`.
   */
  summarize?: (text: string) => string | undefined;
  /** Return true for queries that get no span. Default: none. */
  ignore?: (query: QueryInfo) => boolean;
  /** Whether only queries inside of a span get one: nothing of polling loops and start-up. Default false. */
  requireParent?: boolean;
  /** Attributes to add when the span has started. Samplers do not see them. */
  queryAttributes?: (query: QueryInfo) => Attributes | undefined;
  /** Attributes to add when the result is there. Not called for cursors and streams. */
  resultAttributes?: (query: QueryInfo, result: Result) => Attributes | undefined;
  /** Record the values of parameters as `db.query.parameter.<position>`. They are personal data. Default false. */
  recordParameters?: boolean;
  /** Record how many rows came back as `db.response.returned_rows`. Default false. */
  recordReturnedRows?: boolean;
  /** Record the message of errors. Messages of a database quote data. Default false. */
  recordErrorMessage?: boolean;
  /** Attribute names: current ones, or the old ones beside them. Default: `OTEL_SEMCONV_STABILITY_OPT_IN`. */
  semconv?: Semconv;
}

/** Names of `DatabaseOptions`, for plugins that add their own. */
export const DATABASE_OPTION_NAMES: readonly string[] = [
  'tracerProvider',
  'queryText',
  'summarize',
  'ignore',
  'requireParent',
  'queryAttributes',
  'resultAttributes',
  'recordParameters',
  'recordReturnedRows',
  'recordErrorMessage',
  'semconv',
];

/** The options after the checks, with the environment read. */
export interface DatabaseConfig<Result> {
  readonly queryText: QueryTextMode;
  readonly summarize: DatabaseOptions<Result>['summarize'];
  readonly ignore: DatabaseOptions<Result>['ignore'];
  readonly requireParent: boolean;
  readonly queryAttributes: DatabaseOptions<Result>['queryAttributes'];
  readonly resultAttributes: DatabaseOptions<Result>['resultAttributes'];
  readonly recordParameters: boolean;
  readonly recordReturnedRows: boolean;
  readonly recordErrorMessage: boolean;
  readonly withOldNames: boolean;
}

/**
 * Check the options of a database plugin.
 *
 * @param where  the function that the user called, for messages
 * @throws ClewError `CLEW_ERR_OPTION`
 */
export function checkDatabaseOptions<Result>(
  where: string,
  options: DatabaseOptions<Result> = {},
): DatabaseConfig<Result> {
  checkOptionNames(where, options, DATABASE_OPTION_NAMES);
  const { tracerProvider } = options;
  if (tracerProvider !== undefined && typeof tracerProvider?.getTracer !== 'function') {
    throw new ClewError('CLEW_ERR_OPTION', `tracerProvider is not usable, got ${showValue(tracerProvider)}`);
  }
  const modes = ['sanitized', 'parameterized-only', 'always', 'never'] as const;
  return {
    queryText: checkOneOf('queryText', options.queryText, modes) ?? 'sanitized',
    summarize: checkFunction('summarize', options.summarize),
    ignore: checkFunction('ignore', options.ignore),
    requireParent: checkBoolean('requireParent', options.requireParent) ?? false,
    queryAttributes: checkFunction('queryAttributes', options.queryAttributes),
    resultAttributes: checkFunction('resultAttributes', options.resultAttributes),
    recordParameters: checkBoolean('recordParameters', options.recordParameters) ?? false,
    recordReturnedRows: checkBoolean('recordReturnedRows', options.recordReturnedRows) ?? false,
    recordErrorMessage: checkBoolean('recordErrorMessage', options.recordErrorMessage) ?? false,
    withOldNames: (checkOneOf('semconv', options.semconv, ['stable', 'dup']) ?? readDatabaseSemconv()) === 'dup',
  };
}
