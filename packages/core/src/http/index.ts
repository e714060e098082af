/** What all HTTP libraries share: server and client spans, names, attributes, errors and redaction. */
export { methodInName, OTHER_METHOD, readKnownMethods } from './method.ts';
export { DEFAULT_REDACTED_QUERY_KEYS, queryRedactor, type Redact, REDACTED, urlRedactor } from './redact.ts';
export { RouteEntry, RouteTable } from './route-table.ts';
export type { Semconv } from './semconv.ts';
export type { HttpServerOptions } from './server-options.ts';
export { type Forwarded, type ServerSpan, serverSpanOf } from './server-span.ts';
export { HttpServerTracing, type ServerLibrary } from './server-tracing.ts';
