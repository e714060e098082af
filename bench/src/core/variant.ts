import type { ContextAPI, PropagationAPI, TraceAPI, Tracer } from '@opentelemetry/api';

import type { Serve } from './server-request.ts';

/** What a case is run on: the OpenTelemetry API as an application sees it, over one implementation. */
export interface Implementation {
  readonly tracer: Tracer;
  readonly trace: TraceAPI;
  readonly context: ContextAPI;
  readonly propagation: PropagationAPI;
  /** A server as the implementation's HTTP plugin traces it. */
  readonly serve: Serve;
  /** Send every span that has ended. */
  flush(): Promise<void>;
}

/** Spans in one export request, and so between two flushes of a case: the default of both implementations. */
export const BATCH_SPANS = 512;

/** Implementations by name; only the one that a process runs is loaded. */
export const IMPLEMENTATIONS: Record<string, (ratio: 0 | 1) => Promise<Implementation>> = {
  bare: async () => (await import('./bare.ts')).bare(),
  clew: async (ratio) => (await import('./clew.ts')).clew(ratio),
  otel: async (ratio) => (await import('./otel.ts')).otel(ratio),
};
