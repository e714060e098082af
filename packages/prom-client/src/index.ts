/** Exemplars for prom-client: metrics that point to the trace behind them. */
export { metricsHandler } from './metrics-handler.ts';
export { tracePromClient, withExemplars } from './trace-prom-client.ts';
export type { MetricsHandler, PromClient, PromRegistry, TracedPromClient, TracePromClientOptions } from './types.ts';
