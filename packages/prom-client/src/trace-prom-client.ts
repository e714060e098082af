/** Counters and histograms that point to the active span: subclasses of the classes that are handed over. */
import { activeSpanContext, ClewError, checkOptionNames, type SpanContext } from '@clew/core';
import type { Counter, Histogram } from 'prom-client';
import { readCall, readLabels } from './call-forms.ts';
import { exemplarLabels } from './exemplar-labels.ts';
import type { PromClient, TracedPromClient, TracePromClientOptions } from './types.ts';

const OPENMETRICS = 'application/openmetrics-text';
const TRACED = Symbol.for('@clew/prom-client traced');

type AnyFunction = (...args: unknown[]) => unknown;

/** A metric as its instances are inside: methods as own properties, and the names of its labels. */
interface OpenMetric {
  type?: string;
  enableExemplars?: boolean;
  labelNames: readonly string[];
  inc?: AnyFunction;
  observe?: AnyFunction;
  labels: AnyFunction;
  startTimer?: AnyFunction;
  [TRACED]?: boolean;
}

/**
 * Classes that are used like prom-client's own and give each increment and observation an exemplar of the active span.
 *
 * All call forms work, also those that prom-client refuses for metrics with exemplars.
 *
 * @param client  the module: `import client from 'prom-client'`
 * @throws ClewError `CLEW_ERR_TARGET` when it is not prom-client 15, `CLEW_ERR_OPTION` for a wrong option. The classes
 *   throw `CLEW_ERR_OPTION` for a registry that is not OpenMetrics, because the plain format has no exemplars
 */
export function tracePromClient(client: PromClient, options: TracePromClientOptions = {}): TracedPromClient {
  if (typeof client?.Counter !== 'function' || typeof client.Histogram !== 'function') {
    throw new ClewError('CLEW_ERR_TARGET', 'tracePromClient needs the module prom-client, with Counter and Histogram');
  }
  checkOptions('tracePromClient', options);
  class TracedCounter extends client.Counter {
    constructor(config: ConstructorParameters<typeof Counter>[0]) {
      super(withExemplarsOn(client, config) as ConstructorParameters<typeof Counter>[0]);
      attach(this, options);
    }
  }
  class TracedHistogram extends client.Histogram {
    constructor(config: ConstructorParameters<typeof Histogram>[0]) {
      super(withExemplarsOn(client, config) as ConstructorParameters<typeof Histogram>[0]);
      attach(this, options);
    }
  }
  // Generic in their label names like the classes they extend, which a class made inside a function cannot say.
  return { Counter: TracedCounter as typeof Counter, Histogram: TracedHistogram as typeof Histogram };
}

/**
 * Exemplars for one metric that exists already. It must have been made with `enableExemplars: true`. Gauges and
 * summaries have no exemplars and pass through unchanged.
 *
 * @returns the same object
 * @throws ClewError `CLEW_ERR_TARGET` when the metric was made without exemplars
 */
export function withExemplars<M extends object>(metric: M, options: TracePromClientOptions = {}): M {
  checkOptions('withExemplars', options);
  const { inc, observe, enableExemplars, type } = metric as Partial<OpenMetric>;
  const hasExemplars = type === 'counter' || type === 'histogram';
  if (typeof inc !== 'function' && typeof observe !== 'function') {
    throw new ClewError('CLEW_ERR_TARGET', 'withExemplars needs a metric of prom-client');
  }
  if (!hasExemplars) return metric;
  if (enableExemplars !== true) {
    throw new ClewError('CLEW_ERR_TARGET', 'the metric was made without enableExemplars: true');
  }
  attach(metric, options);
  return metric;
}

function checkOptions(where: string, options: TracePromClientOptions): void {
  checkOptionNames(where, options, ['timerExemplar']);
  const { timerExemplar } = options;
  if (timerExemplar !== undefined && timerExemplar !== 'start' && timerExemplar !== 'end') {
    throw new ClewError('CLEW_ERR_OPTION', `timerExemplar must be "start" or "end", got ${String(timerExemplar)}`);
  }
}

function withExemplarsOn(client: PromClient, config: unknown): unknown {
  // What is no object is left to prom-client's own error.
  if (typeof config !== 'object' || config === null) return config;
  const given = config as { name?: string; enableExemplars?: boolean; registers?: Array<{ contentType?: string }> };
  if (given.enableExemplars === false) return config;
  const registers = given.registers ?? [(client as { register?: { contentType?: string } }).register];
  for (const registry of registers) {
    if (registry?.contentType === undefined || registry.contentType.startsWith(OPENMETRICS)) continue;
    throw new ClewError(
      'CLEW_ERR_OPTION',
      `the registry of ${given.name} must be OpenMetrics before the metric is made: ` +
        'call registry.setContentType(Registry.OPENMETRICS_CONTENT_TYPE), and serve it with metricsHandler(registry)',
    );
  }
  return { ...config, enableExemplars: true };
}

function attach(instance: object, options: TracePromClientOptions): void {
  // prom-client sets its methods as own properties in its constructors, and so do we, behind it.
  const metric = instance as OpenMetric;
  if (metric[TRACED] === true || metric.enableExemplars !== true) return;
  Object.defineProperty(metric, TRACED, { value: true });
  if (metric.inc !== undefined) attachCounter(metric, metric.inc);
  else if (metric.observe !== undefined) attachHistogram(metric, metric.observe, options);
}

function attachCounter(metric: OpenMetric, inc: AnyFunction): void {
  metric.inc = (first, second) => {
    const call = readCall(metric.labelNames, first, second);
    // Nothing was counted, so there is nothing to point to.
    const exemplar = call.value === 0 ? undefined : exemplarLabels(activeSpanContext(), call.exemplarLabels);
    inc.call(metric, toOptions(call.labels, call.value, exemplar));
  };
}

function attachHistogram(metric: OpenMetric, observe: AnyFunction, options: TracePromClientOptions): void {
  const record = (labels: unknown, value: unknown, own: unknown, context: SpanContext | undefined): void => {
    const exemplar = exemplarLabels(context, own as Record<string, unknown> | undefined);
    observe.call(metric, toOptions(labels, value, exemplar));
  };
  metric.observe = (first, second) => {
    const call = readCall(metric.labelNames, first, second);
    record(call.labels, call.value, call.exemplarLabels, activeSpanContext());
  };
  const startTimer = (labels: unknown, own: unknown): AnyFunction => {
    const startedAt = process.hrtime.bigint();
    const startContext = options.timerExemplar === 'start' ? activeSpanContext() : undefined;
    return (endLabels, endOwn) => {
      const seconds = Number(process.hrtime.bigint() - startedAt) / 1e9;
      const context = options.timerExemplar === 'start' ? startContext : activeSpanContext();
      record(merged(labels, endLabels), seconds, merged(own, endOwn), context);
      return seconds;
    };
  };
  metric.startTimer = startTimer as AnyFunction;
  const checkLabels = metric.labels;
  metric.labels = (...args) => {
    // For its errors about names that do not exist; what it returns would record without exemplars.
    checkLabels.apply(metric, args);
    const labels = readLabels(metric.labelNames, args);
    return {
      observe: (value: unknown) => record(labels, value, undefined, activeSpanContext()),
      startTimer: () => startTimer(labels, undefined),
    };
  };
}

function merged(first: unknown, second: unknown): Record<string, unknown> {
  return { ...(first as object | undefined), ...(second as object | undefined) };
}

// prom-client takes its defaults for what is undefined.
function toOptions(labels: unknown, value: unknown, exemplarLabels: unknown): Record<string, unknown> {
  return { labels, value, exemplarLabels };
}
