/**
 * One call as its caller sees it. `traceFetch` puts it into the context, so that what sees the attempts below (the
 * interceptor, the channels) makes their spans in place of the call's own.
 */
import type { Context } from '@clew/core';

const CALL_KEY = Symbol('clew undici call');

/** A call that is under way. */
export interface Call {
  /** The caller's context: the parent of every attempt. */
  readonly parent: Context;
  /** How many attempts have been seen. */
  attempts: number;
}

/** The context with a call in it. */
export function withCall(context: Context, call: Call): Context {
  return context.setValue(CALL_KEY, call);
}

/** The call that this context belongs to, if any. */
export function callOf(context: Context): Call | undefined {
  return context.getValue(CALL_KEY) as Call | undefined;
}
