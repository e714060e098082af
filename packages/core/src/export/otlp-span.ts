/** One span as an OTLP `Span` message (opentelemetry/proto/trace/v1/trace.proto), written in a single pass. */
import type { AttributeGroup, FlatAttributes } from '../attributes.ts';
import { serializeTraceState } from '../propagation/tracestate.ts';
import type { RecordingSpan } from '../span.ts';
import type { InstrumentationScope, SpanExtras } from '../span-data.ts';
import { writeRemembered } from './attribute-memo.ts';
import { ProtoWriter } from './proto-writer.ts';

// Field tags: field number << 3 | wire type.
const SPAN_IN_SCOPE = 0x12;
const SPAN_NAME = 0x2a;
const SPAN_ATTRIBUTES = 0x4a;
const EVENT_ATTRIBUTES = 0x1a;
const LINK_ATTRIBUTES = 0x22;
const RESOURCE_ATTRIBUTES = 0x0a;
const ARRAY_VALUES = 0x0a;
const MAP_VALUES = 0x0a;

// SpanFlags: the parent's remoteness is known, and it is remote.
const HAS_IS_REMOTE = 0x100;
const IS_REMOTE = 0x200;

// Key and value together up to this length leave every nested length below 128: one byte each.
const SHORT_PAIR = 116;
// The same for a key before an integer of up to ten bytes.
const SHORT_KEY = 100;

/** Append a span, as a field of `ScopeSpans`. */
export function writeSpan(writer: ProtoWriter, span: RecordingSpan): void {
  const { t0, t1, t2, t3, s0, s1, p0, p1, anchor, extras } = span;
  const outer = writer.open(SPAN_IN_SCOPE);
  writer.ensure(96);
  const isChild = (p0 | p1) !== 0;
  writer.traceId(0x0a, t0, t1, t2, t3);
  writer.spanId(0x12, s0, s1);
  if (isChild) writer.spanId(0x22, p0, p1);
  if (extras?.startTime === undefined && extras?.endTime === undefined) {
    writer.kindAndTimes(span.kind + 1, anchor.nanosHigh, anchor.nanosLow, span.startMs, span.endMs);
  } else {
    writeExactTimes(writer, span, extras);
  }
  writer.tag16(0x85, 0x01, span.traceFlags | HAS_IS_REMOTE | (isChild && span.parentIsRemote ? IS_REMOTE : 0));
  const { name, startGroup, endGroup } = span;
  const isNamedAtStart = startGroup !== undefined && startGroup.spanName === name;
  const isNamedAtEnd = !isNamedAtStart && endGroup !== undefined && endGroup.spanName === name;
  if (!isNamedAtStart && !isNamedAtEnd) writer.text(SPAN_NAME, name);
  if (span.traceState !== undefined) writer.text(0x1a, serializeTraceState(span.traceState));
  if (startGroup !== undefined)
    writer.raw(isNamedAtStart ? encodedWithName(startGroup, name) : encodedGroup(startGroup));
  if (span.flat !== undefined) {
    // Beside a group stands what varies from span to span.
    if (startGroup !== undefined) writeAttributes(writer, SPAN_ATTRIBUTES, span.flat);
    else writeSpanAttributes(writer, span.flat);
  }
  if (endGroup !== undefined) writer.raw(isNamedAtEnd ? encodedWithName(endGroup, name) : encodedGroup(endGroup));
  if (span.droppedAttributesCount > 0) writeCount(writer, 0x50, span.droppedAttributesCount);
  if (extras !== undefined) writeExtras(writer, span, extras);
  if (span.statusCode !== 0) writeStatus(writer, span.statusCode, extras?.statusMessage);
  writer.close(outer);
}

// The times that a user gave, to the nanosecond; the other one of the two may be ours.
function writeExactTimes(writer: ProtoWriter, span: RecordingSpan, extras: SpanExtras): void {
  const { anchor } = span;
  writer.byte(0x30);
  writer.byte(span.kind + 1);
  writer.byte(0x39);
  if (extras.startTime !== undefined) writer.hrTime(extras.startTime);
  else writer.nanos(anchor.nanosHigh, anchor.nanosLow, span.startMs);
  writer.byte(0x41);
  if (extras.endTime !== undefined) writer.hrTime(extras.endTime);
  else writer.nanos(anchor.nanosHigh, anchor.nanosLow, span.endMs);
}

function encodedGroup(group: AttributeGroup): Uint8Array {
  group.encoded ??= encodeGroup(group, undefined);
  return group.encoded;
}

function encodedWithName(group: AttributeGroup, name: string): Uint8Array {
  group.encodedWithName ??= encodeGroup(group, name);
  return group.encodedWithName;
}

function encodeGroup(group: AttributeGroup, name: string | undefined): Uint8Array {
  const writer = new ProtoWriter(1024);
  if (name !== undefined) writer.text(SPAN_NAME, name);
  writeAttributes(writer, SPAN_ATTRIBUTES, group.flat);
  return new Uint8Array(writer.buffer.subarray(0, writer.position));
}

function writeExtras(writer: ProtoWriter, span: RecordingSpan, extras: SpanExtras): void {
  const { anchor } = span;
  for (const event of extras.events) {
    const start = writer.open(0x5a);
    writer.ensure(16);
    writer.byte(0x09);
    if (event.time !== undefined) writer.hrTime(event.time);
    else writer.nanos(anchor.nanosHigh, anchor.nanosLow, event.atMs);
    writer.text(0x12, event.name);
    writeAttributes(writer, EVENT_ATTRIBUTES, event.attributes);
    if (event.dropped > 0) writeCount(writer, 0x20, event.dropped);
    writer.close(start);
  }
  if (extras.droppedEvents > 0) writeCount(writer, 0x60, extras.droppedEvents);
  for (const { target, attributes, dropped } of extras.links) {
    const start = writer.open(0x6a);
    writer.ensure(48);
    writer.traceId(0x0a, target.t0, target.t1, target.t2, target.t3);
    writer.spanId(0x12, target.s0, target.s1);
    writer.byte(0x35);
    writer.fixed32(target.traceFlags | HAS_IS_REMOTE | (target.isRemote ? IS_REMOTE : 0));
    if (target.traceState !== undefined) writer.text(0x1a, serializeTraceState(target.traceState));
    writeAttributes(writer, LINK_ATTRIBUTES, attributes);
    if (dropped > 0) writeCount(writer, 0x28, dropped);
    writer.close(start);
  }
  if (extras.droppedLinks > 0) writeCount(writer, 0x70, extras.droppedLinks);
}

function writeStatus(writer: ProtoWriter, code: number, message: string | undefined): void {
  const start = writer.open(0x7a);
  if (message !== undefined) writer.text(0x12, message);
  writer.ensure(2);
  writer.byte(0x18);
  writer.byte(code);
  writer.close(start);
}

function writeCount(writer: ProtoWriter, tag: number, count: number): void {
  writer.ensure(12);
  writer.byte(tag);
  writer.varint(count);
}

function writeSpanAttributes(writer: ProtoWriter, flat: FlatAttributes): void {
  for (let i = 0; i < flat.length; i += 2) writeRemembered(writer, flat[i] as string, flat[i + 1], writeSpanAttribute);
}

function writeSpanAttribute(writer: ProtoWriter, key: string, value: unknown): void {
  writeAttribute(writer, SPAN_ATTRIBUTES, key, value);
}

function writeAttributes(writer: ProtoWriter, tag: number, flat: FlatAttributes): void {
  for (let i = 0; i < flat.length; i += 2) writeAttribute(writer, tag, flat[i] as string, flat[i + 1]);
}

function writeAttribute(writer: ProtoWriter, tag: number, key: string, value: unknown): void {
  if (typeof value === 'string') {
    if (key.length + value.length < SHORT_PAIR && writer.shortPair(tag, key, value)) return;
  } else if (typeof value === 'number' && key.length < SHORT_KEY && Number.isSafeInteger(value) && value >= 0) {
    // -0 is a double: as an integer it would come back as 0.
    if (!Object.is(value, -0) && writer.shortInteger(tag, key, value)) return;
  }
  const start = writer.open(tag);
  writer.text(0x0a, key);
  const valueStart = writer.open(0x12);
  writeValue(writer, value);
  writer.close(valueStart);
  writer.close(start);
}

// AnyValue of opentelemetry/proto/common/v1/common.proto; `null` is the empty value.
function writeValue(writer: ProtoWriter, value: unknown): void {
  switch (typeof value) {
    case 'string':
      writer.text(0x0a, value);
      return;
    case 'boolean':
      writer.ensure(2);
      writer.byte(0x10);
      writer.byte(value ? 1 : 0);
      return;
    case 'number':
      writer.ensure(12);
      if (Number.isSafeInteger(value) && !Object.is(value, -0)) {
        writer.byte(0x18);
        writer.int64(value);
      } else {
        writer.byte(0x21);
        writer.double(value);
      }
      return;
    case 'bigint':
      writer.ensure(12);
      writer.byte(0x18);
      writer.int64(value);
      return;
    case 'object':
      writeObject(writer, value);
      return;
    default:
      return;
  }
}

function writeObject(writer: ProtoWriter, value: object | null): void {
  if (value instanceof Uint8Array) {
    writer.ensure(12);
    writer.byte(0x3a);
    writer.varint(value.length);
    writer.raw(value);
  } else if (Array.isArray(value)) {
    const start = writer.open(0x2a);
    for (const item of value) {
      const itemStart = writer.open(ARRAY_VALUES);
      writeValue(writer, item);
      writer.close(itemStart);
    }
    writer.close(start);
  } else if (value instanceof Map) {
    const start = writer.open(0x32);
    for (const [key, item] of value) writeAttribute(writer, MAP_VALUES, key as string, item);
    writer.close(start);
  }
}

/** The encoded `Resource` with its field tag in `ResourceSpans`, and the schema URL behind the scopes. */
export function encodeResource(
  attributes: FlatAttributes,
  schemaUrl: string | undefined,
): { head: Buffer; tail: Buffer } {
  const head = new ProtoWriter(1024);
  const start = head.open(0x0a);
  writeAttributes(head, RESOURCE_ATTRIBUTES, attributes);
  head.close(start);
  const tail = new ProtoWriter(256);
  if (schemaUrl !== undefined) tail.text(0x1a, schemaUrl);
  return { head: written(head), tail: written(tail) };
}

/** The encoded `InstrumentationScope` with its field tag in `ScopeSpans`, followed by the schema URL. */
export function encodeScope(scope: InstrumentationScope): Buffer {
  const writer = new ProtoWriter(256);
  const start = writer.open(0x0a);
  writer.text(0x0a, scope.name);
  if (scope.version !== undefined) writer.text(0x12, scope.version);
  writer.close(start);
  if (scope.schemaUrl !== undefined) writer.text(0x1a, scope.schemaUrl);
  return written(writer);
}

function written(writer: ProtoWriter): Buffer {
  return Buffer.from(writer.buffer.subarray(0, writer.position));
}
