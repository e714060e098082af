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
    sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(ratio) }),
    spanProcessors: [new BatchSpanProcessor({ exporter: encodeOnly })],
  });
  trace.setGlobalTracerProvider(provider);
  return { tracer: provider.getTracer('bench'), trace, context, propagation, flush: () => provider.forceFlush() };
}
