/**
 * Spans as OTLP in JSON: protocol buffers' JSON mapping, but with ids in hex and enums as numbers, as the protocol's
 * "JSON Protobuf Encoding" asks.
 */
import type { HrTime } from '@opentelemetry/api';
import { type FlatAttributes, flatten } from '../attributes.ts';
import { serializeTraceState } from '../propagation/tracestate.ts';
import type { RecordingSpan } from '../span.ts';
import type { SpanOwner } from '../span.ts';
import type { SpanExtras } from '../span-data.ts';
import { jsonText } from './json-text.ts';
import type { SpanResource } from './readable-span.ts';
import { MAX_SPAN_BYTES, type SealedBatch, type SpanBuffer, tooLarge } from './span-buffer.ts';

// SpanFlags, as in otlp-span.ts: the parent's remoteness is known, and it is remote.
const HAS_IS_REMOTE = 0x100;
const IS_REMOTE = 0x200;

/** Collects spans as pieces of JSON text, each made when its span ends. */
export class OtlpJsonSpanBuffer implements SpanBuffer {
  count = 0;
  bytes = 0;
  #scopes = new Map<SpanOwner, string[]>();

  add(span: RecordingSpan): void {
    const piece = formatOtlpSpan(span);
    const bytes = Buffer.byteLength(piece) + 1;
    if (bytes > MAX_SPAN_BYTES) throw tooLarge(bytes);
    const pieces = this.#scopes.get(span.owner);
    if (pieces === undefined) this.#scopes.set(span.owner, [piece]);
    else pieces.push(piece);
    this.count++;
    this.bytes += bytes;
  }

  seal(): SealedBatch {
    const scopes: string[] = [];
    let resource: SpanResource = { attributes: {} };
    for (const [owner, pieces] of this.#scopes) {
      resource = owner.resource;
      scopes.push(`${formatScope(owner)},"spans":[${pieces.join(',')}]}`);
    }
    const head = `{"resourceSpans":[{"resource":{"attributes":${formatAttributes(flatOf(resource))}}`;
    const body = Buffer.from(`${head},"scopeSpans":[${scopes.join(',')}]${schemaUrl(resource.schemaUrl)}}]}`);
    const { count } = this;
    this.#scopes.clear();
    this.count = 0;
    this.bytes = 0;
    return { body, spans: [], count, bytes: body.length };
  }
}

/** @returns an OTLP `Span` as a JSON object, as text */
export function formatOtlpSpan(span: RecordingSpan): string {
  const { traceId, spanId } = span.spanContext();
  const parentId = span.parentSpanContext?.spanId;
  const fields = [`{"traceId":"${traceId}","spanId":"${spanId}"`];
  if (span.traceState !== undefined) fields.push(`"traceState":${jsonText(serializeTraceState(span.traceState))}`);
  if (parentId !== undefined) fields.push(`"parentSpanId":"${parentId}"`);
  fields.push(
    `"flags":${flagsOf(span.traceFlags, parentId !== undefined && span.parentIsRemote)}`,
    `"name":${jsonText(span.name)}`,
    // The API counts kinds from INTERNAL = 0, the protocol from UNSPECIFIED = 0.
    `"kind":${span.kind + 1}`,
    `"startTimeUnixNano":"${nanos(span.startTime)}","endTimeUnixNano":"${nanos(span.endTime)}"`,
    `"attributes":${formatAttributes(span.startGroup?.flat, span.flat, span.endGroup?.flat)}`,
  );
  addCount(fields, 'droppedAttributesCount', span.droppedAttributesCount);
  if (span.extras !== undefined) addExtras(fields, span, span.extras);
  const { code, message } = span.status;
  if (code !== 0) {
    fields.push(`"status":{${message === undefined ? '' : `"message":${jsonText(message)},`}"code":${code}}`);
  }
  return `${fields.join(',')}}`;
}

function addExtras(fields: string[], span: RecordingSpan, extras: SpanExtras): void {
  const times = span.events.map(({ time }) => time);
  const eventTexts = extras.events.map(({ name, attributes, dropped }, i) => {
    const parts = [`{"timeUnixNano":"${nanos(times[i] as HrTime)}","name":${jsonText(name)}`];
    parts.push(`"attributes":${formatAttributes(attributes)}`);
    addCount(parts, 'droppedAttributesCount', dropped);
    return `${parts.join(',')}}`;
  });
  if (eventTexts.length > 0) fields.push(`"events":[${eventTexts.join(',')}]`);
  addCount(fields, 'droppedEventsCount', extras.droppedEvents);
  const linkTexts = extras.links.map(({ target, attributes, dropped }) => {
    const { traceId, spanId } = target.spanContext();
    const parts = [`{"traceId":"${traceId}","spanId":"${spanId}"`];
    if (target.traceState !== undefined) parts.push(`"traceState":${jsonText(serializeTraceState(target.traceState))}`);
    parts.push(`"attributes":${formatAttributes(attributes)}`);
    addCount(parts, 'droppedAttributesCount', dropped);
    parts.push(`"flags":${flagsOf(target.traceFlags, target.isRemote)}`);
    return `${parts.join(',')}}`;
  });
  if (linkTexts.length > 0) fields.push(`"links":[${linkTexts.join(',')}]`);
  addCount(fields, 'droppedLinksCount', extras.droppedLinks);
}

function formatScope({ scope }: SpanOwner): string {
  const version = scope.version === undefined ? '' : `,"version":${jsonText(scope.version)}`;
  return `{"scope":{"name":${jsonText(scope.name)}${version}}${schemaUrl(scope.schemaUrl)}`;
}

function schemaUrl(url: string | undefined): string {
  return url === undefined ? '' : `,"schemaUrl":${jsonText(url)}`;
}

function flatOf(resource: SpanResource): FlatAttributes {
  return flatten(resource.attributes, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY).flat;
}

function flagsOf(traceFlags: number, isRemote: boolean): number {
  return traceFlags | HAS_IS_REMOTE | (isRemote ? IS_REMOTE : 0);
}

function addCount(fields: string[], name: string, count: number): void {
  if (count > 0) fields.push(`"${name}":${count}`);
}

function formatAttributes(...parts: Array<FlatAttributes | undefined>): string {
  const pairs: string[] = [];
  for (const flat of parts) {
    if (flat === undefined) continue;
    for (let i = 0; i < flat.length; i += 2) pairs.push(formatPair(flat[i] as string, flat[i + 1]));
  }
  return `[${pairs.join(',')}]`;
}

function formatPair(key: string, value: unknown): string {
  return `{"key":${jsonText(key)},"value":${formatValue(value)}}`;
}

// AnyValue; `null` is the empty value.
function formatValue(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return `{"stringValue":${jsonText(value)}}`;
    case 'boolean':
      return `{"boolValue":${value}}`;
    case 'bigint':
      return `{"intValue":"${value}"}`;
    case 'number':
      return formatNumber(value);
    default:
      return formatObject(value);
  }
}

function formatNumber(value: number): string {
  // -0 is a double: as an integer it would come back as 0, and as a text it is not `String(-0)`.
  if (Object.is(value, -0)) return '{"doubleValue":-0}';
  if (Number.isSafeInteger(value)) return `{"intValue":"${value}"}`;
  return Number.isFinite(value) ? `{"doubleValue":${value}}` : `{"doubleValue":"${value}"}`;
}

function formatObject(value: unknown): string {
  if (value instanceof Uint8Array) return `{"bytesValue":"${Buffer.from(value).toString('base64')}"}`;
  if (Array.isArray(value)) return `{"arrayValue":{"values":[${value.map(formatValue).join(',')}]}}`;
  if (value instanceof Map) {
    const pairs = [...value].map(([key, item]) => formatPair(String(key), item));
    return `{"kvlistValue":{"values":[${pairs.join(',')}]}}`;
  }
  return '{}';
}

function nanos([seconds, nanoseconds]: HrTime): string {
  return seconds === 0 ? String(nanoseconds) : `${seconds}${String(nanoseconds).padStart(9, '0')}`;
}
