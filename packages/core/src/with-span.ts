/** `withSpan`: the everyday call for business code. */
import { type Span, type SpanOptions, type Tracer, trace } from '@opentelemetry/api';
import { adopt, isPromise } from './adopt.ts';
import { withSpanIn } from './context.ts';
import { recordError } from './exception.ts';
import { PluginTracing } from './plugin.ts';
import { toName } from './span-input.ts';
import { VERSION } from './version.ts';

const tracing = new PluginTracing({ name: '@clew/core', version: VERSION });

/** Options of a span made by `withSpan`; a parent is given by the context in which it is called. */
export type WithSpanOptions = Pick<SpanOptions, 'kind' | 'attributes' | 'links' | 'root'>;

/**
 * Run a function inside a new span: child of the active one, active while the function runs, ended when it returns or
 * its promise settles. What it throws or rejects with is recorded and passed on unchanged.
 *
 * @param name  low in cardinality: `price order`, not `price order 4711`
 * @returns what `fn` returns; for a promise or another thenable a promise that settles in the same way
 */
export function withSpan<R>(name: string, fn: (span: Span) => R): R;
export function withSpan<R>(name: string, options: WithSpanOptions, fn: (span: Span) => R): R;
export function withSpan<R>(
  name: string,
  optionsOrFn: WithSpanOptions | ((span: Span) => R),
  maybeFn?: (span: Span) => R,
): R {
  // The overloads leave these two forms.
  const fn = (maybeFn ?? optionsOrFn) as (span: Span) => R;
  const options = (maybeFn === undefined ? {} : optionsOrFn) as WithSpanOptions;
  const context = tracing.active();
  const span = tracing.startSpanWith(toName(name), options, context);
  let result: R;
  try {
    result = tracing.run(withSpanIn(context, span), fn, undefined, span);
  } catch (error) {
    recordError(span, error);
    span.end();
    throw error;
  }
  result = adopt(result);
  if (!isPromise(result)) {
    span.end();
    return result;
  }
  // Not watched beside the caller: that would count as handling its rejection, and an error that nobody handles would go
  // unnoticed. So the caller gets a promise that settles in the same way.
  const settled = result.then(
    (value: unknown) => {
      span.end();
      return value;
    },
    (error: unknown) => {
      recordError(span, error);
      span.end();
      throw error;
    },
  );
  return settled as R;
}

/**
 * The tracer of the globally registered provider; a tracer that does nothing until one is registered.
 *
 * @param name  of the library or module that makes the spans
 */
export function getTracer(name = 'default', version?: string): Tracer {
  return trace.getTracer(name, version);
}
