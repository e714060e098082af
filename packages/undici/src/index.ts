/** Client spans for undici and the built-in fetch. */
export { traceFetch } from './trace-fetch.ts';
export { traceUndici } from './trace-undici.ts';
export { tracingInterceptor } from './tracing-interceptor.ts';
export type {
  ClientRequestInfo,
  ClientResponseInfo,
  TraceFetchOptions,
  TracingInterceptorOptions,
  TraceUndiciOptions,
} from './types.ts';
