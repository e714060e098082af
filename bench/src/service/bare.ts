import { createRequire } from 'node:module';

import type { Libraries, ServiceVariant } from './variant.ts';

// The official instrumentations need `require`, so every variant loads its libraries so.
const require = createRequire(import.meta.url);

export function loadLibraries(): Libraries {
  return { pg: require('pg'), undici: require('undici'), pino: require('pino'), prom: require('prom-client') };
}

/** The libraries alone. */
export function bare(): ServiceVariant {
  const libraries = loadLibraries();
  return {
    libraries,
    tracePool: (pool) => pool,
    traceDispatcher: (dispatcher) => dispatcher,
    makeHistogram: (configuration) =>
      new libraries.prom.Histogram({ ...configuration, registers: [new libraries.prom.Registry()] }),
    flush: async () => {},
  };
}
