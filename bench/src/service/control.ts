import { AsyncLocalStorage } from 'node:async_hooks';

import type { Framework } from '../http/variant.ts';
import { passOn, SPAN_ID, TRACE_ID } from '../passed-on.ts';
import { bare } from './bare.ts';
import type { ServiceVariant } from './variant.ts';

const FIELDS = { trace_id: TRACE_ID, span_id: SPAN_ID, trace_flags: '00' };

/**
 * What a request costs that is traced and not sampled, without any tracing: a store around it, ids in its log line and in
 * the headers of what it asks for, all of them always the same, and handlers that pass on. Nothing looks at queries.
 */
export function control(framework: Framework): ServiceVariant {
  const stored = new AsyncLocalStorage<object>();
  return {
    ...bare(),
    ...(framework === 'express'
      ? { middleware: [(_request, _response, next) => stored.run(FIELDS, next)] }
      : {
          async register(app) {
            app.addHook('onRequest', (_request, _reply, done) => stored.run(FIELDS, done));
          },
        }),
    traceDispatcher: (dispatcher) => dispatcher.compose(passOn),
    mixin: () => ({ ...FIELDS }),
  };
}
