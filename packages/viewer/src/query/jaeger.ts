/**
 * Traces in the JSON of Jaeger's query API, as Jaeger 2 answers it: tags sorted by key, one process per resource.
 *
 * The words `tag`, `log` and `process` are that format's own, and stay in this room.
 *
 * @see https://www.jaegertracing.io/docs/latest/architecture/apis/ "Query JSON over HTTP"
 */
import {
  type AnyValue,
  type Attribute,
  durationNs,
  KIND_NAMES,
  type Resource,
  type Span,
  type SpanEvent,
  STATUS_ERROR,
} from '../store/model.ts';
import { plainValue } from '../store/plain.ts';
import type { StoredTrace } from '../store/trace-store.ts';

export interface JaegerTag {
  readonly key: string;
  readonly type: 'string' | 'bool' | 'int64' | 'float64' | 'binary';
  readonly value: string | number | boolean;
}

export interface JaegerSpan {
  readonly traceID: string;
  readonly spanID: string;
  readonly operationName: string;
  readonly references: ReadonlyArray<{ refType: 'CHILD_OF' | 'FOLLOWS_FROM'; traceID: string; spanID: string }>;
  /** Microseconds since the Unix epoch. */
  readonly startTime: number;
  /** Microseconds. */
  readonly duration: number;
  readonly tags: readonly JaegerTag[];
  readonly logs: ReadonlyArray<{ readonly timestamp: number; readonly fields: readonly JaegerTag[] }>;
  readonly processID: string;
  readonly warnings: readonly string[] | null;
}

export interface JaegerTrace {
  readonly traceID: string;
  readonly spans: readonly JaegerSpan[];
  readonly processes: Readonly<Record<string, { serviceName: string; tags: readonly JaegerTag[] }>>;
  readonly warnings: readonly string[] | null;
}

/** Every reply of the query API. */
export interface JaegerEnvelope {
  readonly data: unknown;
  readonly total: number;
  readonly limit: number;
  readonly offset: number;
  readonly errors: ReadonlyArray<{ readonly code?: number; readonly msg: string; readonly traceID?: string }> | null;
}

/** A good reply. `total` is set for lists of names only, as in Jaeger. */
export function jaegerReply(data: unknown, total = 0): JaegerEnvelope {
  return { data, total, limit: 0, offset: 0, errors: null };
}

/** A refusal. */
export function jaegerError(code: number, msg: string): JaegerEnvelope {
  return { data: null, total: 0, limit: 0, offset: 0, errors: [{ code, msg }] };
}

/** One trace, its spans by start time. @param raw  true leaves out what Jaeger's clock-skew adjustment would remark */
export function jaegerTrace(trace: StoredTrace, raw: boolean): JaegerTrace {
  const spans = [...trace.spans.values()].sort(byStart);
  const ids = new Set(spans.map((span) => span.spanId));
  const processes = new ProcessTable();
  return {
    traceID: trace.traceId,
    spans: spans.map((span) => jaegerSpan(span, processes.idOf(span.resource), raw ? undefined : ids)),
    processes: processes.all(),
    warnings: trace.isPartial ? ['earlier spans of this trace were evicted'] : null,
  };
}

/** Tags that stand for what OTLP keeps in fields of its own. */
export function fieldTags(span: Span): JaegerTag[] {
  const tags: JaegerTag[] = [];
  const add = (key: string, value: string): void => {
    if (value !== '') tags.push({ key, type: 'string', value });
  };
  add('otel.scope.name', span.scope.name);
  add('otel.scope.version', span.scope.version);
  add('span.kind', KIND_NAMES[span.kind] ?? '');
  add('otel.status_code', ['', 'OK', 'ERROR'][span.statusCode] ?? '');
  add('otel.status_description', span.statusMessage);
  add('w3c.tracestate', span.traceState);
  if (span.statusCode === STATUS_ERROR) tags.push({ key: 'error', type: 'bool', value: true });
  return tags;
}

/** One attribute as a tag. */
export function jaegerTag({ key, value }: Attribute): JaegerTag {
  switch (value.type) {
    case 'bool':
      return { key, type: 'bool', value: value.value };
    case 'int64':
      // A JSON reader would round what lies beyond 2^53, so it goes as text, typed int64 all the same.
      return { key, type: 'int64', value: typeof value.value === 'bigint' ? value.value.toString() : value.value };
    case 'float64':
      // JSON has no word for NaN and the infinities.
      return { key, type: 'float64', value: Number.isFinite(value.value) ? value.value : String(value.value) };
    case 'bytes':
      return { key, type: 'binary', value: Buffer.from(value.value).toString('base64') };
    default:
      return { key, type: 'string', value: valueText(value) };
  }
}

/** Text of a string, list or map; lists and maps as the JSON that Go writes: keys sorted, `<>&` escaped. */
function valueText(value: AnyValue): string {
  if (value.type === 'string') return value.value;
  if (value.type === 'empty') return '';
  const json = JSON.stringify(sortKeys(plainValue(value)));
  return json.replace(
    /[<>&\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

function sortKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map((item) => sortKeys(item ?? null));
  if (typeof value !== 'object' || value === null) return value ?? null;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, item]) => [key, sortKeys(item)]));
}

function jaegerSpan(span: Span, processID: string, ids: ReadonlySet<string> | undefined): JaegerSpan {
  return {
    traceID: span.traceId,
    spanID: span.spanId,
    operationName: span.name,
    references: references(span),
    startTime: microseconds(span.startNs),
    duration: Math.trunc(durationNs(span) / 1000),
    tags: [...span.attributes.map(jaegerTag), ...fieldTags(span)].sort(byKey),
    logs: span.events.map(jaegerLog),
    processID,
    warnings: warnings(span, ids),
  };
}

function references(span: Span): JaegerSpan['references'] {
  const links = span.links.map(({ traceId, spanId }) => ({
    refType: 'FOLLOWS_FROM' as const,
    traceID: traceId,
    spanID: spanId,
  }));
  if (span.parentSpanId === '') return links;
  return [{ refType: 'CHILD_OF', traceID: span.traceId, spanID: span.parentSpanId }, ...links];
}

function jaegerLog(event: SpanEvent): JaegerSpan['logs'][number] {
  const fields = event.attributes.map(jaegerTag);
  if (event.name !== '') fields.push({ key: 'event', type: 'string', value: event.name });
  return { timestamp: microseconds(event.timeNs), fields: fields.sort(byKey) };
}

function warnings(span: Span, ids: ReadonlySet<string> | undefined): string[] | null {
  const found: string[] = [];
  if (span.endNs < span.startNs) {
    const original = goTime(span.endNs);
    const adjusted = goTime(span.startNs + 1n);
    found.push(
      `Negative duration detected, sanitizing end timestamp. Original end timestamp: ${original}, adjusted to: ${adjusted}`,
    );
  }
  if (ids !== undefined && span.parentSpanId !== '' && !ids.has(span.parentSpanId)) {
    found.push(`invalid parent span IDs=${span.parentSpanId}; skipping clock skew adjustment`);
  }
  return found.length === 0 ? null : found;
}

/** A time as Go prints it: the fraction of a second without trailing zeros. */
function goTime(timeNs: bigint): string {
  const seconds = new Date(Number(timeNs / 1_000_000_000n) * 1000);
  if (Number.isNaN(seconds.getTime())) return `${timeNs} ns`;
  const fraction = String(timeNs % 1_000_000_000n)
    .padStart(9, '0')
    .replace(/0+$/, '');
  const [date, time] = seconds.toISOString().split('T');
  return `${date} ${time?.slice(0, 8)}${fraction === '' ? '' : `.${fraction}`} +0000 UTC`;
}

function microseconds(timeNs: bigint): number {
  return Number(timeNs / 1000n);
}

function byStart(a: Span, b: Span): number {
  return a.startNs < b.startNs ? -1 : a.startNs > b.startNs ? 1 : 0;
}

function byKey(a: JaegerTag, b: JaegerTag): number {
  return a.key < b.key ? -1 : a.key > b.key ? 1 : 0;
}

/** Numbers equal resources, which arrive as a new object with each request. */
class ProcessTable {
  readonly #byObject = new Map<Resource, string>();
  readonly #byText = new Map<string, string>();
  readonly #processes: Record<string, { serviceName: string; tags: readonly JaegerTag[] }> = {};

  idOf(resource: Resource): string {
    const known = this.#byObject.get(resource);
    if (known !== undefined) return known;
    const tags = resource.attributes
      .filter(({ key }) => key !== 'service.name')
      .map(jaegerTag)
      .sort(byKey);
    const process = { serviceName: resource.service, tags };
    const text = JSON.stringify(process);
    const id = this.#byText.get(text) ?? `p${this.#byText.size + 1}`;
    this.#byText.set(text, id);
    this.#byObject.set(resource, id);
    this.#processes[id] = process;
    return id;
  }

  all(): JaegerTrace['processes'] {
    return this.#processes;
  }
}
