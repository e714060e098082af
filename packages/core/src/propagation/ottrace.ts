/** The format of OpenTracing's basic tracers: `ot-tracer-*` headers, with the lower half of the trace id. */
import type { Context, TextMapGetter, TextMapPropagator, TextMapSetter } from '@opentelemetry/api';
import { withSpanIn } from '../context.ts';
import { spanIdHex } from '../ids.ts';
import { isDeferred, makeRemoteParent } from '../remote-parent.ts';
import { FLAG_SAMPLED, type NonRecordingSpan } from '../span-context.ts';
import { addBaggage } from './baggage.ts';
import { readSingleHeader, trimBlanks, writeHeader } from './carrier.ts';
import { readPrefixedBaggage, writePrefixedBaggage } from './prefixed-baggage.ts';
import { identityToInject } from './traceparent.ts';

const TRACE_ID = 'ot-tracer-traceid';
const SPAN_ID = 'ot-tracer-spanid';
const SAMPLED = 'ot-tracer-sampled';
const BAGGAGE_PREFIX = 'ot-baggage-';
const TRACE_ID_SHAPE = /^(?:[0-9a-f]{16}){1,2}$/;
const asItIs = (text: string): string => text;

/**
 * Carries `ot-tracer-*`. A trace id of 128 bits loses its upper half on the way: the format has no room for it.
 *
 * @see https://opentelemetry.io/docs/specs/otel/context/api-propagators/#propagators-distribution "OT Trace"
 */
export class OtTracePropagator implements TextMapPropagator<unknown> {
  inject<C>(context: Context, carrier: C, setter: TextMapSetter<C>): void {
    const identity = identityToInject(context);
    // An id whose lower half is zero would leave as an invalid one.
    if (identity !== undefined && (identity.t2 | identity.t3) !== 0) {
      writeHeader(carrier, TRACE_ID, spanIdHex(identity.t2, identity.t3), setter);
      writeHeader(carrier, SPAN_ID, spanIdHex(identity.s0, identity.s1), setter);
      const isSampled = (identity.traceFlags & FLAG_SAMPLED) !== 0;
      if (!isDeferred(identity)) writeHeader(carrier, SAMPLED, String(isSampled), setter);
    }
    writePrefixedBaggage(context, carrier, BAGGAGE_PREFIX, setter, asItIs);
  }

  extract<C>(context: Context, carrier: C, getter: TextMapGetter<C>): Context {
    const span = readSpan(carrier, getter);
    const extracted = span === undefined ? context : withSpanIn(context, span);
    return addBaggage(extracted, readPrefixedBaggage(carrier, BAGGAGE_PREFIX, getter, asItIs));
  }

  fields(): string[] {
    return [TRACE_ID, SPAN_ID, SAMPLED];
  }
}

function readSpan<C>(carrier: C, getter: TextMapGetter<C>): NonRecordingSpan | undefined {
  const read = (name: string): string => trimBlanks(readSingleHeader(carrier, name, getter) ?? '');
  const traceId = read(TRACE_ID);
  if (!TRACE_ID_SHAPE.test(traceId)) return undefined;
  const sampled = read(SAMPLED);
  const isSampled =
    sampled === 'true' || sampled === '1' ? true : sampled === 'false' || sampled === '0' ? false : undefined;
  return makeRemoteParent(traceId.padStart(32, '0'), read(SPAN_ID), isSampled);
}
