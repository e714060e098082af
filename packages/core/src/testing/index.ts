/** What users need in their own tests: finished spans, in memory, asked for by name or kind. */
export {
  type CollectedSpan,
  type CollectedSpans,
  collectSpans,
  SpanCollector,
  type SpanKindName,
  type TestContextLike,
} from './collect-spans.ts';
export { InMemorySpanExporter } from '../export/memory.ts';
