import { startTracing } from '@clew/core';

import type { Variant, VariantOptions } from './variant.ts';

/** Clew as its README shows it: the defaults, the plugin of the framework, OTLP/HTTP in protobuf. */
export async function clew({ framework, endpoint, ratio }: VariantOptions): Promise<Variant> {
  const tracing = startTracing({ serviceName: 'bench', endpoint, sampler: ratio });
  const flush = (): Promise<void> => tracing.forceFlush();
  if (framework === 'express') {
    const { tracingMiddleware } = await import('@clew/express');
    return { middleware: [tracingMiddleware()], flush };
  }
  const { tracingPlugin } = await import('@clew/fastify');
  return {
    async register(app) {
      await app.register(tracingPlugin);
    },
    flush,
  };
}
