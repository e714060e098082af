/** The shapes of prom-client that this package uses, and its own options. */
import type { Counter, Histogram } from 'prom-client';

/** The module `prom-client`, as far as it is used. */
export interface PromClient {
  Counter: typeof Counter;
  Histogram: typeof Histogram;
}

/** What `tracePromClient` gives: the same classes, with exemplars. */
export interface TracedPromClient {
  Counter: typeof Counter;
  Histogram: typeof Histogram;
}

/** Options of `tracePromClient` and `withExemplars`. */
export interface TracePromClientOptions {
  /** Which span a timer's exemplar names: the one active when it ends, or when it started. Default `end`. */
  timerExemplar?: 'start' | 'end';
}

/** A registry whose metrics are served; prom-client's own types fit. */
export interface PromRegistry {
  readonly contentType: string;
  metrics(): Promise<string>;
}

/** Serves metrics under Express, Fastify and `node:http`. */
export type MetricsHandler = (request: object, response: object) => Promise<void>;
