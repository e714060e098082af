/** Stored traces to those that programs see. */
import { summaryOf } from './query/search.ts';
import type { LogStore } from './store/log-store.ts';
import { durationNs, KIND_NAMES, type Span } from './store/model.ts';
import { plainAttributes } from './store/plain.ts';
import type { StoredTrace } from './store/trace-store.ts';
import type { ViewerSpan, ViewerTrace } from './types.ts';

/** One trace with its log lines. */
export function viewerTrace(trace: StoredTrace, logs: LogStore): ViewerTrace {
  const summary = summaryOf(trace);
  return {
    traceId: trace.traceId,
    spans: [...trace.spans.values()].map(viewerSpan).sort(byStart),
    services: summary.services.map(({ name }) => name).sort(),
    logs: logs.get(trace.traceId),
    startNs: summary.startNs,
    durationNs: summary.durationNs,
    errorCount: summary.errorCount,
  };
}

function viewerSpan(span: Span): ViewerSpan {
  return {
    traceId: span.traceId,
    spanId: span.spanId,
    parentSpanId: span.parentSpanId === '' ? undefined : span.parentSpanId,
    name: span.name,
    // Unknown numbers of a later OTLP count as unspecified.
    kind: (KIND_NAMES[span.kind]?.toUpperCase() || 'UNSPECIFIED') as ViewerSpan['kind'],
    service: span.resource.service,
    startNs: span.startNs,
    durationNs: durationNs(span),
    status: { code: (['UNSET', 'OK', 'ERROR'] as const)[span.statusCode] ?? 'UNSET', message: span.statusMessage },
    attributes: plainAttributes(span.attributes),
    events: span.events.map(({ name, timeNs, attributes }) => ({
      name,
      timeNs,
      attributes: plainAttributes(attributes),
    })),
    links: span.links.map((link) => ({ ...link, attributes: plainAttributes(link.attributes) })),
    resource: plainAttributes(span.resource.attributes),
    scope: { ...span.scope },
  };
}

function byStart(a: ViewerSpan, b: ViewerSpan): number {
  return a.startNs < b.startNs ? -1 : a.startNs > b.startNs ? 1 : 0;
}
