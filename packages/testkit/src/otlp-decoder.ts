/**
 * Reads OTLP requests with a decoder that is not ours: protobufjs over the official .proto files, as another project's
 * registry package publishes them. Stricter than a receiver: what the schema does not know is refused.
 */
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import protobuf from 'protobufjs';

/** An attribute list in its order; integers are bigints, missing values `null`. */
export type DecodedAttributes = Array<[key: string, value: unknown]>;

/** One event of a span. */
export interface DecodedEvent {
  name: string;
  timeUnixNano: bigint;
  attributes: DecodedAttributes;
  droppedAttributesCount: number;
}

/** One link of a span; ids in hex. */
export interface DecodedLink {
  traceId: string;
  spanId: string;
  traceState: string;
  flags: number;
  attributes: DecodedAttributes;
  droppedAttributesCount: number;
}

/** One span; ids in hex. */
export interface DecodedSpan {
  traceId: string;
  spanId: string;
  /** Empty for a root. */
  parentSpanId: string;
  traceState: string;
  flags: number;
  name: string;
  kind: number;
  startTimeUnixNano: bigint;
  endTimeUnixNano: bigint;
  attributes: DecodedAttributes;
  droppedAttributesCount: number;
  events: DecodedEvent[];
  droppedEventsCount: number;
  links: DecodedLink[];
  droppedLinksCount: number;
  status: { code: number; message: string };
}

/** The spans of one instrumentation scope. */
export interface DecodedScope {
  name: string;
  version: string;
  schemaUrl: string;
  spans: DecodedSpan[];
}

/** One request; ours have one resource each. */
export interface DecodedRequest {
  resource: DecodedAttributes;
  schemaUrl: string;
  scopes: DecodedScope[];
}

// Values may be nested 64 deep, and a map in a map takes three messages; other decoders allow far more.
protobuf.Reader.recursionLimit = 300;
protobuf.util.recursionLimit = 300;

const require = createRequire(import.meta.url);
const protoRoot = dirname(require.resolve('@elastic/mockotlpserver/package.json'));
const root = new protobuf.Root();
root.resolvePath = (_origin, target) => join(protoRoot, target);
const Request = root
  .loadSync('opentelemetry/proto/collector/trace/v1/trace_service.proto')
  .lookupType('opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest');

/**
 * Read an OTLP request in protocol buffers.
 *
 * @throws when the schema cannot read it
 */
export function decodeOtlp(body: Uint8Array): DecodedRequest {
  return readRequest(Request.decode(body));
}

/** The request as protobufjs writes it: the same for requests that say the same. */
export function reencodeOtlp(body: Uint8Array): Uint8Array {
  return Request.encode(Request.decode(body)).finish();
}

/**
 * Read an OTLP request in JSON.
 *
 * @throws when it is no JSON, or a name or value is not in the schema's JSON mapping
 */
export function decodeOtlpJson(body: Uint8Array): DecodedRequest {
  const text = new TextDecoder('utf-8', { fatal: true }).decode(body);
  return readRequest(Request.fromObject(readJson(Request, JSON.parse(text), 'request')));
}

type Message = Record<string, unknown>;

function readRequest(message: protobuf.Message): DecodedRequest {
  // With these settings every field of the schema is there, in the JavaScript types that the mapping below names.
  const all = Request.toObject(message, { longs: String, defaults: true, bytes: Buffer });
  const resourceSpans = messages(all.resourceSpans);
  const [first] = resourceSpans;
  if (first === undefined || resourceSpans.length > 1) throw new Error(`${resourceSpans.length} resources`);
  return {
    resource: readAttributes((first.resource as Message).attributes),
    schemaUrl: String(first.schemaUrl),
    scopes: messages(first.scopeSpans).map(readScope),
  };
}

function readScope({ scope, schemaUrl, spans }: Message): DecodedScope {
  const { name, version } = scope as Message;
  return {
    name: String(name),
    version: String(version),
    schemaUrl: String(schemaUrl),
    spans: messages(spans).map(readSpan),
  };
}

function readSpan(span: Message): DecodedSpan {
  const status = (span.status ?? { code: 0, message: '' }) as Message;
  return {
    traceId: hex(span.traceId),
    spanId: hex(span.spanId),
    parentSpanId: hex(span.parentSpanId),
    traceState: String(span.traceState),
    flags: Number(span.flags),
    name: String(span.name),
    kind: Number(span.kind),
    startTimeUnixNano: BigInt(String(span.startTimeUnixNano)),
    endTimeUnixNano: BigInt(String(span.endTimeUnixNano)),
    attributes: readAttributes(span.attributes),
    droppedAttributesCount: Number(span.droppedAttributesCount),
    events: messages(span.events).map((event) => ({
      name: String(event.name),
      timeUnixNano: BigInt(String(event.timeUnixNano)),
      attributes: readAttributes(event.attributes),
      droppedAttributesCount: Number(event.droppedAttributesCount),
    })),
    droppedEventsCount: Number(span.droppedEventsCount),
    links: messages(span.links).map((link) => ({
      traceId: hex(link.traceId),
      spanId: hex(link.spanId),
      traceState: String(link.traceState),
      flags: Number(link.flags),
      attributes: readAttributes(link.attributes),
      droppedAttributesCount: Number(link.droppedAttributesCount),
    })),
    droppedLinksCount: Number(span.droppedLinksCount),
    status: { code: Number(status.code), message: String(status.message) },
  };
}

// Repeated fields of messages, as `toObject` gives them.
function messages(value: unknown): Message[] {
  return value as Message[];
}

function hex(bytes: unknown): string {
  return Buffer.from(bytes as Uint8Array).toString('hex');
}

function readAttributes(attributes: unknown): DecodedAttributes {
  return messages(attributes).map(({ key, value }) => [String(key), readValue(value)]);
}

// AnyValue: `toObject` gives the one field of the choice that is set.
function readValue(value: unknown): unknown {
  const [kind, content] = Object.entries((value ?? {}) as Message)[0] ?? [];
  switch (kind) {
    case 'intValue':
      return BigInt(String(content));
    case 'bytesValue':
      return new Uint8Array(content as Uint8Array);
    case 'arrayValue':
      return messages((content as Message).values).map(readValue);
    case 'kvlistValue':
      return new Map(readAttributes((content as Message).values));
    default:
      return content ?? null;
  }
}

/** The object that `fromObject` takes, from the protocol's JSON mapping: ids in hex, enums as numbers. */
function readJson(type: protobuf.Type, json: unknown, path: string): Message {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) throw new Error(`${path} is no object`);
  const message: Message = {};
  for (const [name, value] of Object.entries(json)) {
    const field = Object.hasOwn(type.fields, name) ? type.fields[name]?.resolve() : undefined;
    if (field === undefined) throw new Error(`${path}.${name} is not in the schema`);
    if (field.repeated && !Array.isArray(value)) throw new Error(`${path}.${name} is no list`);
    message[name] = field.repeated
      ? (value as unknown[]).map((one, i) => readField(field, one, `${path}.${name}[${i}]`))
      : readField(field, value, `${path}.${name}`);
  }
  return message;
}

function readField(field: protobuf.Field, value: unknown, path: string): unknown {
  if (field.resolvedType instanceof protobuf.Type) return readJson(field.resolvedType, value, path);
  if (!isScalar(field, value)) throw new Error(`${path} is no ${field.type}: ${JSON.stringify(value)}`);
  if (field.type === 'bytes') return Buffer.from(String(value), /Id$/.test(field.name) ? 'hex' : 'base64');
  return field.type === 'double' ? Number(value) : value;
}

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

function isScalar(field: protobuf.Field, value: unknown): boolean {
  switch (field.type) {
    case 'string':
      return typeof value === 'string' && value.isWellFormed();
    case 'bool':
      return typeof value === 'boolean';
    case 'bytes':
      return typeof value === 'string' && (/Id$/.test(field.name) ? /^(?:[0-9a-f]{2})*$/ : BASE64).test(value);
    case 'double':
      return typeof value === 'number' || value === 'NaN' || value === 'Infinity' || value === '-Infinity';
    case 'int64':
    case 'fixed64':
      return typeof value === 'string' && /^-?\d{1,20}$/.test(value) && fits(BigInt(value), field.type === 'int64');
    default:
      // Enums and 32-bit numbers.
      return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < 2 ** 32;
  }
}

function fits(value: bigint, isSigned: boolean): boolean {
  return value === (isSigned ? BigInt.asIntN(64, value) : BigInt.asUintN(64, value));
}
