/** A pino `mixin`: gives fields for a log line. Structural, so that no type of pino's is needed to compile. */
// biome-ignore lint/suspicious/noExplicitAny: pino's own type differs between its versions in the last two parameters.
export type Mixin = (mergeObject: object, level: number, logger?: any) => object;

/** Options of `tracingMixin`. */
export interface TracingMixinOptions {
  /** Field names. Default `trace_id`, `span_id` and `trace_flags`. */
  fields?: {
    /** Default `trace_id`. */
    traceId?: string;
    /** Default `span_id`. */
    spanId?: string;
    /** Default `trace_flags`. */
    traceFlags?: string;
  };
}
