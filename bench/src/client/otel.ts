import { registerInstrumentations } from '@opentelemetry/instrumentation';
import { UndiciInstrumentation } from '@opentelemetry/instrumentation-undici';

import { startSdk } from '../http/otel.ts';
import { bare } from './plain.ts';
import type { Client, Recording, Transport } from './variant.ts';

/** The official SDK with its undici instrumentation, which has one way for all clients: the diagnostics channels. */
export async function otel(transport: Transport, { endpoint, ratio }: Recording): Promise<Client> {
  const provider = startSdk(endpoint, ratio);
  const instrumentation = new UndiciInstrumentation();
  registerInstrumentations({ instrumentations: [instrumentation] });
  instrumentation.disable();
  const listen = (): (() => void) => {
    instrumentation.enable();
    return () => instrumentation.disable();
  };
  return { ...(await bare(transport)), listen, flush: () => provider.forceFlush() };
}
