import { startTracing, type TracerProvider } from '@clew/core';

import type { Variant, VariantOptions } from './variant.ts';
import { refusing } from './refusing.ts';

/** Clew as its README shows it: the defaults, the plugin of the framework, OTLP/HTTP in protobuf. */
export async function clew({ framework, endpoint, ratio, isAlone }: VariantOptions): Promise<Variant> {
  const tracing = startTracing({ serviceName: 'bench', endpoint, ...refusing(ratio), register: isAlone });
  const options: { tracerProvider?: TracerProvider } = isAlone ? {} : { tracerProvider: tracing.provider };
  const flush = async (): Promise<void> => {
    await tracing.forceFlush();
  };
  if (framework === 'express') {
    const { tracingMiddleware } = await import('@clew/express');
    return { middleware: [tracingMiddleware(options)], flush };
  }
  const { tracingPlugin } = await import('@clew/fastify');
  return {
    async register(app) {
      await app.register(tracingPlugin, options);
    },
    flush,
  };
}
