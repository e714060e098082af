import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import * as api from '@opentelemetry/api';
import * as older from 'otel-api-1.9';
import { ClewContext, ClewContextManager } from '../src/context.ts';
import { isClewError } from '../src/errors.ts';
import { faultCounts, resetFaults } from '../src/faults.ts';
import { PluginTracing } from '../src/plugin.ts';
import { createPropagator } from '../src/propagation/composite.ts';
import { parseTraceState } from '../src/propagation/tracestate.ts';
import { startTracing } from '../src/start-tracing.ts';

const REGISTRY = Symbol.for('opentelemetry.js.api.1');

test('code that loads API 1.9 finds the provider registered through 1.10, and its context and headers', async (t) => {
  const tracing = startTracing({ exporter: 'none' });
  t.after(() => tracing.shutdown());
  older.trace.getTracer('old').startActiveSpan('x', (span) => {
    assert.equal(span.isRecording(), true);
    assert.equal(api.trace.getActiveSpan(), span);
    const carrier: Record<string, string> = {};
    older.propagation.inject(older.context.active(), carrier);
    assert.match(carrier.traceparent ?? '', new RegExp(span.spanContext().spanId));
    span.end();
  });
});

test('where another version of the API has been registered already, the error names both', (t) => {
  const globals = globalThis as Record<symbol, unknown>;
  const before = globals[REGISTRY];
  globals[REGISTRY] = { version: '1.9.0' };
  t.after(() => {
    globals[REGISTRY] = before;
  });
  assert.throws(
    () => startTracing({ exporter: 'none' }),
    (error) => isClewError(error) && error.code === 'CLEW_ERR_STARTED' && /1\.9\.0.*one copy/.test(error.message),
  );
});

test('our objects are those of both API versions', async (t) => {
  const tracing = startTracing({ exporter: 'none', register: false });
  t.after(() => tracing.shutdown());
  // Assigned to the interfaces of both: what counts here is that this file compiles.
  const providers: [api.TracerProvider, older.TracerProvider] = [tracing.provider, tracing.provider];
  const tracer = tracing.provider.getTracer('t');
  const tracers: [api.Tracer, older.Tracer] = [tracer, tracer];
  const span = tracer.startSpan('x');
  const spans: [api.Span, older.Span] = [span, span];
  const manager = new ClewContextManager();
  const managers: [api.ContextManager, older.ContextManager] = [manager, manager];
  const propagator = createPropagator(['tracecontext', 'baggage']);
  const propagators: [api.TextMapPropagator, older.TextMapPropagator] = [propagator, propagator];
  const context = new ClewContext(span, undefined, false);
  const contexts: [api.Context, older.Context] = [context, context];
  const state = parseTraceState('a=1') ?? assert.fail();
  const states: [api.TraceState, older.TraceState] = [state, state];
  for (const [one, other] of [providers, tracers, spans, managers, propagators, contexts, states])
    assert.equal(one, other);
  span.end();
});

test('a provider that an older copy of the API took is reported once, in place of spans missing in silence', async (t) => {
  const globals = globalThis as Record<symbol, unknown>;
  const before = globals[REGISTRY];
  delete globals[REGISTRY];
  t.after(() => {
    globals[REGISTRY] = before;
  });
  const tracing = startTracing({ exporter: 'none', register: false });
  t.after(() => tracing.shutdown());
  api.trace.setGlobalTracerProvider(tracing.provider);
  resetFaults();
  new PluginTracing({ name: 'visible', version: '1' }).active();
  assert.equal(faultCounts().api_copies, undefined);
  delete globals[REGISTRY];
  older.trace.setGlobalTracerProvider(tracing.provider);
  const warned = once(process, 'warning');
  for (const name of ['a', 'b']) new PluginTracing({ name, version: '1' }).active();
  const [warning] = (await warned) as [Error];
  assert.match(
    warning.message,
    /registered through another copy of @opentelemetry\/api, version 1\.9\.\d+; there must be one/,
  );
  assert.equal(faultCounts().api_copies, 1);
});
