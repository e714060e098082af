/**
 * OTLP requests in JSON: parsed text to spans and log records.
 *
 * @see https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding "ids are hex, enums are numbers, unknown fields are ignored"
 */
import { intern } from '../store/intern.ts';
import {
  type AnyValue,
  type Attribute,
  type Resource,
  type Scope,
  type Span,
  type SpanEvent,
  type SpanLink,
  serviceName,
} from '../store/model.ts';
import { type Fields, list, number, object, text, uint64 } from './json-fields.ts';
import type { LogRecord } from './log-record.ts';
import { DecodeError, MAX_DEPTH } from './protobuf.ts';

/** As deep as {@link MAX_DEPTH} lets protobuf nest: five messages around a value, two for each level. */
const MAX_VALUE_DEPTH = Math.floor((MAX_DEPTH - 5) / 2);
const ANY_EMPTY: AnyValue = { type: 'empty' };
const KINDS = ['UNSPECIFIED', 'INTERNAL', 'SERVER', 'CLIENT', 'PRODUCER', 'CONSUMER'].map(
  (kind) => `SPAN_KIND_${kind}`,
);
const STATUS_CODES = ['STATUS_CODE_UNSET', 'STATUS_CODE_OK', 'STATUS_CODE_ERROR'];

/**
 * Reads a parsed `ExportTraceServiceRequest`.
 *
 * @throws DecodeError naming the field that has the wrong type
 */
export function decodeJsonTraces(request: unknown): Span[] {
  const spans: Span[] = [];
  for (const resourceSpans of list(object(request, 'request'), 'resourceSpans')) {
    const resource = readResource(resourceSpans);
    for (const scopeSpans of list(resourceSpans, 'scopeSpans')) {
      const scope = readScope(scopeSpans);
      for (const span of list(scopeSpans, 'spans')) spans.push(readSpan(span, resource, scope));
    }
  }
  return spans;
}

/**
 * Reads a parsed `ExportLogsServiceRequest`.
 *
 * @throws DecodeError naming the field that has the wrong type
 */
export function decodeJsonLogs(request: unknown): LogRecord[] {
  const records: LogRecord[] = [];
  for (const resourceLogs of list(object(request, 'request'), 'resourceLogs')) {
    const resource = readResource(resourceLogs);
    for (const scopeLogs of list(resourceLogs, 'scopeLogs')) {
      for (const record of list(scopeLogs, 'logRecords')) records.push(readLogRecord(record, resource));
    }
  }
  return records;
}

function readResource(holder: Fields): Resource {
  const attributes = readAttributes(object(holder.resource, 'resource'));
  return { service: intern(serviceName(attributes)), attributes };
}

function readScope(holder: Fields): Scope {
  const scope = object(holder.scope, 'scope');
  return { name: intern(text(scope, 'name')), version: intern(text(scope, 'version')) };
}

function readSpan(span: Fields, resource: Resource, scope: Scope): Span {
  const status = object(span.status, 'status');
  const parentSpanId = text(span, 'parentSpanId').toLowerCase();
  return {
    traceId: text(span, 'traceId').toLowerCase(),
    spanId: text(span, 'spanId').toLowerCase(),
    parentSpanId: parentSpanId === '0000000000000000' ? '' : parentSpanId,
    traceState: text(span, 'traceState'),
    name: intern(text(span, 'name')),
    kind: enumeration(span, 'kind', KINDS),
    startNs: uint64(span, 'startTimeUnixNano'),
    endNs: uint64(span, 'endTimeUnixNano'),
    attributes: readAttributes(span),
    events: list(span, 'events').map(readEvent),
    links: list(span, 'links').map(readLink),
    statusCode: enumeration(status, 'code', STATUS_CODES),
    statusMessage: text(status, 'message'),
    resource,
    scope,
  };
}

function readEvent(event: Fields): SpanEvent {
  return {
    timeNs: uint64(event, 'timeUnixNano'),
    name: intern(text(event, 'name')),
    attributes: readAttributes(event),
  };
}

function readLink(link: Fields): SpanLink {
  return {
    traceId: text(link, 'traceId').toLowerCase(),
    spanId: text(link, 'spanId').toLowerCase(),
    attributes: readAttributes(link),
  };
}

function readLogRecord(record: Fields, resource: Resource): LogRecord {
  return {
    timeNs: uint64(record, 'timeUnixNano'),
    observedNs: uint64(record, 'observedTimeUnixNano'),
    severity: number(record, 'severityNumber'),
    traceId: text(record, 'traceId').toLowerCase(),
    spanId: text(record, 'spanId').toLowerCase(),
    body: readAnyValue(record.body, 0),
    attributes: readAttributes(record),
    resource,
  };
}

function readAttributes(holder: Fields): Attribute[] {
  return list(holder, 'attributes').map((attribute) => readKeyValue(attribute, 0));
}

function readKeyValue(attribute: Fields, depth: number): Attribute {
  return { key: intern(text(attribute, 'key')), value: readAnyValue(attribute.value, depth) };
}

function readAnyValue(raw: unknown, depth: number): AnyValue {
  if (depth > MAX_VALUE_DEPTH) throw new DecodeError(`attribute values nested deeper than ${MAX_VALUE_DEPTH}`);
  const value = object(raw, 'value');
  if (value.stringValue != null) return { type: 'string', value: intern(text(value, 'stringValue')) };
  if (value.intValue != null) return { type: 'int64', value: int64(value.intValue) };
  if (value.boolValue != null) return { type: 'bool', value: value.boolValue === true };
  if (value.doubleValue != null) return { type: 'float64', value: number(value, 'doubleValue') };
  if (value.arrayValue != null) {
    const items = object(value.arrayValue, 'arrayValue');
    return { type: 'array', value: list(items, 'values').map((item) => readAnyValue(item, depth + 1)) };
  }
  if (value.kvlistValue != null) {
    const pairs = object(value.kvlistValue, 'kvlistValue');
    return { type: 'map', value: list(pairs, 'values').map((pair) => readKeyValue(pair, depth + 1)) };
  }
  if (value.bytesValue != null) return { type: 'bytes', value: Buffer.from(text(value, 'bytesValue'), 'base64') };
  return ANY_EMPTY;
}

/** The specification wants numbers; some senders write the names, as protobuf's own JSON does. */
function enumeration(holder: Fields, key: string, names: readonly string[]): number {
  const given = holder[key];
  if (typeof given === 'string' && names.includes(given)) return names.indexOf(given);
  return number(holder, key);
}

function int64(given: unknown): number | bigint {
  const isText = typeof given === 'string' && /^-?\d{1,19}$/.test(given);
  if (!isText && !Number.isInteger(given)) throw new DecodeError('intValue must be an integer');
  // Both are checked to be integers: digits, or a number without fraction.
  const exact = BigInt(given as string | number);
  if (exact !== BigInt.asIntN(64, exact)) throw new DecodeError('intValue must fit 64 bits');
  const value = Number(exact);
  return Number.isSafeInteger(value) ? value : exact;
}
