import { startTracing } from '@clew/core';
import { traceFetch, traceUndici, tracingInterceptor } from '@clew/undici';

import { fetchBy, requestThrough } from './plain.ts';
import type { Client, Recording, Transport } from './variant.ts';
import { refusing } from '../http/refusing.ts';

/** Clew as its README shows it: the defaults, one way of tracing, OTLP/HTTP in protobuf. */
export async function clew(transport: Transport, { endpoint, ratio }: Recording): Promise<Client> {
  const tracing = startTracing({ serviceName: 'bench', endpoint, ...refusing(ratio) });
  const flush = async (): Promise<void> => {
    await tracing.forceFlush();
  };
  if (transport.client === 'fetch') return { send: fetchBy(traceFetch(fetch)), flush };
  const { client, dispatcher } = transport;
  if (client === 'channels') return { send: await requestThrough(dispatcher), listen: traceUndici, flush };
  return { send: await requestThrough(dispatcher.compose(tracingInterceptor())), flush };
}
