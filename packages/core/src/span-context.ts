/** Span contexts: the ids and flags that name a span, ours as 32-bit words and foreign ones as the API's objects. */
import type {
  Attributes,
  AttributeValue,
  Exception,
  Link,
  Span,
  SpanContext,
  SpanStatus,
  TimeInput,
  TraceState,
} from '@opentelemetry/api';
import { parseHexWord, spanIdHex, takeMalformed, traceIdHex } from './ids.ts';

/** Trace flag: the trace is recorded. */
export const FLAG_SAMPLED = 1;
/** Trace flag of Trace Context level 2: the lower 56 bits of the trace id are random. */
export const FLAG_RANDOM = 2;
/** The flags that we know and pass on. */
export const KNOWN_FLAGS: number = FLAG_SAMPLED | FLAG_RANDOM;

/** Tells spans of ours from others'. `instanceof` costs ten times as much, and is asked several times for each span. */
export const OURS: unique symbol = Symbol('clew.span');
/** What recording spans of ours have under `OURS`. */
export const RECORDING = 1;
const NON_RECORDING = 2;

/** What every span of ours offers to its children and to propagators: its ids as words, without making strings. */
export interface SpanIdentity {
  /** The trace id, most significant word first. */
  readonly t0: number;
  readonly t1: number;
  readonly t2: number;
  readonly t3: number;
  /** The span id, most significant word first. */
  readonly s0: number;
  readonly s1: number;
  /** The W3C flags byte: `FLAG_SAMPLED`, `FLAG_RANDOM`. */
  readonly traceFlags: number;
  /** Whether the ids came from another process. */
  readonly isRemote: boolean;
  readonly traceState: TraceState | undefined;
}

/**
 * A span that records nothing: an unsampled one of ours, or the parent in another process that a propagator found.
 * It is its own identity, so one small object is all that an unsampled span costs.
 */
export class NonRecordingSpan implements Span, SpanIdentity {
  readonly t0: number;
  readonly t1: number;
  readonly t2: number;
  readonly t3: number;
  readonly s0: number;
  readonly s1: number;
  readonly traceFlags: number;
  readonly isRemote: boolean;
  readonly traceState: TraceState | undefined;

  constructor(
    t0: number,
    t1: number,
    t2: number,
    t3: number,
    s0: number,
    s1: number,
    traceFlags: number,
    isRemote: boolean,
    traceState: TraceState | undefined,
  ) {
    this.t0 = t0;
    this.t1 = t1;
    this.t2 = t2;
    this.t3 = t3;
    this.s0 = s0;
    this.s1 = s1;
    this.traceFlags = traceFlags;
    this.isRemote = isRemote;
    this.traceState = traceState;
  }

  spanContext(): SpanContext {
    return toSpanContext(this);
  }
  isRecording(): boolean {
    return false;
  }
  setAttribute(_key: string, _value: AttributeValue): this {
    return this;
  }
  setAttributes(_attributes: Attributes): this {
    return this;
  }
  addEvent(_name: string, _attributesOrTime?: Attributes | TimeInput, _time?: TimeInput): this {
    return this;
  }
  addLink(_link: Link): this {
    return this;
  }
  addLinks(_links: Link[]): this {
    return this;
  }
  setStatus(_status: SpanStatus): this {
    return this;
  }
  updateName(_name: string): this {
    return this;
  }
  recordException(_exception: Exception, _time?: TimeInput): void {}
  end(_time?: TimeInput): void {}
}

Object.defineProperty(NonRecordingSpan.prototype, OURS, { value: NON_RECORDING });

/** Whether a span is one of ours, and so its own identity. Never throws. */
export function isOwnSpan(span: Span): span is Span & SpanIdentity {
  try {
    return (span as { [OURS]?: number })[OURS] !== undefined;
  } catch {
    // A proxy of the application's.
    return false;
  }
}

/** The API's form of an identity; a new plain object at each call, so that callers may spread or change it. */
export function toSpanContext(identity: SpanIdentity): SpanContext {
  const context: SpanContext = {
    traceId: traceIdHex(identity.t0, identity.t1, identity.t2, identity.t3),
    spanId: spanIdHex(identity.s0, identity.s1),
    traceFlags: identity.traceFlags,
  };
  if (identity.isRemote) context.isRemote = true;
  if (identity.traceState !== undefined) context.traceState = identity.traceState;
  return context;
}

/** Whether neither id is all zero. */
export function isValidIdentity(identity: Pick<SpanIdentity, 't0' | 't1' | 't2' | 't3' | 's0' | 's1'>): boolean {
  return (identity.t0 | identity.t1 | identity.t2 | identity.t3) !== 0 && (identity.s0 | identity.s1) !== 0;
}

/**
 * Read the API's form.
 *
 * @param mayBeZero  whether an id may be all zero
 * @returns `undefined` when an id is malformed or all zero
 */
export function fromSpanContext(context: SpanContext | undefined, mayBeZero = false): NonRecordingSpan | undefined {
  if (context === undefined || context === null) return undefined;
  const { traceId, spanId } = context;
  if (typeof traceId !== 'string' || traceId.length !== 32) return undefined;
  if (typeof spanId !== 'string' || spanId.length !== 16) return undefined;
  const t0 = parseHexWord(traceId, 0);
  const t1 = parseHexWord(traceId, 8);
  const t2 = parseHexWord(traceId, 16);
  const t3 = parseHexWord(traceId, 24);
  const s0 = parseHexWord(spanId, 0);
  const s1 = parseHexWord(spanId, 8);
  if (takeMalformed()) return inLowerCase(context, mayBeZero);
  if (!mayBeZero && ((t0 | t1 | t2 | t3) === 0 || (s0 | s1) === 0)) return undefined;
  const flags = typeof context.traceFlags === 'number' ? context.traceFlags & KNOWN_FLAGS : 0;
  return new NonRecordingSpan(t0, t1, t2, t3, s0, s1, flags, context.isRemote === true, readTraceState(context));
}

// To `isSpanContextValid` of the API ids in upper case are valid; our own parsers of headers refuse them before.
function inLowerCase(context: SpanContext, mayBeZero: boolean): NonRecordingSpan | undefined {
  const traceId = context.traceId.toLowerCase();
  const spanId = context.spanId.toLowerCase();
  if (traceId === context.traceId && spanId === context.spanId) return undefined;
  const { traceFlags, isRemote, traceState } = context;
  const copy: SpanContext = { traceId, spanId, traceFlags, isRemote: isRemote === true };
  if (traceState !== undefined) copy.traceState = traceState;
  return fromSpanContext(copy, mayBeZero);
}

function readTraceState({ traceState }: SpanContext): TraceState | undefined {
  return typeof traceState?.serialize === 'function' ? traceState : undefined;
}

/**
 * The identity behind any span object: itself when it is ours, else read from `spanContext()`.
 *
 * @returns `undefined` when the span is foreign and its context is not valid
 */
export function identityOf(span: Span): SpanIdentity | undefined {
  try {
    // By shape, not instanceof: recording spans are another class, and there may be two copies of the core.
    if (typeof (span as Partial<SpanIdentity>).t0 === 'number') return span as Span & SpanIdentity;
    return fromSpanContext(span.spanContext());
  } catch {
    // Anything can be set as the span of a context: nothing at all, or a proxy that throws.
    return undefined;
  }
}
