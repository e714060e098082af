/** Conformance suites and back ends for the tests of Clew's packages; never published. */
export {
  BACKENDS,
  type Backend,
  type BackendKind,
  type BackendOptions,
  startBackend,
  type TestContext,
} from './backends.ts';
export { type DatabaseClient, type DatabaseLibrary, databaseSuite, type QueryCallback } from './database-suite.ts';
export type {
  Answer,
  Exchange,
  HttpServerLibrary,
  SuiteHandler,
  SuiteOptions,
  SuiteServer,
} from './http-server-bench.ts';
export { httpServerSuite } from './http-server-suite.ts';
export type { MessagingClient, MessagingLibrary, ReceivedMessage, SuiteMessage } from './messaging-bench.ts';
export { messagingSuite } from './messaging-suite.ts';
export {
  type DecodedAttributes,
  type DecodedEvent,
  type DecodedLink,
  type DecodedRequest,
  type DecodedScope,
  type DecodedSpan,
  decodeOtlp,
  decodeOtlpJson,
  reencodeOtlp,
} from './otlp-decoder.ts';
export { type ProgramResult, readmeProgram, runReadmeProgram } from './readme-program.ts';
export type {
  ClientAnswer,
  ClientRequest,
  ClientSuiteOptions,
  HttpClientLibrary,
  SuiteClient,
} from './http-client-bench.ts';
export { httpClientSuite } from './http-client-suite.ts';
export {
  type CollectedMetric,
  type CollectedMetrics,
  collectLogs,
  collectMetrics,
  type MetricPoint,
} from './signals.ts';
export { headerSetFault } from './wire-grammar.ts';
