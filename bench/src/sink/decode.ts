/** What one export request or many carried. */
export interface SpanCounts {
  /** All spans. */
  spans: number;
  /** Spans of kind SERVER, by name. */
  servers: Record<string, number>;
  /** Attributes on the spans of kind SERVER, in sum. */
  serverAttributes: number;
}

/** A message of the wire format while it is read. */
interface Cursor {
  readonly bytes: Uint8Array;
  at: number;
  readonly end: number;
}

const SPAN_KIND_SERVER = 2;
const WIRE_VARINT = 0;
const WIRE_FIXED64 = 1;
const WIRE_BYTES = 2;
const WIRE_FIXED32 = 5;
const TEXT = new TextDecoder('utf-8', { fatal: true });

/**
 * Count the spans of one OTLP `ExportTraceServiceRequest` in protobuf and add them to `counts`.
 *
 * Written by hand and apart from Clew's own code: a mistake that an encoder and its decoder share
 * would go unseen, and a benchmark of spans that nobody can read would be worth nothing.
 *
 * @throws RangeError or TypeError when the bytes are not a well-formed request
 * @see https://github.com/open-telemetry/opentelemetry-proto `opentelemetry/proto/trace/v1/trace.proto`
 */
export function countSpans(body: Uint8Array, counts: SpanCounts): void {
  eachMessage({ bytes: body, at: 0, end: body.length }, 1, (resourceSpans) => {
    eachMessage(resourceSpans, 2, (scopeSpans) => {
      eachMessage(scopeSpans, 2, (span) => countSpan(span, counts));
    });
  });
}

function countSpan(span: Cursor, counts: SpanCounts): void {
  let name = '';
  let kind = 0;
  let attributes = 0;
  let idBytes = 0;
  while (span.at < span.end) {
    const tag = readVarint(span);
    const field = tag >>> 3;
    if (field === 6) kind = readVarint(span);
    else if (field === 1 || field === 2) idBytes += enter(span, tag).length;
    else if (field === 5) name = TEXT.decode(enter(span, tag));
    else {
      if (field === 9) attributes++;
      skip(span, tag);
    }
  }
  if (idBytes !== 24) throw new RangeError(`ids of a span are 16 and 8 bytes, got ${idBytes} in sum`);
  counts.spans++;
  if (kind !== SPAN_KIND_SERVER) return;
  counts.servers[name] = (counts.servers[name] ?? 0) + 1;
  counts.serverAttributes += attributes;
}

/** Call `visit` with each embedded message of field number `field`, skip everything else. */
function eachMessage(message: Cursor, field: number, visit: (inner: Cursor) => void): void {
  while (message.at < message.end) {
    const tag = readVarint(message);
    if (tag >>> 3 !== field) {
      skip(message, tag);
      continue;
    }
    const inner = enter(message, tag);
    visit({ bytes: inner, at: 0, end: inner.length });
  }
}

/** The bytes of a length-delimited field; the cursor moves behind them. */
function enter(message: Cursor, tag: number): Uint8Array {
  if ((tag & 7) !== WIRE_BYTES) throw new RangeError(`field ${tag >>> 3} has wire type ${tag & 7}, not 2`);
  const length = readVarint(message);
  const start = message.at;
  move(message, length);
  return message.bytes.subarray(start, message.at);
}

function skip(message: Cursor, tag: number): void {
  const wire = tag & 7;
  if (wire === WIRE_VARINT) readVarint(message);
  else if (wire === WIRE_FIXED64) move(message, 8);
  else if (wire === WIRE_BYTES) move(message, readVarint(message));
  else if (wire === WIRE_FIXED32) move(message, 4);
  else throw new RangeError(`unknown wire type ${wire}`);
}

function move(message: Cursor, bytes: number): void {
  if (bytes > message.end - message.at) throw new RangeError('a field is longer than its message');
  message.at += bytes;
}

/** An unsigned varint. Exact up to 2^53, which no length, tag or count reaches. */
function readVarint(message: Cursor): number {
  let value = 0;
  let scale = 1;
  for (let i = 0; i < 10; i++) {
    const byte = message.bytes[message.at];
    if (byte === undefined || message.at >= message.end) throw new RangeError('a varint is cut off');
    message.at++;
    value += (byte & 0x7f) * scale;
    if (byte < 0x80) return value;
    scale *= 128;
  }
  throw new RangeError('a varint is longer than ten bytes');
}
