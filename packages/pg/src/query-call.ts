/** One query on its way: its span and the context of its caller. The span ends once, whoever is the first to end it. */
import type { Context, Span } from '@clew/core';
import type { Connection, DatabaseTracing } from '@clew/core/database';
import { type AnyFunction, isParameterized, textOf, valuesOf } from './query-args.ts';
import type { PgResult } from './types.ts';

/** Fields in the main: V8 defines private ones one by one on every object. */
export class QueryCall {
  readonly context: Context;
  private readonly database: DatabaseTracing<PgResult | PgResult[]>;
  private readonly config: unknown;
  private readonly text: string | undefined;
  private readonly values: readonly unknown[] | undefined;
  private isStarted = false;
  private span: Span | undefined;

  /**
   * @param config  first argument of `query`
   * @param values  second argument of `query`
   */
  constructor(database: DatabaseTracing<PgResult | PgResult[]>, config: unknown, values: unknown) {
    this.context = database.tracing.active();
    this.database = database;
    this.config = config;
    this.text = textOf(config);
    this.values = valuesOf(config, values);
  }

  /** Start the span, unless it was started before. */
  start(connection: Connection): void {
    if (this.isStarted) return;
    this.isStarted = true;
    const values = this.values;
    const parameterized = isParameterized(this.config, values);
    this.span = this.database.start(this.context, connection, this.text, values, parameterized);
  }

  /** Whether there is a span that has not ended. */
  get isOpen(): boolean {
    return this.span !== undefined;
  }

  succeed(result: unknown): void {
    const span = this.span;
    if (span === undefined) return;
    this.span = undefined;
    // pg gives nothing else; what reads it checks each field.
    this.database.succeed(span, result as PgResult | PgResult[], this.text, this.values);
  }

  fail(error: unknown): void {
    const span = this.span;
    if (span === undefined) return;
    this.span = undefined;
    this.database.fail(span, error);
  }

  /** End the span of something that has no result. */
  end(): void {
    this.span?.end();
    this.span = undefined;
  }

  /** A callback of `query` that ends the span, and then calls the given one wherever it is called itself. */
  settling(callback: AnyFunction): AnyFunction {
    const call = this;
    return function settling(this: unknown, error: unknown, result: unknown): unknown {
      call.settle(error, result);
      return callback.call(this, error, result);
    };
  }

  /** A callback of `query` that ends the span, and then calls the application's one in its caller's context. */
  settlingInContext(callback: AnyFunction): AnyFunction {
    const call = this;
    const { tracing } = this.database;
    return function settling(this: unknown, error: unknown, result: unknown): unknown {
      call.settle(error, result);
      return tracing.run(call.context, callback, this, error, result);
    };
  }

  private settle(error: unknown, result: unknown): void {
    // As pg tells them apart.
    if (error) this.fail(error);
    else this.succeed(result);
  }
}
