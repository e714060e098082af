/** Clew's core: tracer, context and propagation. */

// Starting
export type { ExporterName, StartTracingOptions } from './start-options.ts';
export { startTracing, type Tracing, type TracingStats } from './start-tracing.ts';
export { getTracer, withSpan, type WithSpanOptions } from './with-span.ts';

// The OpenTelemetry API, as far as everyday code needs it
export {
  type Attributes,
  type AttributeValue,
  type Baggage,
  type Context,
  context,
  type Link,
  propagation,
  type Span,
  type SpanContext,
  SpanKind,
  type SpanOptions,
  SpanStatusCode,
  type TextMapGetter,
  type TextMapPropagator,
  type TextMapSetter,
  type Tracer,
  type TracerProvider,
  trace,
} from '@opentelemetry/api';

// Provider
export { ClewContextManager } from './context.ts';
export { ClewTracerProvider, type ProviderOptions } from './provider.ts';
export type { IdGenerator } from './span-start.ts';
export type { InstrumentationScope, SpanLimits } from './span-data.ts';
export { createResource, type Resource } from './resource.ts';

// Samplers
export { alwaysOff, alwaysOn } from './sampler/always.ts';
export { annotate } from './sampler/annotate.ts';
export { anyOf } from './sampler/any-of.ts';
export type { ClewSampler } from './sampler/clew-sampler.ts';
export { healthChecks } from './sampler/health-checks.ts';
export { fromOtel, toOtel } from './sampler/otel-bridge.ts';
export { type ParentBasedOptions, parentBased, parentThreshold } from './sampler/parent-based.ts';
export { type RatioOptions, ratio } from './sampler/ratio.ts';
export { recordAll } from './sampler/record-all.ts';
export type { AttributeCriterion, RuleCriteria, TextCriterion } from './sampler/rule-match.ts';
export { type Rule, rules } from './sampler/rules.ts';
export type {
  IntentSampler,
  OnSamplerError,
  Sampler,
  SamplingDecision,
  SamplingIntent,
  SamplingRequest,
  SamplingResult,
} from './sampler/types.ts';

// Propagation
export {
  type AnyCaseCarrier,
  anyCaseGetter,
  environmentGetter,
  environmentSetter,
  type HeaderCarrier,
  headerGetter,
  headerSetter,
} from './propagation/carrier.ts';
export { createPropagator, type PropagatorName } from './propagation/composite.ts';
export type { IncomingCall, PluginDefaults, PropagateTo, TrustIncoming } from './plugin-defaults.ts';

// Export
export { type BatchOptions, BatchSpanProcessor } from './export/batch.ts';
export { ConsoleSpanExporter, type ConsoleSpanExporterOptions } from './export/console.ts';
export type { ConsoleStream } from './export/console-stream.ts';
export type { ExporterStats } from './export/exporter-stats.ts';
export type { FlushResult } from './export/flush-watch.ts';
export { InMemorySpanExporter } from './export/memory.ts';
export type { HttpPostOptions } from './export/http-post.ts';
export { type OtlpHttpOptions, OtlpHttpTransport } from './export/otlp-http.ts';
export { OtlpStdoutTransport } from './export/otlp-stdout.ts';
export type { ReadableSpan, SpanExporter, SpanProcessor, SpanResource } from './export/readable-span.ts';
export { formatWaterfall, type WaterfallOptions } from './export/waterfall.ts';
export type { SpoolOptions } from './export/spool.ts';
export { ZipkinTransport } from './export/zipkin.ts';

// For plugins
export { activeSpanContext, type PluginOptions, PluginTracing } from './plugin.ts';
export {
  checkArray,
  checkBoolean,
  checkFunction,
  checkInteger,
  checkNumber,
  checkObject,
  checkOneOf,
  checkOptionNames,
  checkString,
  showValue,
} from './config/options.ts';
export { describeError, reportFault } from './faults.ts';

// Errors
export { ClewError, type ClewErrorCode, isClewError } from './errors.ts';
