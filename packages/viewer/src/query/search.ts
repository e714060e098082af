/** Finds traces by walking all spans: a hundred thousand take milliseconds, so there is no index to keep right. */
import { summarize, type TraceSummary } from '../analyze/summary.ts';
import { type Attribute, durationNs, KIND_NAMES, type Span, STATUS_ERROR } from '../store/model.ts';
import type { StoredTrace, TraceStore } from '../store/trace-store.ts';
import { fieldTags, jaegerTag } from './jaeger.ts';
import type { TraceQuery } from './jaeger-params.ts';

/** A trace and what a list shows of it. */
export interface FoundTrace {
  readonly trace: StoredTrace;
  readonly summary: TraceSummary;
}

/** Summaries are made once per change of a trace, and live as long as the trace. */
const summaries = new WeakMap<StoredTrace, { revision: number; summary: TraceSummary }>();

/** The summary of a trace, from memory while it has not changed. */
export function summaryOf(trace: StoredTrace): TraceSummary {
  const known = summaries.get(trace);
  if (known?.revision === trace.revision) return known.summary;
  const summary = summarize(trace.traceId, trace.spans.values());
  summaries.set(trace, { revision: trace.revision, summary });
  return summary;
}

/** Whole traces that hold a span matching all clauses, newest start first. */
export function searchTraces(store: TraceStore, query: TraceQuery): FoundTrace[] {
  return newestFirst(candidates(store, query)).slice(0, query.limit);
}

/** The newest traces, of one service or of all. */
export function newestTraces(store: TraceStore, service: string, limit: number): FoundTrace[] {
  const all = [...store.all()].filter((trace) => service === '' || hasService(trace, service));
  return newestFirst(all).slice(0, limit);
}

/** Names of all services held, sorted. */
export function serviceNames(store: TraceStore): string[] {
  const names = new Set<string>();
  for (const trace of store.all()) for (const { name } of summaryOf(trace).services) names.add(name);
  return [...names].sort();
}

/** Names and kinds of a service's spans, sorted. @param spanKind  only this kind; empty for all */
export function operations(
  store: TraceStore,
  service: string,
  spanKind: string,
): Array<{ name: string; spanKind: string }> {
  const found = new Map<string, { name: string; spanKind: string }>();
  for (const trace of store.all()) {
    if (!hasService(trace, service)) continue;
    for (const span of trace.spans.values()) {
      const kind = KIND_NAMES[span.kind] ?? '';
      if (span.resource.service !== service || (spanKind !== '' && kind !== spanKind)) continue;
      found.set(`${kind} ${span.name}`, { name: span.name, spanKind: kind });
    }
  }
  return [...found.values()].sort((a, b) => compare(a.name, b.name) || compare(a.spanKind, b.spanKind));
}

function candidates(store: TraceStore, query: TraceQuery): StoredTrace[] {
  if (query.traceIds.length > 0) {
    return [...new Set(query.traceIds)].map((id) => store.get(id)).filter((trace) => trace !== undefined);
  }
  const found: StoredTrace[] = [];
  for (const trace of store.all()) {
    if (!hasService(trace, query.service)) continue;
    for (const span of trace.spans.values()) {
      if (!matches(span, query)) continue;
      found.push(trace);
      break;
    }
  }
  return found;
}

function hasService(trace: StoredTrace, service: string): boolean {
  return summaryOf(trace).services.some(({ name }) => name === service);
}

function newestFirst(traces: readonly StoredTrace[]): FoundTrace[] {
  return traces
    .map((trace) => ({ trace, summary: summaryOf(trace) }))
    .sort((a, b) => (a.summary.startNs < b.summary.startNs ? 1 : a.summary.startNs > b.summary.startNs ? -1 : 0));
}

function matches(span: Span, query: TraceQuery): boolean {
  if (span.resource.service !== query.service) return false;
  if (query.operation !== '' && span.name !== query.operation) return false;
  if (query.startNs !== undefined && span.startNs < query.startNs) return false;
  if (query.endNs !== undefined && span.startNs > query.endNs) return false;
  const tookNs = durationNs(span);
  if (query.minDurationNs !== undefined && tookNs < query.minDurationNs) return false;
  if (query.maxDurationNs !== undefined && tookNs > query.maxDurationNs) return false;
  for (const [key, value] of query.tags) if (!hasTag(span, key, value)) return false;
  return true;
}

function hasTag(span: Span, key: string, value: string): boolean {
  // An error is a status in OTLP, so `error=false` finds every span that did not fail.
  if (key === 'error' && value === String(span.statusCode === STATUS_ERROR)) return true;
  if (hasAttribute(span.attributes, key, value) || hasAttribute(span.resource.attributes, key, value)) return true;
  if (fieldTags(span).some((tag) => tag.key === key && String(tag.value) === value)) return true;
  return span.events.some(
    (event) => (key === 'event' && event.name === value) || hasAttribute(event.attributes, key, value),
  );
}

function hasAttribute(attributes: readonly Attribute[], key: string, value: string): boolean {
  return attributes.some((attribute) => attribute.key === key && String(jaegerTag(attribute).value) === value);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
