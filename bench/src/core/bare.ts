import { context, propagation, trace } from '@opentelemetry/api';

import { serveByHand } from './server-request.ts';
import type { Implementation } from './variant.ts';

/** The OpenTelemetry API with nothing registered: what the calls themselves cost. */
export function bare(): Implementation {
  const serve = serveByHand((_request, answer) => answer());
  return { tracer: trace.getTracer('bench'), trace, context, propagation, serve, flush: async () => {} };
}
