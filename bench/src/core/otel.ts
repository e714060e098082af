import { createRequire } from 'node:module';

import { context, propagation, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import {
  CompositePropagator,
  ExportResultCode,
  W3CBaggagePropagator,
  W3CTraceContextPropagator,
} from '@opentelemetry/core';
import { ProtobufTraceSerializer } from '@opentelemetry/otlp-transformer';
import { defaultResource, resourceFromAttributes } from '@opentelemetry/resources';
import {
  BatchSpanProcessor,
  ParentBasedSampler,
  type SpanExporter,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace';

import { type Serve, serveByHand } from './server-request.ts';
import type { Implementation } from './variant.ts';

/** Encodes as the official OTLP exporter does, and throws the bytes away in place of a request. */
const encodeOnly: SpanExporter = {
  export(spans, done) {
    const body = ProtobufTraceSerializer.serializeRequest(spans);
    if (body === undefined) throw new Error('the batch could not be encoded');
    setImmediate(done, { code: ExportResultCode.SUCCESS });
  },
  shutdown: async () => {},
};

/** The official SDK with its batch processor and its encoder, without a network. */
export function otel(ratio: 0 | 1): Implementation {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  propagation.setGlobalPropagator(
    new CompositePropagator({ propagators: [new W3CTraceContextPropagator(), new W3CBaggagePropagator()] }),
  );
  const provider = new TracerProvider({
    resource: defaultResource().merge(resourceFromAttributes({ 'service.name': 'bench' })),
    // By default every trace is recorded.
    ...(ratio === 0 && { sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(0) }) }),
    spanProcessors: [new BatchSpanProcessor({ exporter: encodeOnly })],
  });
  trace.setGlobalTracerProvider(provider);
  const serve = tracedServer();
  return {
    tracer: provider.getTracer('bench'),
    trace,
    context,
    propagation,
    serve,
    flush: () => provider.forceFlush(),
  };
}

/** The official instrumentation patches `emit` of Node.js's servers; it knows no routes, so the handler tells it. */
function tracedServer(): Serve {
  const require = createRequire(import.meta.url);
  const { registerInstrumentations } =
    require('@opentelemetry/instrumentation') as typeof import('@opentelemetry/instrumentation');
  const { HttpInstrumentation } =
    require('@opentelemetry/instrumentation-http') as typeof import('@opentelemetry/instrumentation-http');
  registerInstrumentations({ instrumentations: [new HttpInstrumentation()] });
  require('node:http');
  return serveByHand((_request, answer) => {
    const span = trace.getActiveSpan();
    if (span === undefined) throw new Error('the request got no span');
    span.setAttribute('http.route', '/users/:id');
    span.updateName('GET /users/:id');
    answer();
  });
}
