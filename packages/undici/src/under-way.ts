/**
 * Which `traceparent` belongs to whom: the header is the one thing that reaches every attempt of a call, through queues
 * and redirects. Kept only while two of wrapper, interceptor and channels are there.
 */
import type { Call } from './call.ts';

/** Stands for an attempt that has its span already. */
export const ATTEMPT: unique symbol = Symbol('attempt');

type Owner = Call | typeof ATTEMPT;

let observers = 0;
const owners = new Map<string, Owner>();

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
  if (observers > 0) note(traceparent, call);
}

/** An attempt that has its span sends this header; ended by `forget`. */
export function noteAttempt(traceparent: string | undefined): void {
  // The one who notes it is an observer himself.
  if (observers > 1) note(traceparent, ATTEMPT);
}

function note(traceparent: string | undefined, owner: Owner): void {
  if (traceparent === undefined) return;
  if (owners.size >= MAX_UNDER_WAY) owners.delete(owners.keys().next().value as string);
  owners.set(traceparent, owner);
}

/** Whether there is anything to find. */
export function anyUnderWay(): boolean {
  return owners.size > 0;
}

/** Whose header this is. */
export function ownerOf(traceparent: string | undefined): Owner | undefined {
  return traceparent === undefined ? undefined : owners.get(traceparent);
}

/** The call or attempt with this header has been answered. */
export function forget(traceparent: string | undefined): void {
  if (traceparent !== undefined && owners.size > 0) owners.delete(traceparent);
}
