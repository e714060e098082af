import { registerInstrumentations } from '@opentelemetry/instrumentation';
import { UndiciInstrumentation } from '@opentelemetry/instrumentation-undici';

import { startSdk } from '../http/otel.ts';
import { bare } from './plain.ts';
import type { Client, ClientOptions } from './variant.ts';

/** The official SDK with its undici instrumentation, which has one way for all clients: the diagnostics channels. */
export function otel({ client, endpoint, ratio }: ClientOptions): Client {
  const provider = startSdk(endpoint, ratio);
  registerInstrumentations({ instrumentations: [new UndiciInstrumentation()] });
  return { ...bare({ client }), flush: () => provider.forceFlush() };
}
