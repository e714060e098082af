import { context, propagation, trace } from '@opentelemetry/api';

import type { Implementation } from './variant.ts';

/** The OpenTelemetry API with nothing registered: what the calls themselves cost. */
export function bare(): Implementation {
  return { tracer: trace.getTracer('bench'), trace, context, propagation, flush: async () => {} };
}
