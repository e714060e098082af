/** The ids of a span that starts, and the spans that are nothing but ids. */
import type { TraceState } from '@opentelemetry/api';
import { describeError, reportFault } from './faults.ts';
import { parseHexWord, takeMalformed, takeWords, words } from './ids.ts';
import { FLAG_RANDOM, isValidIdentity, NonRecordingSpan, type SpanIdentity } from './span-context.ts';

/** Makes ids in place of the pool of randomness; the official SDK's generators fit. */
export interface IdGenerator {
  /** 32 lower-case hex digits, not all zero. */
  generateTraceId(): string;
  /** 16 lower-case hex digits, not all zero. */
  generateSpanId(): string;
  /** Whether the last 56 bits of each trace id are random; then its traces get the random flag. Default `false`. */
  readonly makesRandomTraceIds?: boolean;
}

// Whether `start` has the ids of a trace that nobody has started yet; the next root span takes them.
let hasSpareIds = false;

/**
 * The ids of the span that starts now. One object for all: the span copies it at once, and nothing in between can start
 * another one. Numbers alone: an old object that is given a young one has to be noted for the garbage collector.
 */
export const start: Record<'t0' | 't1' | 't2' | 't3' | 's0' | 's1', number> = {
  t0: 0,
  t1: 0,
  t2: 0,
  t3: 0,
  s0: 0,
  s1: 0,
};

/** Make the ids of a span: of the parent's trace, or of a new one. */
export function fillIds(parent: SpanIdentity | undefined, generator: IdGenerator | undefined): void {
  const isFilled = hasSpareIds && parent === undefined;
  hasSpareIds = false;
  if (isFilled) return;
  if (generator !== undefined && fillFromGenerator(parent, generator)) return;
  if (parent === undefined) {
    const at = takeWords(4);
    start.t0 = words[at] as number;
    start.t1 = words[at + 1] as number;
    start.t2 = words[at + 2] as number;
    // An id that is all zero is not valid; one in 2^128 would be.
    start.t3 = (words[at + 3] as number) || 1;
  } else {
    copyTraceId(parent);
  }
  const at = takeWords(2);
  start.s0 = words[at] as number;
  start.s1 = (words[at + 1] as number) || 1;
}

/**
 * Keep the ids in `start` for the next root span, because a sampler has seen them.
 *
 * @param isRoot  whether they are of a new trace
 */
export function spareIds(isRoot: boolean): void {
  hasSpareIds = isRoot;
}

/** Call a function that may itself start spans; `start` is as it was afterwards. */
export function withIdsKept<R>(fn: (ids: Readonly<typeof start>) => R): R {
  const ids = { ...start };
  const result = fn(ids);
  Object.assign(start, ids);
  hasSpareIds = false;
  return result;
}

/** A span of a new trace that is not recorded. */
export function dropRoot(): NonRecordingSpan {
  const at = takeWords(6);
  const t0 = words[at] as number;
  const t1 = words[at + 1] as number;
  const t2 = words[at + 2] as number;
  const t3 = (words[at + 3] as number) || 1;
  const s0 = words[at + 4] as number;
  const s1 = (words[at + 5] as number) || 1;
  return new NonRecordingSpan(t0, t1, t2, t3, s0, s1, FLAG_RANDOM, false, undefined);
}

/** A span below one of this process that is not recorded. */
export function dropBelow({ t0, t1, t2, t3, traceFlags }: SpanIdentity): NonRecordingSpan {
  const at = takeWords(2);
  const s0 = words[at] as number;
  const s1 = (words[at + 1] as number) || 1;
  return new NonRecordingSpan(t0, t1, t2, t3, s0, s1, traceFlags, false, undefined);
}

/** A span with the ids in `start` that is not recorded. */
export function makeNonRecording(traceFlags: number, traceState: TraceState | undefined): NonRecordingSpan {
  const { t0, t1, t2, t3, s0, s1 } = start;
  return new NonRecordingSpan(t0, t1, t2, t3, s0, s1, traceFlags, false, traceState);
}

function copyTraceId(parent: SpanIdentity): void {
  start.t0 = parent.t0;
  start.t1 = parent.t1;
  start.t2 = parent.t2;
  start.t3 = parent.t3;
}

function fillFromGenerator(parent: SpanIdentity | undefined, generator: IdGenerator): boolean {
  try {
    if (parent === undefined) {
      const traceId = generator.generateTraceId();
      start.t0 = parseHexWord(traceId, 0);
      start.t1 = parseHexWord(traceId, 8);
      start.t2 = parseHexWord(traceId, 16);
      start.t3 = parseHexWord(traceId, 24);
    } else {
      copyTraceId(parent);
    }
    const spanId = generator.generateSpanId();
    start.s0 = parseHexWord(spanId, 0);
    start.s1 = parseHexWord(spanId, 8);
    if (!takeMalformed() && isValidIdentity(start)) return true;
    reportFault('id_generator', 'the id generator gave an id that is not valid; a random one was used');
  } catch (error) {
    takeMalformed();
    reportFault('id_generator', `the id generator threw: ${describeError(error)}`);
  }
  return false;
}
