/** What all HTTP libraries share: server and client spans, names, attributes, errors and redaction. */
export {
  CLIENT_OPTION_NAMES,
  type ClientRequestInfo,
  type ClientResponseInfo,
  type HttpClientOptions,
} from './client-options.ts';
export type { ClientSpan } from './client-span.ts';
export { HttpClientTracing } from './client-tracing.ts';
export { errorType, setErrorStatus } from '../exception.ts';
export { methodInName, OTHER_METHOD, readKnownMethods } from './method.ts';
export { DEFAULT_REDACTED_QUERY_KEYS, queryRedactor, type Redact, REDACTED, urlRedactor } from './redact.ts';
export { RouteEntry, RouteTable } from './route-table.ts';
export type { Semconv } from './semconv.ts';
export type { HttpServerOptions } from './server-options.ts';
export { type ServerSpan, serverSpanOf } from './server-span.ts';
export type { Forwarded } from './server-start.ts';
export type { ServerLibrary } from './server-library.ts';
export { splitTarget } from './server-target.ts';
export { HttpServerTracing } from './server-tracing.ts';
export { failStep, outsideOfStep, startStep } from './step-span.ts';
