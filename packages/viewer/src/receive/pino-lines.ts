/**
 * Log lines as pino writes them: one JSON object a line.
 *
 * Names are those of `@clew/pino` and of the OpenTelemetry convention for JSON logs: `trace_id`, `span_id`, `trace_flags`.
 */
import { isSpanId, isTraceId, type LogLine, UNNAMED_SERVICE } from '../store/model.ts';

/** What became of the lines of one request. */
export interface ParsedLines {
  readonly lines: LogLine[];
  /** Lines that are no JSON object. Blank lines are neither. */
  readonly rejected: number;
}

const PINO_LEVELS: ReadonlyArray<readonly [number, LogLine['level']]> = [
  [60, 'fatal'],
  [50, 'error'],
  [40, 'warn'],
  [30, 'info'],
  [20, 'debug'],
];
const LEVEL_NAMES: readonly string[] = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'];
/** Fields that have a place of their own in a {@link LogLine}, and so are not repeated among `fields`. */
const PLACED = new Set(['time', 'level', 'msg', 'trace_id', 'span_id', 'trace_flags']);

/** Reads NDJSON. `nowNs` is the time of lines that carry none. */
export function parsePinoLines(body: string, nowNs: bigint): ParsedLines {
  const lines: LogLine[] = [];
  let rejected = 0;
  for (const text of body.split('\n')) {
    if (text.trim() === '') continue;
    const line = parseLine(text, nowNs);
    if (line === undefined) rejected++;
    else lines.push(line);
  }
  return { lines, rejected };
}

function parseLine(text: string, nowNs: bigint): LogLine | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) return undefined;
  // Checked just above: a JSON object.
  const line = parsed as Record<string, unknown>;
  const traceId = id(line.trace_id);
  const spanId = id(line.span_id);
  const service = line.service ?? line.name;
  return {
    traceId: isTraceId(traceId) ? traceId : '',
    timeNs: timeOf(line.time) ?? nowNs,
    level: levelOf(line.level),
    spanId: isSpanId(spanId) ? spanId : '',
    service: typeof service === 'string' ? service : UNNAMED_SERVICE,
    msg: typeof line.msg === 'string' ? line.msg : '',
    fields: Object.fromEntries(Object.entries(line).filter(([key, value]) => isField(key, value, service))),
  };
}

function isField(key: string, value: unknown, service: unknown): boolean {
  if (key === 'service' || key === 'name') return value !== service;
  return !PLACED.has(key);
}

function id(value: unknown): string {
  return typeof value === 'string' ? value.toLowerCase() : '';
}

function levelOf(level: unknown): LogLine['level'] {
  if (typeof level === 'string') {
    const name = level.toLowerCase();
    // A label is either one of pino's, or a custom one that says nothing of its rank.
    return LEVEL_NAMES.includes(name) ? (name as LogLine['level']) : 'info';
  }
  if (typeof level !== 'number') return 'info';
  // Custom levels lie between pino's own and count as the one below.
  return PINO_LEVELS.find(([least]) => level >= least)?.[1] ?? 'trace';
}

/** pino's `epochTime` (ms), `unixTime` (s), `isoTime`, and nanoseconds as text or number; `undefined` when it is none of them. */
function timeOf(time: unknown): bigint | undefined {
  if (typeof time === 'string') {
    if (/^\d{19}$/.test(time)) return BigInt(time);
    const epochMs = Date.parse(time);
    return Number.isNaN(epochMs) ? undefined : BigInt(epochMs) * 1_000_000n;
  }
  if (typeof time !== 'number' || !(time > 0) || time > 1e19) return undefined;
  // The magnitude tells the unit: seconds have ten digits until the year 2286, each unit adds three.
  if (time < 1e11) return BigInt(Math.round(time * 1e3)) * 1_000_000n;
  if (time < 1e14) return BigInt(Math.round(time * 1e3)) * 1_000n;
  if (time < 1e17) return BigInt(Math.round(time)) * 1_000n;
  return BigInt(Math.round(time));
}
