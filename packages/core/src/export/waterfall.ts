/** Draws traces as text: a line a span, indented below its parent, with a bar on the time axis of its trace. */
import { type HrTime, SpanKind, SpanStatusCode } from '@opentelemetry/api';
import type { ReadableSpan } from './readable-span.ts';

/** How a waterfall is drawn. */
export interface WaterfallOptions {
  /** Whether terminal colours are used. Default false. */
  colors?: boolean | undefined;
  /** Columns of a line. 80 or more. Default 110. */
  width?: number | undefined;
}

const DEFAULT_WIDTH = 110;
const MIN_WIDTH = 80;
const BAR_WIDTH = 30;
const DURATION_WIDTH = 9;
const MAX_INDENT_LEVELS = 16;
const SERVICE_WIDTH = 24;

/** A span at its place in the tree. */
interface Row {
  span: ReadableSpan;
  level: number;
}

/** The first start and the last end of a trace, milliseconds since the first span's second. */
interface Period {
  second: number;
  startMs: number;
  endMs: number;
}

/**
 * Draw finished spans, one tree for each trace, in the order in which the traces appear.
 *
 * @param spans  of any number of traces; one whose parent is not among them stands at the left
 * @returns lines that end in a line break; the empty string when there are no spans
 */
export function formatWaterfall(spans: readonly ReadableSpan[], options: WaterfallOptions = {}): string {
  const traces = new Map<string, ReadableSpan[]>();
  for (const span of spans) {
    const { traceId } = span.spanContext();
    const trace = traces.get(traceId);
    if (trace === undefined) traces.set(traceId, [span]);
    else trace.push(span);
  }
  const width = Math.max(MIN_WIDTH, options.width ?? DEFAULT_WIDTH);
  const paint = options.colors === true ? paintColored : paintPlain;
  let text = '';
  for (const [traceId, trace] of traces) text += formatTrace(traceId, trace, width, paint);
  return text;
}

function formatTrace(traceId: string, spans: readonly ReadableSpan[], width: number, paint: Paint): string {
  const rows = toRows(spans);
  const period = periodOf(spans);
  const count = spans.length === 1 ? '1 span' : `${spans.length} spans`;
  const lines = [paint('dim', `trace ${traceId}  ${count}  ${formatMs(period.endMs - period.startMs)}`)];
  const labels = rows.map(labelOf);
  const room = width - DURATION_WIDTH - BAR_WIDTH - 4;
  const labelWidth = Math.min(
    room,
    labels.reduce((longest, label) => Math.max(longest, lengthOf(label)), 0),
  );
  rows.forEach(({ span, level }, index) => {
    const isError = span.status.code === SpanStatusCode.ERROR;
    const label = paint(isError ? 'red' : 'plain', fit(labels[index] ?? '', labelWidth));
    const duration = formatMs(toMs(span.duration, 0)).padStart(DURATION_WIDTH);
    lines.push(`${label} ${duration}  ${paint(isError ? 'red' : 'bar', barOf(span, period))}`);
    if (isError && span.status.message) {
      lines.push(paint('red', fit(`${indent(level)}  ${printable(span.status.message)}`, width).trimEnd()));
    }
  });
  return `${lines.join('\n')}\n`;
}

/** The spans of one trace, parents before children, children by their start. */
function toRows(spans: readonly ReadableSpan[]): Row[] {
  const ids = new Set(spans.map((span) => span.spanContext().spanId));
  const children = new Map<string, ReadableSpan[]>();
  const roots: ReadableSpan[] = [];
  for (const span of [...spans].sort(byStart)) {
    const parentId = span.parentSpanContext?.spanId;
    const siblings = parentId === undefined ? undefined : children.get(parentId);
    if (parentId === undefined || !ids.has(parentId)) roots.push(span);
    else if (siblings === undefined) children.set(parentId, [span]);
    else siblings.push(span);
  }
  const rows: Row[] = [];
  const seen = new Set<ReadableSpan>();
  // Spans whose parents form a ring are reached from no root; they come last, so that none is missing.
  for (const root of [...roots, ...spans]) descend(root, children, seen, rows);
  return rows;
}

function descend(
  root: ReadableSpan,
  children: Map<string, ReadableSpan[]>,
  seen: Set<ReadableSpan>,
  rows: Row[],
): void {
  // A stack of our own: a trace can be deeper than JavaScript's.
  const stack: Row[] = [{ span: root, level: 0 }];
  for (let row = stack.pop(); row !== undefined; row = stack.pop()) {
    if (seen.has(row.span)) continue;
    seen.add(row.span);
    rows.push(row);
    const below = children.get(row.span.spanContext().spanId) ?? [];
    for (const child of below.toReversed()) stack.push({ span: child, level: row.level + 1 });
  }
}

function labelOf({ span, level }: Row): string {
  const mark = span.status.code === SpanStatusCode.ERROR ? '✗ ' : '';
  const service = printable(String(span.resource.attributes['service.name'] ?? ''));
  const shown = lengthOf(service) > SERVICE_WIDTH ? fit(service, SERVICE_WIDTH) : service;
  const words = [shown, SpanKind[span.kind] ?? '', printable(span.name)].filter((word) => word !== '');
  return `${indent(level)}${mark}${words.join(' ')}`;
}

function barOf(span: ReadableSpan, period: Period): string {
  const lengthMs = period.endMs - period.startMs;
  const scale = lengthMs > 0 ? BAR_WIDTH / lengthMs : 0;
  const from = (toMs(span.startTime, period.second) - period.startMs) * scale;
  const to = (toMs(span.endTime, period.second) - period.startMs) * scale;
  const start = Math.min(BAR_WIDTH - 1, Math.max(0, Math.floor(from)));
  const length = Math.max(1, Math.min(BAR_WIDTH - start, Math.round(to - from)));
  return ' '.repeat(start) + '█'.repeat(length);
}

function periodOf(spans: readonly ReadableSpan[]): Period {
  const second = spans[0]?.startTime[0] ?? 0;
  let startMs = Number.POSITIVE_INFINITY;
  let endMs = Number.NEGATIVE_INFINITY;
  for (const span of spans) {
    startMs = Math.min(startMs, toMs(span.startTime, second));
    endMs = Math.max(endMs, toMs(span.endTime, second));
  }
  return { second, startMs, endMs };
}

/** Milliseconds since `second`: since the epoch a double would not hold the microseconds. */
function toMs(time: HrTime, second: number): number {
  return (time[0] - second) * 1000 + time[1] / 1e6;
}

function byStart(a: ReadableSpan, b: ReadableSpan): number {
  return a.startTime[0] - b.startTime[0] || a.startTime[1] - b.startTime[1];
}

/** A duration for people: three digits and the unit that fits. */
export function formatMs(ms: number): string {
  if (ms >= 1000) return `${(ms / 1000).toFixed(2)} s`;
  return ms >= 1 ? `${ms.toFixed(1)} ms` : `${(ms * 1000).toFixed(0)} µs`;
}

function indent(level: number): string {
  return '  '.repeat(Math.min(level, MAX_INDENT_LEVELS));
}

/** Exactly `width` characters: cut with an ellipsis, or filled with blanks. */
function fit(text: string, width: number): string {
  const characters = [...text];
  if (characters.length > width) return `${characters.slice(0, width - 1).join('')}…`;
  return text + ' '.repeat(width - characters.length);
}

function lengthOf(text: string): number {
  return [...text].length;
}

/** Names and messages come from outside: a control character in them could rewrite the operator's terminal. */
function printable(text: string): string {
  return text.slice(0, 500).replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ');
}

type Paint = (style: 'plain' | 'dim' | 'red' | 'bar', text: string) => string;

const paintPlain: Paint = (_, text) => text;

const CODES = { plain: '', dim: '\u001b[2m', red: '\u001b[31m', bar: '\u001b[36m' };
const paintColored: Paint = (style, text) => (style === 'plain' ? text : `${CODES[style]}${text}\u001b[0m`);
