/** Extract and inject with plain header objects, for tests of propagators. */
import type { Context, TextMapPropagator } from '@opentelemetry/api';
import { baggageOf, ROOT, spanOf } from '../../src/context.ts';
import { type HeaderCarrier, headerGetter, headerSetter } from '../../src/propagation/carrier.ts';
import { isDecision, isDeferred } from '../../src/remote-parent.ts';

export function extract(propagator: TextMapPropagator, headers: HeaderCarrier, context: Context = ROOT): Context {
  return propagator.extract(context, headers, headerGetter);
}

export function inject(propagator: TextMapPropagator, context: Context): HeaderCarrier {
  const carrier: HeaderCarrier = {};
  propagator.inject(context, carrier, headerSetter);
  return carrier;
}

/** What was found, as `<trace>-<span>-<sampled>`, `decision-<sampled>` or `nothing`; sampled is `?` when left open. */
export function foundIn(context: Context): string {
  const span = spanOf(context);
  if (span === undefined) return 'nothing';
  const { traceId, spanId, traceFlags } = span.spanContext();
  if (isDecision(span)) return `decision-${traceFlags}`;
  return `${traceId}-${spanId}-${isDeferred(span) ? '?' : traceFlags}`;
}

export function baggageIn(context: Context): Record<string, string> {
  const entries = baggageOf(context)?.getAllEntries() ?? [];
  return Object.fromEntries(entries.map(([key, { value }]) => [key, value]));
}
