import { startTracing, type TracerProvider } from '@clew/core';
import { tracePool } from '@clew/pg';
import { tracingMixin } from '@clew/pino';
import { tracePromClient } from '@clew/prom-client';
import { tracingInterceptor } from '@clew/undici';

import { loadLibraries } from './bare.ts';
import type { ServiceOptions, ServiceVariant } from './variant.ts';
import { refusing } from '../http/refusing.ts';

interface PluginOptions {
  tracerProvider?: TracerProvider;
}

/** Clew as its README shows it: one line for each library. */
export async function clew({ framework, endpoint, ratio, isAlone }: ServiceOptions): Promise<ServiceVariant> {
  const tracing = startTracing({ serviceName: 'bench', endpoint, ...refusing(ratio), register: isAlone });
  const options: PluginOptions = isAlone ? {} : { tracerProvider: tracing.provider };
  const libraries = loadLibraries();
  const { Registry } = libraries.prom;
  const { Histogram } = tracePromClient(libraries.prom);
  return {
    libraries,
    ...(await frameworkParts(framework, options)),
    tracePool: (pool) => tracePool(pool, options),
    traceDispatcher: (dispatcher) => dispatcher.compose(tracingInterceptor(options)),
    mixin: tracingMixin(),
    makeHistogram(configuration) {
      const registry = new Registry<typeof Registry.OPENMETRICS_CONTENT_TYPE>();
      registry.setContentType(Registry.OPENMETRICS_CONTENT_TYPE);
      return new Histogram({ ...configuration, registers: [registry as never] });
    },
    flush: async () => {
      await tracing.forceFlush();
    },
  };
}

async function frameworkParts(
  framework: ServiceOptions['framework'],
  options: PluginOptions,
): Promise<Pick<ServiceVariant, 'middleware' | 'register'>> {
  if (framework === 'express') {
    const { tracingMiddleware } = await import('@clew/express');
    return { middleware: [tracingMiddleware(options)] };
  }
  const { tracingPlugin } = await import('@clew/fastify');
  return {
    async register(app) {
      await app.register(tracingPlugin, options);
    },
  };
}
