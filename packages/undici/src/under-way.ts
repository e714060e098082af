/**
 * Which `traceparent` belongs to whom: the header is the one thing that reaches every attempt of a call, through queues
 * and redirects. Kept only while two of wrapper, interceptor and channels are there.
 */
import type { Call } from './call.ts';

/** Stands for an attempt that has its span already. */
export const ATTEMPT: unique symbol = Symbol('attempt');

type Owner = Call | typeof ATTEMPT;

let observers = 0;
const calls = new Map<string, Call>();
// By a number that is made of the span id: a header is a new text for each request, which a map would have to read whole.
const attempts = new Map<number, string>();

const SPAN_ID_AT = 36;
const SPAN_ID_END = 52;

/** Bounded: an attempt that never ends must not stay for good. */
const MAX_UNDER_WAY = 10_000;

/** An interceptor was made, or the channels are listened to; returns the end of it. */
export function addObserver(): () => void {
  observers++;
  let ended = false;
  return () => {
    if (ended) return;
    ended = true;
    observers--;
  };
}

/** Whether anything below the wrapper looks for calls. */
export function isObserved(): boolean {
  return observers > 0;
}

/** A call sends this header; ended by `forget`. */
export function noteCall(traceparent: string | undefined, call: Call): void {
  if (observers === 0 || traceparent === undefined) return;
  makeRoom(calls);
  calls.set(traceparent, call);
}

/** An attempt that has its span sends this header; ended by `forget`. */
export function noteAttempt(traceparent: string | undefined): void {
  // The one who notes it is an observer himself.
  if (observers < 2 || traceparent === undefined) return;
  makeRoom(attempts);
  attempts.set(spanKey(traceparent), traceparent);
}

function makeRoom(underWay: Map<unknown, unknown>): void {
  if (underWay.size >= MAX_UNDER_WAY) underWay.delete(underWay.keys().next().value);
}

/** Whether there is anything to find. */
export function anyUnderWay(): boolean {
  return attempts.size > 0 || calls.size > 0;
}

/** Whose header this is. */
export function ownerOf(traceparent: string | undefined): Owner | undefined {
  if (traceparent === undefined) return undefined;
  // Whoever noted an attempt did so behind the call that it belongs to.
  return attempts.get(spanKey(traceparent)) === traceparent ? ATTEMPT : calls.get(traceparent);
}

/** The call or attempt with this header has been answered. */
export function forget(traceparent: string | undefined): void {
  if (traceparent === undefined) return;
  if (attempts.size > 0) attempts.delete(spanKey(traceparent));
  if (calls.size > 0) calls.delete(traceparent);
}

function spanKey(traceparent: string): number {
  let key = 0;
  for (let i = SPAN_ID_AT; i < SPAN_ID_END; i++) key = (Math.imul(key, 31) + traceparent.charCodeAt(i)) | 0;
  return key;
}
