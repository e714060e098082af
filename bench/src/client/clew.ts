import { startTracing } from '@clew/core';
import { traceFetch, traceUndici, tracingInterceptor } from '@clew/undici';
import { Agent } from 'undici';

import { fetchBy, requestThrough } from './plain.ts';
import type { Client, ClientOptions } from './variant.ts';

/** Clew as its README shows it: the defaults, one way of tracing, OTLP/HTTP in protobuf. */
export function clew({ client, endpoint, ratio }: ClientOptions): Client {
  const tracing = startTracing({ serviceName: 'bench', endpoint, sampler: ratio });
  const flush = async (): Promise<void> => {
    await tracing.forceFlush();
  };
  if (client === 'fetch') return { send: fetchBy(traceFetch(fetch)), flush };
  if (client === 'request') return { send: requestThrough(new Agent().compose(tracingInterceptor())), flush };
  traceUndici();
  return { send: requestThrough(new Agent()), flush };
}
