/**
 * OpenTelemetry's own member of the trace state, `ot=th:…;rv:…`: with what threshold a trace was kept, and the random
 * number that was compared with it where the trace id has none.
 *
 * @see https://opentelemetry.io/docs/specs/otel/trace/tracestate-handling/
 */
import type { TraceState } from '@opentelemetry/api';
import { reportFault } from '../faults.ts';
import type { OtMember } from './ot-member.ts';
import { ClewTraceState, EMPTY_TRACE_STATE, parseTraceState, serializeTraceState } from './tracestate.ts';

const KEY = 'ot';
const DIGITS = 14;
const THRESHOLD = 'th:';
const RANDOMNESS = 'rv:';
/** "Key": what all of the member's sub-keys together may take. Characters. */
const MAX_LENGTH = 256;
const HEX = /^[0-9a-f]{1,14}$/;

/** What a trace state without the member has. */
export const NO_OT_MEMBER: OtMember = parseOtMember(undefined);

/** Read the member of any trace state, ours or foreign; ours is read once. Never throws. */
export function otMemberOf(traceState: TraceState): OtMember {
  if (traceState instanceof ClewTraceState) {
    if (traceState.ot === undefined) traceState.ot = parseOtMember(traceState.get(KEY));
    return traceState.ot;
  }
  try {
    return parseOtMember(traceState.get(KEY));
  } catch {
    return NO_OT_MEMBER;
  }
}

/** The trace state with this threshold, in front; `undefined` removes it. Other sub-keys stay as they are. */
export function withThreshold(traceState: TraceState, text: string | undefined): TraceState {
  const subKeys = otMemberOf(traceState).value.split(';');
  const others = subKeys.filter((subKey) => subKey !== '' && !subKey.startsWith(THRESHOLD));
  const value = (text === undefined ? others : [THRESHOLD + text, ...others]).join(';');
  if (value.length > MAX_LENGTH) {
    reportFault('tracestate_full', 'a sampling threshold found no place in the `ot` member of a trace state');
    return traceState;
  }
  const ours =
    traceState instanceof ClewTraceState
      ? traceState
      : (parseTraceState(serializeTraceState(traceState)) ?? EMPTY_TRACE_STATE);
  return value === '' ? ours.unset(KEY) : ours.set(KEY, value);
}

function parseOtMember(value: string | undefined): OtMember {
  const subKeys = typeof value === 'string' ? value.split(';') : [];
  const threshold = subKeyValue(subKeys, THRESHOLD)?.padEnd(DIGITS, '0');
  const given = subKeyValue(subKeys, RANDOMNESS);
  const randomness = given?.length === DIGITS ? given : undefined;
  return {
    value: subKeys.join(';'),
    threshold,
    thresholdHigh: upperBits(threshold),
    thresholdLow: lowerBits(threshold),
    hasRandomness: randomness !== undefined,
    randomnessHigh: upperBits(randomness),
    randomnessLow: lowerBits(randomness),
  };
}

function subKeyValue(subKeys: string[], key: string): string | undefined {
  const text = subKeys.find((subKey) => subKey.startsWith(key))?.slice(key.length);
  return text !== undefined && HEX.test(text) ? text : undefined;
}

/** The upper 24 bits of 14 hex digits, unsigned. */
export function upperBits(hex: string | undefined): number {
  return hex === undefined ? 0 : Number.parseInt(hex.slice(0, 6), 16);
}

/** The lower 32 bits of 14 hex digits, unsigned. */
export function lowerBits(hex: string | undefined): number {
  return hex === undefined ? 0 : Number.parseInt(hex.slice(6), 16);
}
