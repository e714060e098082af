import { createRequire } from 'node:module';

import type { Instrumentation } from '@opentelemetry/instrumentation';

import type { Variant, VariantOptions } from './variant.ts';

// The official instrumentations patch modules while `require` loads them, so all of this is CommonJS.
const require = createRequire(import.meta.url);

/** With its default of 2048 it loses up to two thirds of the spans at saturation, and losing them is cheap. */
const MAX_QUEUE_SIZE = 65_536;
/** A flush sends all batches at once, and the exporter refuses more than 30 by default. */
const MAX_EXPORTS = 256;

/**
 * The official SDK as its documentation sets it up, with a longer queue: `http` and framework instrumentation alone,
 * batch processor, OTLP/HTTP exporter in protobuf, async-hooks context, W3C propagators.
 */
export function otel({ framework, endpoint, ratio }: VariantOptions): Variant {
  const provider = startSdk(endpoint, ratio);
  const register = instrument(framework);
  return { ...(register && { register }), flush: () => provider.forceFlush() };
}

/** The SDK without instrumentations, registered for the whole process. */
export function startSdk(endpoint: string, ratio: 0 | 1): import('@opentelemetry/sdk-trace').TracerProvider {
  const api = require('@opentelemetry/api') as typeof import('@opentelemetry/api');
  const { AsyncLocalStorageContextManager } =
    require('@opentelemetry/context-async-hooks') as typeof import('@opentelemetry/context-async-hooks');
  const { CompositePropagator, W3CBaggagePropagator, W3CTraceContextPropagator } =
    require('@opentelemetry/core') as typeof import('@opentelemetry/core');

  api.context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  api.propagation.setGlobalPropagator(
    new CompositePropagator({ propagators: [new W3CTraceContextPropagator(), new W3CBaggagePropagator()] }),
  );
  const provider = makeProvider(endpoint, ratio);
  api.trace.setGlobalTracerProvider(provider);
  return provider;
}

function makeProvider(endpoint: string, ratio: 0 | 1): import('@opentelemetry/sdk-trace').TracerProvider {
  const sdk = require('@opentelemetry/sdk-trace') as typeof import('@opentelemetry/sdk-trace');
  const { defaultResource, resourceFromAttributes } =
    require('@opentelemetry/resources') as typeof import('@opentelemetry/resources');
  const { OTLPTraceExporter } =
    require('@opentelemetry/exporter-trace-otlp-proto') as typeof import('@opentelemetry/exporter-trace-otlp-proto');
  const exporter = new OTLPTraceExporter({ url: `${endpoint}/v1/traces`, concurrencyLimit: MAX_EXPORTS });
  return new sdk.TracerProvider({
    resource: defaultResource().merge(resourceFromAttributes({ 'service.name': 'bench' })),
    // By default every trace is recorded.
    ...(ratio === 0 && { sampler: new sdk.ParentBasedSampler({ root: new sdk.TraceIdRatioBasedSampler(0) }) }),
    spanProcessors: [new sdk.BatchSpanProcessor({ exporter, maxQueueSize: MAX_QUEUE_SIZE })],
  });
}

/** Instrument `http`, the framework and what else is given; the modules have to be loaded afterwards. */
export function instrument(
  framework: VariantOptions['framework'],
  others: Instrumentation[] = [],
): Variant['register'] {
  const { registerInstrumentations } =
    require('@opentelemetry/instrumentation') as typeof import('@opentelemetry/instrumentation');
  const { HttpInstrumentation } =
    require('@opentelemetry/instrumentation-http') as typeof import('@opentelemetry/instrumentation-http');
  if (framework === 'express') {
    const { ExpressInstrumentation } =
      require('@opentelemetry/instrumentation-express') as typeof import('@opentelemetry/instrumentation-express');
    registerInstrumentations({
      instrumentations: [new HttpInstrumentation(), new ExpressInstrumentation(), ...others],
    });
    return undefined;
  }
  const { FastifyOtelInstrumentation } = require('@fastify/otel') as typeof import('@fastify/otel');
  const fastifyOtel = new FastifyOtelInstrumentation();
  registerInstrumentations({ instrumentations: [new HttpInstrumentation(), fastifyOtel, ...others] });
  return async (app) => {
    await app.register(fastifyOtel.plugin());
  };
}
