/** The debug mark of B3 and Jaeger: it travels in the context, because W3C flags have no bit for it. */
import { type Context, createContextKey } from '@opentelemetry/api';
import type { SpanIdentity } from '../span-context.ts';

const DEBUG_KEY = createContextKey('Clew debug trace');

/** The same context, with the trace of `identity` marked. */
export function withDebugTrace(context: Context, identity: SpanIdentity): Context {
  return context.setValue(DEBUG_KEY, identity);
}

/** Whether the trace of `identity` was marked by the caller. A new trace in the same context is not. */
export function isDebugTrace(context: Context, identity: SpanIdentity): boolean {
  // The cast holds: the key is ours, and only `withDebugTrace` sets it.
  const marked = context.getValue(DEBUG_KEY) as SpanIdentity | undefined;
  return marked !== undefined && isSameTrace(marked, identity);
}

/** Whether two spans belong to one trace. */
export function isSameTrace(a: SpanIdentity, b: SpanIdentity): boolean {
  return a.t0 === b.t0 && a.t1 === b.t1 && a.t2 === b.t2 && a.t3 === b.t3;
}
