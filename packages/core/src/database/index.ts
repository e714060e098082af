/** What all clients of SQL databases share: query spans, query text without values, summaries and errors. */
export { Connection, type ConnectionFacts } from './connection.ts';
export { type DatabaseSystem, DatabaseTracing } from './database-tracing.ts';
export type { DatabaseOptions, QueryInfo, QueryTextMode } from './options.ts';
export { sanitizeQuery } from './sanitize-query.ts';
export type { Semconv } from './semconv.ts';
export { type QuerySummary, summarizeQuery } from './summarize-query.ts';
