/**
 * OTLP requests in protobuf: bytes to spans and log records.
 *
 * Own reader instead of a library: see RATIONALE.md. Unknown fields are passed over, as protobuf asks. Field numbers
 * are those of `opentelemetry/proto/{trace,logs,common,resource}/v1/*.proto`.
 */
import {
  type AnyValue,
  type Attribute,
  type Resource,
  type Scope,
  type Span,
  type SpanEvent,
  type SpanLink,
  serviceName,
  UNNAMED_SERVICE,
} from '../store/model.ts';
import type { LogRecord } from './log-record.ts';
import { BYTES, FIXED64, ProtoReader, VARINT } from './protobuf.ts';

const EMPTY: AnyValue = { type: 'empty' };
const NO_ATTRIBUTES: readonly Attribute[] = [];

/**
 * Reads an `ExportTraceServiceRequest`.
 *
 * @throws DecodeError when the bytes are not one
 */
export function decodeTraces(bytes: Buffer): Span[] {
  const spans: Span[] = [];
  const request = new ProtoReader(bytes);
  while (request.next()) {
    if (request.is(1, BYTES)) readResourceSpans(request, spans);
    else request.skip();
  }
  return spans;
}

/**
 * Reads an `ExportLogsServiceRequest`.
 *
 * @throws DecodeError when the bytes are not one
 */
export function decodeLogs(bytes: Buffer): LogRecord[] {
  const records: LogRecord[] = [];
  const request = new ProtoReader(bytes);
  while (request.next()) {
    if (request.is(1, BYTES)) readResourceLogs(request, records);
    else request.skip();
  }
  return records;
}

function readResourceSpans(reader: ProtoReader, spans: Span[]): void {
  // Fields may come in any order: the resource object is shared first and filled when it is read.
  const resource: Resource = { service: UNNAMED_SERVICE, attributes: [] };
  const end = reader.enter();
  while (reader.next()) {
    if (reader.is(1, BYTES)) readResource(reader, resource);
    else if (reader.is(2, BYTES)) readScopeSpans(reader, resource, spans);
    else reader.skip();
  }
  reader.leave(end);
}

function readResourceLogs(reader: ProtoReader, records: LogRecord[]): void {
  const resource: Resource = { service: UNNAMED_SERVICE, attributes: [] };
  const end = reader.enter();
  while (reader.next()) {
    if (reader.is(1, BYTES)) readResource(reader, resource);
    else if (reader.is(2, BYTES)) readScopeLogs(reader, resource, records);
    else reader.skip();
  }
  reader.leave(end);
}

function readResource(reader: ProtoReader, resource: Resource): void {
  const end = reader.enter();
  while (reader.next()) {
    if (reader.is(1, BYTES)) resource.attributes.push(readKeyValue(reader));
    else reader.skip();
  }
  reader.leave(end);
  resource.service = serviceName(resource.attributes);
}

function readScopeSpans(reader: ProtoReader, resource: Resource, spans: Span[]): void {
  const scope: Scope = { name: '', version: '' };
  const end = reader.enter();
  while (reader.next()) {
    if (reader.is(1, BYTES)) readScope(reader, scope);
    else if (reader.is(2, BYTES)) spans.push(readSpan(reader, resource, scope));
    else reader.skip();
  }
  reader.leave(end);
}

function readScopeLogs(reader: ProtoReader, resource: Resource, records: LogRecord[]): void {
  const end = reader.enter();
  while (reader.next()) {
    if (reader.is(2, BYTES)) records.push(readLogRecord(reader, resource));
    else reader.skip();
  }
  reader.leave(end);
}

function readScope(reader: ProtoReader, scope: Scope): void {
  const end = reader.enter();
  while (reader.next()) {
    if (reader.is(1, BYTES)) scope.name = reader.string();
    else if (reader.is(2, BYTES)) scope.version = reader.string();
    else reader.skip();
  }
  reader.leave(end);
}

function readSpan(reader: ProtoReader, resource: Resource, scope: Scope): Span {
  let traceId = '';
  let spanId = '';
  let parentSpanId = '';
  let traceState = '';
  let name = '';
  let kind = 0;
  let startNs = 0n;
  let endNs = 0n;
  const attributes: Attribute[] = [];
  const events: SpanEvent[] = [];
  const links: SpanLink[] = [];
  const status = { code: 0, message: '' };
  const end = reader.enter();
  while (reader.next()) {
    if (reader.is(9, BYTES)) attributes.push(readKeyValue(reader));
    else if (reader.is(1, BYTES)) traceId = reader.repeatedHex();
    else if (reader.is(2, BYTES)) spanId = reader.hex();
    else if (reader.is(3, BYTES)) traceState = reader.string();
    else if (reader.is(4, BYTES)) parentSpanId = reader.hex();
    else if (reader.is(5, BYTES)) name = reader.string();
    else if (reader.is(6, VARINT)) kind = reader.int32();
    else if (reader.is(7, FIXED64)) startNs = reader.fixed64();
    else if (reader.is(8, FIXED64)) endNs = reader.fixed64();
    else if (reader.is(11, BYTES)) events.push(readEvent(reader));
    else if (reader.is(13, BYTES)) links.push(readLink(reader));
    else if (reader.is(15, BYTES)) readStatus(reader, status);
    else reader.skip();
  }
  reader.leave(end);
  return {
    traceId,
    spanId,
    parentSpanId: parentSpanId === '0000000000000000' ? '' : parentSpanId,
    traceState,
    name,
    kind,
    startNs,
    endNs,
    attributes,
    events,
    links,
    statusCode: status.code,
    statusMessage: status.message,
    resource,
    scope,
  };
}

function readEvent(reader: ProtoReader): SpanEvent {
  let timeNs = 0n;
  let name = '';
  let attributes: Attribute[] | undefined;
  const end = reader.enter();
  while (reader.next()) {
    if (reader.is(1, FIXED64)) timeNs = reader.fixed64();
    else if (reader.is(2, BYTES)) name = reader.string();
    else if (reader.is(3, BYTES)) {
      attributes ??= [];
      attributes.push(readKeyValue(reader));
    } else reader.skip();
  }
  reader.leave(end);
  return { timeNs, name, attributes: attributes ?? NO_ATTRIBUTES };
}

function readLink(reader: ProtoReader): SpanLink {
  let traceId = '';
  let spanId = '';
  let attributes: Attribute[] | undefined;
  const end = reader.enter();
  while (reader.next()) {
    if (reader.is(1, BYTES)) traceId = reader.hex();
    else if (reader.is(2, BYTES)) spanId = reader.hex();
    else if (reader.is(4, BYTES)) {
      attributes ??= [];
      attributes.push(readKeyValue(reader));
    } else reader.skip();
  }
  reader.leave(end);
  return { traceId, spanId, attributes: attributes ?? NO_ATTRIBUTES };
}

function readStatus(reader: ProtoReader, status: { code: number; message: string }): void {
  const end = reader.enter();
  while (reader.next()) {
    if (reader.is(2, BYTES)) status.message = reader.string();
    else if (reader.is(3, VARINT)) status.code = reader.int32();
    else reader.skip();
  }
  reader.leave(end);
}

function readLogRecord(reader: ProtoReader, resource: Resource): LogRecord {
  const record: LogRecord = {
    timeNs: 0n,
    observedNs: 0n,
    severity: 0,
    traceId: '',
    spanId: '',
    body: EMPTY,
    attributes: [],
    resource,
  };
  const end = reader.enter();
  while (reader.next()) {
    if (reader.is(1, FIXED64)) record.timeNs = reader.fixed64();
    else if (reader.is(11, FIXED64)) record.observedNs = reader.fixed64();
    else if (reader.is(2, VARINT)) record.severity = reader.int32();
    else if (reader.is(5, BYTES)) record.body = readAnyValue(reader);
    else if (reader.is(6, BYTES)) record.attributes.push(readKeyValue(reader));
    else if (reader.is(9, BYTES)) record.traceId = reader.hex();
    else if (reader.is(10, BYTES)) record.spanId = reader.hex();
    else reader.skip();
  }
  reader.leave(end);
  return record;
}

function readKeyValue(reader: ProtoReader): Attribute {
  let key = '';
  let value = EMPTY;
  const end = reader.enter();
  while (reader.next()) {
    if (reader.is(1, BYTES)) key = reader.string();
    else if (reader.is(2, BYTES)) value = readAnyValue(reader);
    else reader.skip();
  }
  reader.leave(end);
  return { key, value };
}

function readAnyValue(reader: ProtoReader): AnyValue {
  let value = EMPTY;
  const end = reader.enter();
  while (reader.next()) {
    if (reader.is(1, BYTES)) value = { type: 'string', value: reader.string() };
    else if (reader.is(2, VARINT)) value = { type: 'bool', value: reader.bool() };
    else if (reader.is(3, VARINT)) value = { type: 'int64', value: reader.int64() };
    else if (reader.is(4, FIXED64)) value = { type: 'float64', value: reader.double() };
    else if (reader.is(5, BYTES)) value = { type: 'array', value: readList(reader, readAnyValue) };
    else if (reader.is(6, BYTES)) value = { type: 'map', value: readList(reader, readKeyValue) };
    else if (reader.is(7, BYTES)) value = { type: 'bytes', value: reader.bytes() };
    else reader.skip();
  }
  reader.leave(end);
  return value;
}

/** `ArrayValue` and `KeyValueList`: a message whose field 1 repeats. */
function readList<Item>(reader: ProtoReader, readItem: (item: ProtoReader) => Item): Item[] {
  const items: Item[] = [];
  const end = reader.enter();
  while (reader.next()) {
    if (reader.is(1, BYTES)) items.push(readItem(reader));
    else reader.skip();
  }
  reader.leave(end);
  return items;
}
