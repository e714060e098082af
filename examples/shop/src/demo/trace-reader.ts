// Reads a trace from an API in Jaeger's shape: the viewer's and Jaeger's own.

/** What the demo needs to know of a span. */
export interface ReadSpan {
  id: string;
  parentId: string | undefined;
  service: string;
  name: string;
  /** `SERVER`, `CLIENT`, `PRODUCER`, `CONSUMER` or `INTERNAL`. */
  kind: string;
  /** Unix time, microseconds. */
  startUs: number;
  durationUs: number;
  attributes: Map<string, unknown>;
}

interface Reference {
  refType: string;
  traceID: string;
  spanID: string;
}

interface JaegerSpan {
  traceID: string;
  spanID: string;
  operationName: string;
  processID: string;
  startTime: number;
  duration: number;
  references?: Reference[];
  tags?: { key: string; value: unknown }[];
}

interface JaegerTrace {
  spans: JaegerSpan[];
  processes: Record<string, { serviceName: string }>;
}

/**
 * The spans of a trace that have arrived so far, in order of their start; none while the trace is unknown.
 *
 * @throws Error when nothing answers at `queryUrl`
 */
export async function readTrace(queryUrl: string, traceId: string): Promise<ReadSpan[]> {
  const response = await fetch(`${queryUrl.replace(/\/$/, '')}/api/traces/${traceId}`).catch(() => {
    throw new Error(`No trace can be read: nothing answers at ${queryUrl}.`);
  });
  if (response.status === 404) return [];
  if (!response.ok) throw new Error(`${response.url} answered with status ${response.status}`);
  const { data } = (await response.json()) as { data?: JaegerTrace[] | null };
  const spans = (data ?? []).flatMap((trace) => trace.spans.map((span) => toReadSpan(span, trace)));
  return spans.sort((a, b) => a.startUs - b.startUs);
}

function toReadSpan(span: JaegerSpan, trace: JaegerTrace): ReadSpan {
  const attributes = new Map(span.tags?.map((tag) => [tag.key, tag.value]));
  return {
    id: span.spanID,
    parentId: parentOf(span)?.spanID,
    service: trace.processes[span.processID]?.serviceName ?? '?',
    name: span.operationName,
    kind: String(attributes.get('span.kind') ?? 'internal').toUpperCase(),
    startUs: span.startTime,
    durationUs: span.duration,
    attributes,
  };
}

/** Jaeger shows a parent to which the span also has a link, as a consumer has, as this link alone. */
function parentOf({ references = [], traceID }: JaegerSpan): Reference | undefined {
  const here = references.filter((reference) => reference.traceID === traceID);
  return here.find((reference) => reference.refType === 'CHILD_OF') ?? here[0];
}
