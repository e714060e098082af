import { startTracing } from '@clew/core';
import { tracePool } from '@clew/pg';
import { tracingMixin } from '@clew/pino';
import { tracePromClient } from '@clew/prom-client';
import { tracingInterceptor } from '@clew/undici';

import { loadLibraries } from './bare.ts';
import type { ServiceOptions, ServiceVariant } from './variant.ts';

/** Clew as its README shows it: one line for each library. */
export async function clew({ framework, endpoint, ratio }: ServiceOptions): Promise<ServiceVariant> {
  const tracing = startTracing({ serviceName: 'bench', endpoint, sampler: ratio });
  const libraries = loadLibraries();
  libraries.prom.register.setContentType(libraries.prom.Registry.OPENMETRICS_CONTENT_TYPE as never);
  const { Histogram } = tracePromClient(libraries.prom);
  return {
    libraries,
    ...(await frameworkParts(framework)),
    tracePool: (pool) => tracePool(pool),
    traceDispatcher: (dispatcher) => dispatcher.compose(tracingInterceptor()),
    mixin: tracingMixin(),
    makeHistogram: (configuration) => new Histogram(configuration),
    flush: async () => {
      await tracing.forceFlush();
    },
  };
}

async function frameworkParts(
  framework: ServiceOptions['framework'],
): Promise<Pick<ServiceVariant, 'middleware' | 'register'>> {
  if (framework === 'express') {
    const { tracingMiddleware } = await import('@clew/express');
    return { middleware: [tracingMiddleware()] };
  }
  const { tracingPlugin } = await import('@clew/fastify');
  return {
    async register(app) {
      await app.register(tracingPlugin);
    },
  };
}
