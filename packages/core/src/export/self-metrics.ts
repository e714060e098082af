/**
 * What tracing tells about itself as metrics: the `otel.sdk.*` instruments of the semantic conventions and some of our
 * own, for the meter provider that is registered when tracing starts. The numbers are those of `Tracing.stats()`.
 */
import { type Attributes, type Meter, metrics, type ObservableResult } from '@opentelemetry/api';
import { VERSION } from '../version.ts';
import type { ExporterStats, SpoolStats } from './exporter-stats.ts';
import type { BatchTransport } from './transport.ts';

/** Where one exporter's numbers come from. */
export interface MeasuredExporter {
  /** `otel.component.type`, such as `otlp_http_exporter`. */
  readonly componentType: string;
  readonly maxQueueSpans: number;
  readonly stats: ExporterStats;
}

/** Where the numbers of all come from; read when metrics are collected. */
export interface MeasuredTracing {
  spans(): { started: number; ended: number };
  /** In the order of the `exporter` option. */
  exporters(): MeasuredExporter[];
}

// Dropped before a batch was made: the processor's; every other reason is the exporter's.
const PROCESSOR_REASONS = ['queue_full', 'already_shutdown', 'encode_error'];
const PROCESSOR_TYPE = 'batching_span_processor';

const SPOOL: Array<[name: string, kind: 'Counter' | 'UpDownCounter', read: (spool: SpoolStats) => number]> = [
  ['clew.spool.bytes', 'UpDownCounter', ({ bytes }) => bytes],
  ['clew.spool.files', 'UpDownCounter', ({ files }) => files],
  ['clew.spool.evicted', 'Counter', ({ evicted }) => evicted],
];

type Observe = (result: ObservableResult, exporter: MeasuredExporter, attributes: Attributes) => void;

/**
 * Offer the numbers to the registered meter provider; without one this does nothing.
 *
 * @returns stops offering them
 */
export function observeTracing(tracing: MeasuredTracing): () => void {
  const meter = metrics.getMeter('@clew/core', VERSION);
  const stops: Array<() => void> = [];
  const observe = (name: string, kind: 'Counter' | 'UpDownCounter', read: (result: ObservableResult) => void): void => {
    const instrument = makeInstrument(meter, name, kind);
    instrument.addCallback(read);
    stops.push(() => instrument.removeCallback(read));
  };
  const perExporter = (type: string | undefined, read: Observe) => (result: ObservableResult) => {
    tracing.exporters().forEach((exporter, i) => {
      read(result, exporter, component(type ?? exporter.componentType, i));
    });
  };
  observe('otel.sdk.span.started', 'Counter', (result) => result.observe(tracing.spans().started));
  observe('otel.sdk.span.live', 'UpDownCounter', (result) => {
    const { started, ended } = tracing.spans();
    result.observe(started - ended);
  });
  observe(
    'otel.sdk.processor.span.queue.size',
    'UpDownCounter',
    perExporter(PROCESSOR_TYPE, (result, { stats }, attributes) => result.observe(stats.queued, attributes)),
  );
  observe(
    'otel.sdk.processor.span.queue.capacity',
    'UpDownCounter',
    perExporter(PROCESSOR_TYPE, (result, { maxQueueSpans }, attributes) => result.observe(maxQueueSpans, attributes)),
  );
  observe('otel.sdk.processor.span.processed', 'Counter', perExporter(PROCESSOR_TYPE, observeProcessed));
  observe(
    'otel.sdk.exporter.span.inflight',
    'UpDownCounter',
    perExporter(undefined, (result, { stats }, attributes) => {
      result.observe(stats.inFlight + stats.retrying, attributes);
    }),
  );
  observe('otel.sdk.exporter.span.exported', 'Counter', perExporter(undefined, observeExported));
  for (const [name, kind, read] of SPOOL) {
    observe(
      name,
      kind,
      perExporter(undefined, (result, { stats }, attributes) => {
        if (stats.spool !== undefined) result.observe(read(stats.spool), attributes);
      }),
    );
  }
  return () => {
    for (const stop of stops) stop();
  };
}

function observeProcessed(result: ObservableResult, { stats }: MeasuredExporter, attributes: Attributes): void {
  let handedOver = stats.accepted - stats.queued;
  for (const reason of PROCESSOR_REASONS) {
    const count = stats.dropped[reason] ?? 0;
    handedOver -= count;
    if (count > 0) result.observe(count, { ...attributes, 'error.type': reason });
  }
  result.observe(handedOver, attributes);
}

function observeExported(result: ObservableResult, { stats }: MeasuredExporter, attributes: Attributes): void {
  result.observe(stats.exported, attributes);
  if (stats.rejected > 0) result.observe(stats.rejected, { ...attributes, 'error.type': 'rejected' });
  for (const [reason, count] of Object.entries(stats.dropped)) {
    if (!PROCESSOR_REASONS.includes(reason)) result.observe(count, { ...attributes, 'error.type': reason });
  }
}

/**
 * A transport whose attempts are measured: `otel.sdk.exporter.operation.duration`, `clew.exporter.retries`,
 * `clew.exporter.bytes`.
 *
 * @param index  its place in the `exporter` option
 */
export function measureTransport(transport: BatchTransport, index: number): BatchTransport {
  const meter = metrics.getMeter('@clew/core', VERSION);
  const attributes = component(componentTypeOf(transport), index);
  const duration = meter.createHistogram('otel.sdk.exporter.operation.duration', {
    unit: 's',
    description: 'The duration of one attempt to send a batch.',
  });
  const retries = meter.createCounter('clew.exporter.retries', {
    unit: '{attempt}',
    description: 'Attempts that failed and are repeated.',
  });
  const bytes = meter.createCounter('clew.exporter.bytes', {
    unit: 'By',
    description: 'Bytes of batches that were delivered, before compression.',
  });
  return {
    name: transport.name,
    concurrency: transport.concurrency,
    componentType: componentTypeOf(transport),
    ...(transport.target === undefined ? {} : { target: transport.target }),
    createBuffer: () => transport.createBuffer(),
    async send(batch, signal) {
      const startedMs = performance.now();
      const result = await transport.send(batch, signal);
      const error =
        result.kind === 'delivered' ? {} : { 'error.type': result.kind === 'drop' ? result.reason : 'retry' };
      duration.record((performance.now() - startedMs) / 1000, { ...attributes, ...error });
      if (result.kind === 'retry') retries.add(1, attributes);
      if (result.kind === 'delivered') bytes.add(batch.bytes, attributes);
      return result;
    },
    ...(transport.flush === undefined ? {} : { flush: () => transport.flush?.() ?? Promise.resolve() }),
    close: () => transport.close(),
  };
}

/** `otel.component.type` of a transport. */
export function componentTypeOf(transport: BatchTransport | undefined): string {
  return transport?.componentType ?? 'span_exporter';
}

function component(type: string, index: number): Attributes {
  return { 'otel.component.type': type, 'otel.component.name': `${type}/${index}` };
}

function makeInstrument(
  meter: Meter,
  name: string,
  kind: 'Counter' | 'UpDownCounter',
): ReturnType<Meter['createObservableCounter']> {
  const options = { unit: UNITS[name] ?? '{span}', description: DESCRIPTIONS[name] ?? name };
  return kind === 'Counter'
    ? meter.createObservableCounter(name, options)
    : meter.createObservableUpDownCounter(name, options);
}

const UNITS: Record<string, string> = { 'clew.spool.bytes': 'By', 'clew.spool.files': '{file}' };

const DESCRIPTIONS: Record<string, string> = {
  'otel.sdk.span.started': 'Recording spans that were started.',
  'otel.sdk.span.live': 'Recording spans that have not ended.',
  'otel.sdk.processor.span.queue.size': 'Spans that wait to be sent.',
  'otel.sdk.processor.span.queue.capacity': 'Spans that may wait to be sent.',
  'otel.sdk.processor.span.processed': 'Spans that were handed to the exporter, or dropped before.',
  'otel.sdk.exporter.span.inflight': 'Spans that are being sent or wait for another attempt.',
  'otel.sdk.exporter.span.exported': 'Spans that were delivered, or given up with a reason.',
  'clew.spool.bytes': 'Size of the batches on disk.',
  'clew.spool.files': 'Batches on disk.',
  'clew.spool.evicted': 'Spans removed from disk unsent, for want of room or for their age.',
};
