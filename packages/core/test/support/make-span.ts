/** Finished spans for tests of exporters. */
import { type HrTime, SpanKind, type SpanStatus } from '@opentelemetry/api';
import type { ReadableSpan } from '../../src/export/readable-span.ts';

export const TRACE_ID = '0af7651916cd43dd8448eb211c80319c';

/** What a test says about a span; times are milliseconds since some second. */
export interface SpanSketch {
  id?: string;
  traceId?: string;
  parent?: string;
  isParentRemote?: boolean;
  name?: string;
  kind?: SpanKind;
  service?: string;
  startMs?: number;
  endMs?: number;
  status?: SpanStatus;
}

export function makeSpan(sketch: SpanSketch): ReadableSpan {
  const { traceId = TRACE_ID, startMs = 0, endMs = 1 } = sketch;
  const spanContext = { traceId, spanId: (sketch.id ?? '1').padStart(16, '0'), traceFlags: 1 };
  return {
    name: sketch.name ?? 'span',
    kind: sketch.kind ?? SpanKind.INTERNAL,
    spanContext: () => spanContext,
    parentSpanContext:
      sketch.parent === undefined
        ? undefined
        : { traceId, spanId: sketch.parent.padStart(16, '0'), traceFlags: 1, isRemote: sketch.isParentRemote ?? false },
    startTime: at(startMs),
    endTime: at(endMs),
    duration: [Math.floor((endMs - startMs) / 1000), Math.round(((endMs - startMs) % 1000) * 1e6)],
    status: sketch.status ?? { code: 0 },
    attributes: {},
    links: [],
    events: [],
    ended: true,
    resource: { attributes: { 'service.name': sketch.service ?? 'shop' } },
    instrumentationScope: { name: 'test' },
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
  };
}

function at(ms: number): HrTime {
  return [1_700_000_000 + Math.floor(ms / 1000), Math.round((ms % 1000) * 1e6)];
}
