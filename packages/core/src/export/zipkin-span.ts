/**
 * One span as Zipkin's JSON v2. The mapping is OpenTelemetry's, "SDK exporters / Zipkin"; attributes of the resource
 * become tags, as the Collector does it. Zipkin has no links: they are left out.
 */
import { isIPv4, isIPv6 } from 'node:net';
import { type HrTime, SpanKind, SpanStatusCode } from '@opentelemetry/api';
import { type FlatAttributes, flatten } from '../attributes.ts';
import type { RecordingSpan } from '../span.ts';
import { jsonText, plainText } from './json-text.ts';
import type { SpanResource } from './readable-span.ts';

const KINDS: Partial<Record<SpanKind, string>> = {
  [SpanKind.SERVER]: 'SERVER',
  [SpanKind.CLIENT]: 'CLIENT',
  [SpanKind.PRODUCER]: 'PRODUCER',
  [SpanKind.CONSUMER]: 'CONSUMER',
};

// What names the other side, the best first; and the attribute with the port, where the name is an address.
const REMOTE_KEYS: ReadonlyArray<readonly [key: string, portKey?: string]> = [
  ['peer.service'],
  ['server.address', 'server.port'],
  ['net.peer.name', 'net.peer.port'],
  ['network.peer.address', 'network.peer.port'],
  ['server.socket.domain'],
  ['server.socket.address', 'server.socket.port'],
  ['net.sock.peer.name'],
  ['net.sock.peer.addr', 'net.sock.peer.port'],
  ['peer.hostname'],
  ['peer.address'],
  ['db.name'],
];

type Tags = Map<string, string>;

interface ResourcePart {
  readonly localEndpoint: string;
  readonly tags: Tags;
}

const resourceParts = new WeakMap<SpanResource, ResourcePart>();

/** @returns a JSON object, as text */
export function formatZipkinSpan(span: RecordingSpan): string {
  const { traceId, spanId } = span.spanContext();
  const parentId = span.parentSpanContext?.spanId;
  const kind = KINDS[span.kind];
  const remote = remoteEndpoint(span);
  const part = partOf(span.owner.resource);
  const fields = [
    `{"traceId":"${traceId}","id":"${spanId}"`,
    ...(parentId === undefined ? [] : [`"parentId":"${parentId}"`]),
    ...(kind === undefined ? [] : [`"kind":"${kind}"`]),
    `"name":${jsonText(span.name)}`,
    `"timestamp":${micros(span.startTime)}`,
    // Zipkin reads 0 as "not known".
    `"duration":${Math.max(1, Math.round(micros(span.duration, true)))}`,
    part.localEndpoint,
    ...(remote === undefined ? [] : [`"remoteEndpoint":${remote}`]),
    ...annotations(span),
    `"tags":${formatTags(tagsOf(span, part))}}`,
  ];
  return fields.join(',');
}

function partOf(resource: SpanResource): ResourcePart {
  let part = resourceParts.get(resource);
  if (part === undefined) {
    const tags: Tags = new Map();
    addTags(tags, flatten(resource.attributes, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY).flat);
    const serviceName = tags.get('service.name') ?? 'unknown_service:node';
    tags.delete('service.name');
    part = { localEndpoint: `"localEndpoint":{"serviceName":${jsonText(serviceName)}}`, tags };
    resourceParts.set(resource, part);
  }
  return part;
}

function tagsOf(span: RecordingSpan, part: ResourcePart): Tags {
  const tags: Tags = new Map(part.tags);
  const { scope } = span.owner;
  for (const flat of [span.startGroup?.flat, span.flat, span.endGroup?.flat]) addTags(tags, flat);
  if (scope.name !== '') tags.set('otel.scope.name', scope.name);
  if (scope.version !== undefined) tags.set('otel.scope.version', scope.version);
  addCount(tags, 'otel.dropped_attributes_count', span.droppedAttributesCount);
  addCount(tags, 'otel.dropped_events_count', span.droppedEventsCount);
  addCount(tags, 'otel.dropped_links_count', span.droppedLinksCount);
  if (span.statusCode === SpanStatusCode.ERROR) {
    tags.set('otel.status_code', 'ERROR');
    tags.set('error', span.extras?.statusMessage ?? '');
    return tags;
  }
  if (span.statusCode === SpanStatusCode.OK) tags.set('otel.status_code', 'OK');
  // To Zipkin the tag means a failure, whatever its value.
  if (tags.get('error') === 'false') tags.delete('error');
  return tags;
}

function addTags(tags: Tags, flat: FlatAttributes | undefined): void {
  if (flat === undefined) return;
  for (let i = 0; i < flat.length; i += 2) tags.set(flat[i] as string, plainText(flat[i + 1]));
}

function addCount(tags: Tags, key: string, count: number): void {
  if (count > 0) tags.set(key, String(count));
}

function formatTags(tags: Tags): string {
  const pairs: string[] = [];
  for (const [key, value] of tags) pairs.push(`${jsonText(key)}:${jsonText(value)}`);
  return `{${pairs.join(',')}}`;
}

function annotations(span: RecordingSpan): string[] {
  const { events } = span;
  if (events.length === 0) return [];
  const values = events.map((event, i) => {
    const flat = span.extras?.events[i]?.attributes ?? [];
    const text = flat.length === 0 ? event.name : `${jsonText(event.name)}: ${jsonOfAttributes(flat)}`;
    return `{"timestamp":${micros(event.time)},"value":${jsonText(text)}}`;
  });
  return [`"annotations":[${values.join(',')}]`];
}

function jsonOfAttributes(flat: FlatAttributes): string {
  const pairs: string[] = [];
  for (let i = 0; i < flat.length; i += 2) {
    const value = flat[i + 1];
    const isBare = typeof value === 'boolean' || (typeof value === 'number' && Number.isFinite(value));
    pairs.push(`${jsonText(flat[i] as string)}:${isBare ? String(value) : jsonText(plainText(value))}`);
  }
  return `{${pairs.join(',')}}`;
}

function remoteEndpoint(span: RecordingSpan): string | undefined {
  if (span.kind !== SpanKind.CLIENT && span.kind !== SpanKind.PRODUCER) return undefined;
  const { attributes } = span;
  for (const [key, portKey] of REMOTE_KEYS) {
    const name = attributes[key];
    if (typeof name !== 'string' || name === '') continue;
    const version = isIPv4(name) ? 'ipv4' : isIPv6(name) ? 'ipv6' : 'serviceName';
    const port = portKey === undefined ? undefined : Number(attributes[portKey]);
    const hasPort = port !== undefined && Number.isInteger(port) && port > 0 && port < 65536;
    return `{"${version}":${jsonText(name)}${hasPort ? `,"port":${port}` : ''}}`;
  }
  return undefined;
}

function micros([seconds, nanos]: HrTime, exact = false): number {
  return seconds * 1e6 + (exact ? nanos / 1000 : Math.floor(nanos / 1000));
}
