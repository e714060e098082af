import { replaceHttpRequest } from './null-transport.ts';
import type { Implementation } from './variant.ts';

/** Clew with its defaults, its batches and its encoder; the socket alone is replaced. */
export async function clew(ratio: 0 | 1): Promise<Implementation> {
  const sent = replaceHttpRequest();
  const { context, propagation, startTracing, trace } = await import('@clew/core');
  const tracing = startTracing({ serviceName: 'bench', endpoint: 'http://127.0.0.1:9', sampler: ratio });
  const tracer = tracing.provider.getTracer('bench');
  const flush = (): Promise<void> => tracing.forceFlush();
  tracer.startSpan('first').end();
  await flush();
  // Without the replacement nothing would listen on port 9, and what is measured would be an outage.
  if (sent.posts !== ratio) throw new Error(`${sent.posts} batches came to the replaced transport`);
  return { tracer, trace, context, propagation, flush };
}
