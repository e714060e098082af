/** Spans of the steps of one request: middlewares, hooks, handlers. Active in their step; what follows is a sibling. */
import { type Context, type Span, SpanKind, trace } from '@opentelemetry/api';
import { errorType, setErrorStatus } from '../exception.ts';
import type { PluginTracing } from '../plugin.ts';

/** The span that the span of a step has taken the place of. */
const replaced = new WeakMap<Span, Span>();

/**
 * Start the span of a step.
 *
 * @param functionName  `undefined` for functions that have none
 * @param outside       the context that the step is called in; see `outsideOfStep`
 */
export function startStep(
  tracing: PluginTracing,
  name: string,
  functionName: string | undefined,
  outside: Context,
): Span {
  const attributes = functionName === undefined ? [] : ['code.function.name', functionName];
  const span = tracing.startSpan(name, SpanKind.INTERNAL, outside, attributes);
  const parent = trace.getSpan(outside);
  if (parent !== undefined) replaced.set(span, parent);
  return span;
}

/**
 * Where what follows a step has to run: steps put spans or baggage of their own around it, or lose the context.
 *
 * @param request  the context of the request
 */
export function outsideOfStep(tracing: PluginTracing, request: Context): Context {
  const active = tracing.active();
  const span = trace.getSpan(active);
  if (span?.spanContext().traceId !== trace.getSpanContext(request)?.traceId) return request;
  const parent = span && replaced.get(span);
  return parent === undefined ? active : trace.setSpan(active, parent);
}

/** Note what a step failed with, unless it only stands for an answer of 4xx. */
export function failStep(span: Span, error: unknown): void {
  if (standsFor4xx(error)) return;
  span.setAttribute('error.type', errorType(error));
  // The event of the exception belongs to the span of the request.
  setErrorStatus(span, error);
}

function standsFor4xx(error: unknown): boolean {
  if (typeof error !== 'object' || error === null) return false;
  const { status, statusCode = status } = error as { status?: unknown; statusCode?: unknown };
  return typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500;
}
