import { createRequire } from 'node:module';

import { instrument, startSdk } from '../http/otel.ts';
import { bare } from './bare.ts';
import type { ServiceOptions, ServiceVariant } from './variant.ts';

const require = createRequire(import.meta.url);

/** The official SDK with the instrumentations of these libraries and no others; it has none for prom-client. */
export function otel({ framework, endpoint, ratio }: ServiceOptions): ServiceVariant {
  const provider = startSdk(endpoint, ratio);
  const { PgInstrumentation } =
    require('@opentelemetry/instrumentation-pg') as typeof import('@opentelemetry/instrumentation-pg');
  const { PinoInstrumentation } =
    require('@opentelemetry/instrumentation-pino') as typeof import('@opentelemetry/instrumentation-pino');
  const { UndiciInstrumentation } =
    require('@opentelemetry/instrumentation-undici') as typeof import('@opentelemetry/instrumentation-undici');
  // Log lines get their ids; sending them as log records would be work that Clew's variant does not do.
  const pino = new PinoInstrumentation({ disableLogSending: true });
  const register = instrument(framework, [new PgInstrumentation(), pino, new UndiciInstrumentation()]);
  return { ...bare(), ...(register && { register }), flush: () => provider.forceFlush() };
}
