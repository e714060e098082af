/** Trace ids in pino's log lines. */
export { tracingMixin } from './tracing-mixin.ts';
export type { Mixin, TracingMixinOptions } from './types.ts';
