/** Options of the three ways to trace undici. */
import type { ClientRequestInfo, ClientResponseInfo, HttpClientOptions } from '@clew/core/http';

export type { ClientRequestInfo, ClientResponseInfo };

/** Options of `traceFetch`. A body is the caller's to read, so a span always ends with the response headers. */
export type TraceFetchOptions = Omit<HttpClientOptions, 'endOn'>;

/** Options of `tracingInterceptor`. */
export interface TracingInterceptorOptions extends HttpClientOptions {
  /**
   * Scheme, host and port of the requests, such as `https://api.example.com`; for a `Client` or `Pool` of undici 6 and
   * 7, which does not tell its interceptors. Default: what undici tells, else the request's host header.
   */
  origin?: string;
}

/** Options of `traceUndici`. */
export type TraceUndiciOptions = HttpClientOptions;
