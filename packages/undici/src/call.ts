/**
 * One call as its caller sees it: what its attempts have in common. The wrapper, the interceptor and the channels each
 * find it in their own way, so that an attempt has one span, the right parent and its number.
 */
import type { Context } from '@clew/core';
import type { HttpClientTracing } from '@clew/core/http';

const CALL_KEY = Symbol('clew undici call');

/** A call that is under way. */
export interface Call {
  /** The caller's context: the parent of every attempt. */
  readonly parent: Context;
  /** How many attempts have been seen. */
  attempts: number;
  /** Path and query that the next attempt asks for; a body that makes requests of its own shares the call's context. */
  path: string;
  /** The caller's signal, where it is known. */
  readonly signal: AbortSignal | undefined;
  /** What the wrapper put into the headers, which a redirect carries on; and the wrapper, who knows where they may go. */
  readonly injected?: Readonly<Record<string, string>> | undefined;
  readonly wrapper?: HttpClientTracing;
}

/** A call that begins with the attempt at `path`. */
export function newCall(parent: Context, path: string, signal?: AbortSignal): Call {
  return { parent, attempts: 0, path, signal };
}

/** The context with a call in it. */
export function withCall(context: Context, call: Call): Context {
  return context.setValue(CALL_KEY, call);
}

/** The call in whose context the running code is: one of its attempts, or what its body makes. */
export function callIn(context: Context): Call | undefined {
  // Nobody else has the key.
  return context.getValue(CALL_KEY) as Call | undefined;
}

/** The call that a request for `path`, made in this context, belongs to. */
export function callOf(context: Context, path: string): Call | undefined {
  const call = callIn(context);
  return call?.path === path ? call : undefined;
}
