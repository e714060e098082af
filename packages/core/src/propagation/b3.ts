/** B3, the format of Zipkin, in its two forms: one header, or one for each value. */
import type { Context, TextMapGetter, TextMapPropagator, TextMapSetter } from '@opentelemetry/api';
import { isSuppressed, spanOf, withSpanIn } from '../context.ts';
import { spanIdHex, traceIdHex } from '../ids.ts';
import { DecisionSpan, isDecision, isDeferred, makeRemoteParent } from '../remote-parent.ts';
import { FLAG_SAMPLED, type NonRecordingSpan, type SpanIdentity } from '../span-context.ts';
import { readSingleHeader, trimBlanks, writeHeader } from './carrier.ts';
import { isDebugTrace, withDebugTrace } from './debug-trace.ts';
import { identityToInject } from './traceparent.ts';

const SINGLE = 'b3';
const TRACE_ID = 'x-b3-traceid';
const SPAN_ID = 'x-b3-spanid';
const SAMPLED = 'x-b3-sampled';
const FLAGS = 'x-b3-flags';

/** b3-propagation, "Single Header": trace id, span id, decision and parent, the last two optional. */
const SINGLE_SHAPE = /^([0-9a-f]{32}|[0-9a-f]{16})-([0-9a-f]{16})(?:-([01d])(?:-[0-9a-f]{16})?)?$/;
const TRACE_ID_SHAPE = /^(?:[0-9a-f]{16}){1,2}$/;

/** What a caller can say about sampling; `undefined` leaves it open. */
type Decision = 'keep' | 'drop' | 'debug' | undefined;

/** What was read: a parent or a decision alone. */
interface Found {
  span: NonRecordingSpan;
  isDebug: boolean;
}

/**
 * Carries B3. Extract reads the single header first, then the separate ones; inject writes one of the two forms.
 * Trace ids of 64 bits are padded with zeros. The parent id is never written: nobody can use it.
 *
 * @see https://github.com/openzipkin/b3-propagation
 */
export class B3Propagator implements TextMapPropagator<unknown> {
  readonly #isMulti: boolean;

  constructor(form: 'single' | 'multi') {
    this.#isMulti = form === 'multi';
  }

  inject<C>(context: Context, carrier: C, setter: TextMapSetter<C>): void {
    const identity = identityToInject(context);
    const write = (name: string, value: string) => writeHeader(carrier, name, value, setter);
    if (identity !== undefined) {
      const decision = decisionToWrite(context, identity);
      if (this.#isMulti) writeMulti(write, identity, decision);
      else write(SINGLE, formatSingle(identity, decision));
      return;
    }
    const alone = isSuppressed(context) ? undefined : spanOf(context);
    if (alone === undefined || !isDecision(alone)) return;
    const digit = (alone.spanContext().traceFlags & FLAG_SAMPLED) !== 0 ? '1' : '0';
    write(this.#isMulti ? SAMPLED : SINGLE, digit);
  }

  extract<C>(context: Context, carrier: C, getter: TextMapGetter<C>): Context {
    const single = readSingleHeader(carrier, SINGLE, getter);
    const found = (single === undefined ? undefined : parseB3(single)) ?? readMulti(carrier, getter);
    if (found === undefined) return context;
    const extracted = withSpanIn(context, found.span);
    return found.isDebug ? withDebugTrace(extracted, found.span) : extracted;
  }

  fields(): string[] {
    return this.#isMulti ? [TRACE_ID, SPAN_ID, SAMPLED, FLAGS] : [SINGLE];
  }
}

/** Read the single header; `undefined` when it is malformed. */
export function parseB3(header: string): Found | undefined {
  const text = trimBlanks(header);
  if (text === '0' || text === '1' || text === 'd') return { span: new DecisionSpan(text !== '0'), isDebug: false };
  const [, traceId, spanId, digit] = SINGLE_SHAPE.exec(text) ?? [];
  if (traceId === undefined || spanId === undefined) return undefined;
  const decision = digit === undefined ? undefined : digit === 'd' ? 'debug' : digit === '1' ? 'keep' : 'drop';
  return toFound(traceId, spanId, decision);
}

function readMulti<C>(carrier: C, getter: TextMapGetter<C>): Found | undefined {
  const read = (name: string): string | undefined => {
    const value = readSingleHeader(carrier, name, getter);
    return value === undefined ? undefined : trimBlanks(value);
  };
  const traceId = read(TRACE_ID);
  const spanId = read(SPAN_ID);
  const decision = read(FLAGS) === '1' ? 'debug' : parseSampled(read(SAMPLED));
  if (traceId === undefined && spanId === undefined) {
    return decision === undefined ? undefined : { span: new DecisionSpan(decision !== 'drop'), isDebug: false };
  }
  if (traceId === undefined || spanId === undefined || !TRACE_ID_SHAPE.test(traceId)) return undefined;
  return toFound(traceId, spanId, decision);
}

function parseSampled(text: string | undefined): Decision {
  // "Sampling State": older libraries wrote words.
  if (text === '1' || text === 'true') return 'keep';
  return text === '0' || text === 'false' ? 'drop' : undefined;
}

function toFound(traceId: string, spanId: string, decision: Decision): Found | undefined {
  const isSampled = decision === undefined ? undefined : decision !== 'drop';
  const span = makeRemoteParent(traceId.padStart(32, '0'), spanId, isSampled);
  return span === undefined ? undefined : { span, isDebug: decision === 'debug' };
}

function decisionToWrite(context: Context, identity: SpanIdentity): Decision {
  if (isDeferred(identity)) return undefined;
  if (isDebugTrace(context, identity)) return 'debug';
  return (identity.traceFlags & FLAG_SAMPLED) !== 0 ? 'keep' : 'drop';
}

const DIGITS = { keep: '1', drop: '0', debug: 'd' };

function formatSingle(identity: SpanIdentity, decision: Decision): string {
  const ids = `${traceIdOf(identity)}-${spanIdHex(identity.s0, identity.s1)}`;
  return decision === undefined ? ids : `${ids}-${DIGITS[decision]}`;
}

function writeMulti(write: (name: string, value: string) => void, identity: SpanIdentity, decision: Decision): void {
  write(TRACE_ID, traceIdOf(identity));
  write(SPAN_ID, spanIdHex(identity.s0, identity.s1));
  // "Debug Flag": debug implies the decision, which is not sent beside it.
  if (decision === 'debug') write(FLAGS, '1');
  else if (decision !== undefined) write(SAMPLED, DIGITS[decision]);
}

function traceIdOf({ t0, t1, t2, t3 }: SpanIdentity): string {
  return traceIdHex(t0, t1, t2, t3);
}
