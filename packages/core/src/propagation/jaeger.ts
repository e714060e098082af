/** The format of Jaeger's own clients: `uber-trace-id` and baggage in `uberctx-` headers. */
import type { Context, TextMapGetter, TextMapPropagator, TextMapSetter } from '@opentelemetry/api';
import { spanOf, withSpanIn } from '../context.ts';
import { spanIdHex, traceIdHex } from '../ids.ts';
import { DecisionSpan, makeRemoteParent } from '../remote-parent.ts';
import { FLAG_SAMPLED, type NonRecordingSpan } from '../span-context.ts';
import { addBaggage, decodePercent, encodePercent, parseBaggage } from './baggage.ts';
import { readListHeader, readSingleHeader, trimBlanks, writeHeader } from './carrier.ts';
import { isDebugTrace, withDebugTrace } from './debug-trace.ts';
import { readPrefixedBaggage, writePrefixedBaggage } from './prefixed-baggage.ts';
import { identityToInject } from './traceparent.ts';

const TRACE = 'uber-trace-id';
const BAGGAGE_PREFIX = 'uberctx-';
const BAGGAGE_LIST = 'jaeger-baggage';
const DEBUG_ID = 'jaeger-debug-id';

/** Trace, span, parent (not used, `0` in new clients), flags. Longer than any valid header is not looked at. */
const SHAPE = /^([0-9a-f]{1,32}):([0-9a-f]{1,16}):[0-9a-f]{0,16}:([0-9a-f]{1,2})$/i;
const MAX_LENGTH = 128;
const JAEGER_SAMPLED = 1;
const JAEGER_DEBUG = 2;

/**
 * Carries Jaeger's headers.
 *
 * @see https://www.jaegertracing.io/docs/1.76/client-libraries/#propagation-format
 */
export class JaegerPropagator implements TextMapPropagator<unknown> {
  inject<C>(context: Context, carrier: C, setter: TextMapSetter<C>): void {
    const identity = identityToInject(context);
    if (identity !== undefined) {
      const { t0, t1, t2, t3, s0, s1 } = identity;
      const isSampled = (identity.traceFlags & FLAG_SAMPLED) !== 0;
      // Bit 1 of the W3C flags says random and bit 1 of Jaeger's says debug, so flags are translated, not copied.
      const flags = isDebugTrace(context, identity) ? JAEGER_DEBUG | JAEGER_SAMPLED : isSampled ? JAEGER_SAMPLED : 0;
      writeHeader(carrier, TRACE, `${traceIdHex(t0, t1, t2, t3)}:${spanIdHex(s0, s1)}:0:0${flags}`, setter);
    }
    writePrefixedBaggage(context, carrier, BAGGAGE_PREFIX, setter, encodePercent);
  }

  extract<C>(context: Context, carrier: C, getter: TextMapGetter<C>): Context {
    const header = readSingleHeader(carrier, TRACE, getter);
    const found = header === undefined ? undefined : parseUberTraceId(header);
    let extracted = context;
    if (found !== undefined) {
      extracted = withSpanIn(context, found.span);
      if (found.isDebug) extracted = withDebugTrace(extracted, found.span);
    } else if (spanOf(context) === undefined && readSingleHeader(carrier, DEBUG_ID, getter)) {
      // A person debugging by hand asks for a trace of this one request.
      extracted = withSpanIn(context, new DecisionSpan(true));
    }
    extracted = addBaggage(extracted, readPrefixedBaggage(carrier, BAGGAGE_PREFIX, getter, decodePercent));
    const list = readListHeader(carrier, BAGGAGE_LIST, getter);
    return list === undefined ? extracted : addBaggage(extracted, parseBaggage(list));
  }

  fields(): string[] {
    return [TRACE];
  }
}

/** Read `uber-trace-id`, which some clients percent-encode; `undefined` when it is malformed. */
export function parseUberTraceId(header: string): { span: NonRecordingSpan; isDebug: boolean } | undefined {
  if (header.length > MAX_LENGTH) return undefined;
  const [, traceId, spanId, digits] = SHAPE.exec(decodePercent(trimBlanks(header))) ?? [];
  if (traceId === undefined || spanId === undefined || digits === undefined) return undefined;
  const flags = Number.parseInt(digits, 16);
  const isDebug = (flags & JAEGER_DEBUG) !== 0;
  const span = makeRemoteParent(
    traceId.toLowerCase().padStart(32, '0'),
    spanId.toLowerCase().padStart(16, '0'),
    isDebug || (flags & JAEGER_SAMPLED) !== 0,
  );
  return span === undefined ? undefined : { span, isDebug };
}
