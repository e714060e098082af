/** The format of AWS X-Ray and of AWS load balancers: `x-amzn-trace-id`. */
import type { Context, TextMapGetter, TextMapPropagator, TextMapSetter } from '@opentelemetry/api';
import { withSpanIn } from '../context.ts';
import { spanIdHex, traceIdHex } from '../ids.ts';
import { isDeferred, makeRemoteParent } from '../remote-parent.ts';
import { FLAG_SAMPLED, type NonRecordingSpan, type SpanIdentity } from '../span-context.ts';
import { readSingleHeader, trimBlanks, writeHeader } from './carrier.ts';
import { identityToInject } from './traceparent.ts';

const TRACE = 'x-amzn-trace-id';
/** Version 1, eight digits of the time of day, 24 digits. */
const ROOT = /^1-([0-9a-f]{8})-([0-9a-f]{24})$/;
/** Load balancers add parts of their own; a header beyond this is not theirs. */
const MAX_LENGTH = 1024;

/**
 * Carries `x-amzn-trace-id`.
 *
 * @see https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html#xray-concepts-tracingheader
 */
export class XRayPropagator implements TextMapPropagator<unknown> {
  inject<C>(context: Context, carrier: C, setter: TextMapSetter<C>): void {
    const identity = identityToInject(context);
    if (identity !== undefined) writeHeader(carrier, TRACE, formatXRay(identity), setter);
  }

  extract<C>(context: Context, carrier: C, getter: TextMapGetter<C>): Context {
    const header = readSingleHeader(carrier, TRACE, getter);
    const span = header === undefined ? undefined : parseXRay(header);
    return span === undefined ? context : withSpanIn(context, span);
  }

  fields(): string[] {
    return [TRACE];
  }
}

/**
 * Read the header. Its parts stand in any order, and parts that we do not know are ignored. A header without `Parent`,
 * as load balancers send it, names no span.
 */
export function parseXRay(header: string): NonRecordingSpan | undefined {
  // A comma stands between two headers of the name: their parts must not be mixed.
  if (header.length > MAX_LENGTH || header.includes(',')) return undefined;
  let traceId: string | undefined;
  let spanId: string | undefined;
  let isSampled: boolean | undefined;
  for (const part of header.split(';')) {
    const text = trimBlanks(part);
    const equals = text.indexOf('=');
    const value = text.slice(equals + 1);
    const name = text.slice(0, Math.max(equals, 0));
    if (name === 'Root') traceId = ROOT.exec(value)?.slice(1).join('');
    else if (name === 'Parent') spanId = value;
    // `?` asks us to decide, as a missing part does.
    else if (name === 'Sampled') isSampled = value === '1' ? true : value === '0' ? false : undefined;
  }
  return traceId === undefined || spanId === undefined ? undefined : makeRemoteParent(traceId, spanId, isSampled);
}

function formatXRay(identity: SpanIdentity): string {
  const { t0, t1, t2, t3, s0, s1 } = identity;
  const traceId = traceIdHex(t0, t1, t2, t3);
  const sampled = isDeferred(identity) ? '?' : identity.traceFlags & FLAG_SAMPLED;
  return `Root=1-${traceId.slice(0, 8)}-${traceId.slice(8)};Parent=${spanIdHex(s0, s1)};Sampled=${sampled}`;
}
