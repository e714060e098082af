import { replaceHttpRequest } from './null-transport.ts';
import type { Implementation } from './variant.ts';

/** Clew with its defaults, its batches and its encoder; the socket alone is replaced. */
export async function clew(ratio: 0 | 1): Promise<Implementation> {
  const sent = replaceHttpRequest();
  const { context, propagation, startTracing, trace } = await import('@clew/core');
  const tracing = startTracing({ serviceName: 'bench', endpoint: 'http://127.0.0.1:9', sampler: ratio });
  return {
    tracer: tracing.provider.getTracer('bench'),
    trace,
    context,
    propagation,
    async flush() {
      await tracing.forceFlush();
      // Without the replacement nothing would listen on port 9, and what is measured would be an outage.
      if (ratio === 1 && sent.posts === 0) throw new Error('no batch came to the replaced transport');
    },
  };
}
