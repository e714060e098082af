/** What a list shows of a trace. Pure. */
import { durationNs, type Span, STATUS_ERROR } from '../store/model.ts';

/** One trace in few words. */
export interface TraceSummary {
  readonly traceId: string;
  /** The span without a parent in the trace that started first. */
  readonly root: { readonly service: string; readonly operation: string; readonly statusCode: number };
  /** Nanoseconds since the Unix epoch. */
  readonly startNs: bigint;
  /** From the first start to the last end. Nanoseconds. */
  readonly durationNs: number;
  readonly spanCount: number;
  readonly errorCount: number;
  /** By the number of their spans, most first. */
  readonly services: ReadonlyArray<{ readonly name: string; readonly count: number; readonly errorCount: number }>;
}

/** Sums a trace up. @param spans at least one */
export function summarize(traceId: string, spans: Iterable<Span>): TraceSummary {
  const all = [...spans];
  const ids = new Set(all.map((span) => span.spanId));
  const root = all.reduce((best, span) => (isBetterRoot(span, best, ids) ? span : best));
  const startNs = all.reduce((least, span) => (span.startNs < least ? span.startNs : least), root.startNs);
  const endNs = all.reduce((most, span) => later(span, most), startNs);
  return {
    traceId,
    root: { service: root.resource.service, operation: root.name, statusCode: root.statusCode },
    startNs,
    durationNs: Number(endNs - startNs),
    spanCount: all.length,
    errorCount: all.filter((span) => span.statusCode === STATUS_ERROR).length,
    services: countServices(all),
  };
}

function later(span: Span, endNs: bigint): bigint {
  const end = span.startNs + BigInt(durationNs(span));
  return end > endNs ? end : endNs;
}

function isBetterRoot(span: Span, best: Span, ids: ReadonlySet<string>): boolean {
  const rank = rootRank(span, ids) - rootRank(best, ids);
  return rank > 0 || (rank === 0 && span.startNs < best.startNs);
}

/** 2: no parent at all, 1: the parent is not here (yet), 0: a child. */
function rootRank(span: Span, ids: ReadonlySet<string>): number {
  if (span.parentSpanId === '') return 2;
  return ids.has(span.parentSpanId) ? 0 : 1;
}

function countServices(spans: readonly Span[]): TraceSummary['services'] {
  const services = new Map<string, { name: string; count: number; errorCount: number }>();
  for (const span of spans) {
    const name = span.resource.service;
    const entry = services.get(name) ?? { name, count: 0, errorCount: 0 };
    entry.count++;
    if (span.statusCode === STATUS_ERROR) entry.errorCount++;
    services.set(name, entry);
  }
  return [...services.values()].sort((a, b) => b.count - a.count || (a.name < b.name ? -1 : 1));
}
