/** One query on its way: its span and the context of its caller. The span ends once, whoever is the first to end it. */
import type { Context, Span } from '@clew/core';
import type { Connection } from '@clew/core/database';
import type { AnyFunction, PgTracing } from './pg-tracing.ts';
import { isParameterized, textOf, valuesOf } from './query-args.ts';
import type { PgResult } from './types.ts';

export class QueryCall {
  readonly context: Context;
  readonly #tracing: PgTracing;
  readonly #config: unknown;
  readonly #text: string | undefined;
  readonly #values: readonly unknown[] | undefined;
  #isStarted = false;
  #span: Span | undefined;

  /**
   * @param config  first argument of `query`
   * @param values  second argument of `query`
   */
  constructor(tracing: PgTracing, config: unknown, values: unknown) {
    this.context = tracing.active();
    this.#tracing = tracing;
    this.#config = config;
    this.#text = textOf(config);
    this.#values = valuesOf(config, values);
  }

  /** Start the span, unless it was started before. */
  start(connection: Connection): void {
    if (this.#isStarted) return;
    this.#isStarted = true;
    const values = this.#values;
    const parameterized = isParameterized(this.#config, values);
    this.#span = this.#tracing.database.start(this.context, connection, this.#text, values, parameterized);
  }

  /** Whether there is a span that has not ended. */
  get isOpen(): boolean {
    return this.#span !== undefined;
  }

  succeed(result: unknown): void {
    const span = this.#span;
    if (span === undefined) return;
    this.#span = undefined;
    // pg gives nothing else; what reads it checks each field.
    this.#tracing.database.succeed(span, result as PgResult | PgResult[], this.#text, this.#values);
  }

  fail(error: unknown): void {
    const span = this.#span;
    if (span === undefined) return;
    this.#span = undefined;
    this.#tracing.database.fail(span, error);
  }

  /** End the span of something that has no result. */
  end(): void {
    this.#span?.end();
    this.#span = undefined;
  }

  /** Call something that throws when the query cannot even be sent. */
  attempt<R>(send: () => R): R {
    try {
      return send();
    } catch (error) {
      this.fail(error);
      throw error;
    }
  }

  /** A callback of `query` that ends the span, and then calls the given one wherever it is called itself. */
  settling(callback: AnyFunction): AnyFunction {
    const call = this;
    return function settling(this: unknown, error: unknown, result: unknown): unknown {
      call.#settle(error, result);
      return callback.call(this, error, result);
    };
  }

  /** A callback of `query` that ends the span, and then calls the application's one in its caller's context. */
  settlingInContext(callback: AnyFunction): AnyFunction {
    const call = this;
    const { tracing } = this.#tracing.database;
    return function settling(this: unknown, error: unknown, result: unknown): unknown {
      call.#settle(error, result);
      return tracing.run(call.context, callback, this, error, result);
    };
  }

  #settle(error: unknown, result: unknown): void {
    // As pg tells them apart.
    if (error) this.fail(error);
    else this.succeed(result);
  }
}
