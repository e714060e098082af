/**
 * Reads of OTLP requests what tells spans apart, and nothing else: at thousands of spans a second a full decoder would
 * take the processor that the service under test needs. The full decoder judges the format elsewhere.
 */

/** One span of the service. */
export interface SentSpan {
  /** The attribute `seq`: the number that the service gave to the span, from 0. */
  seq: number;
  /** End minus start, in nanoseconds. */
  durationNano: bigint;
}

interface Field {
  number: number;
  /** The bytes of a length-delimited field; empty for the others. */
  bytes: Buffer;
  /** The value of a fixed64 or varint field; 0 for the others. */
  value: bigint;
}

/**
 * @param body  an `ExportTraceServiceRequest` in protobuf
 * @throws Error when it is none, or a span has no `seq`
 */
export function readSentSpans(body: Buffer): SentSpan[] {
  const spans: SentSpan[] = [];
  // ExportTraceServiceRequest.resource_spans = 1, ResourceSpans.scope_spans = 2, ScopeSpans.spans = 2.
  for (const resource of fields(body)) {
    if (resource.number !== 1) throw new Error(`field ${resource.number} in the request`);
    for (const scope of fields(resource.bytes)) {
      if (scope.number !== 2) continue;
      for (const span of fields(scope.bytes)) if (span.number === 2) spans.push(readSpan(span.bytes));
    }
  }
  return spans;
}

function readSpan(bytes: Buffer): SentSpan {
  let start = 0n;
  let end = 0n;
  let seq = -1;
  for (const field of fields(bytes)) {
    if (field.number === 7) start = field.value;
    else if (field.number === 8) end = field.value;
    else if (field.number === 9) seq = Math.max(seq, readSeq(field.bytes));
  }
  if (seq < 0) throw new Error('a span without the attribute seq');
  return { seq, durationNano: end - start };
}

/** @returns -1 when it is another attribute */
function readSeq(keyValue: Buffer): number {
  let isSeq = false;
  for (const field of fields(keyValue)) {
    if (field.number === 1) isSeq = field.bytes.equals(SEQ);
    // AnyValue.int_value = 3.
    else if (isSeq) for (const value of fields(field.bytes)) if (value.number === 3) return Number(value.value);
  }
  return -1;
}

const SEQ = Buffer.from('seq');
const NOTHING = Buffer.alloc(0);

function* fields(bytes: Buffer): Generator<Field> {
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      if (at >= bytes.length) throw new Error('a number is cut off');
      const byte = bytes[at++] ?? 0;
      value += (byte & 127) * factor;
      if (byte < 128) return value;
    }
  };
  while (at < bytes.length) {
    const tag = varint();
    const field: Field = { number: tag >>> 3, bytes: NOTHING, value: 0n };
    const wireType = tag & 7;
    if (wireType === 0) field.value = BigInt(varint());
    else if (wireType === 1) field.value = bytes.readBigUInt64LE(at);
    else if (wireType !== 2 && wireType !== 5) throw new Error(`wire type ${wireType}`);
    if (wireType === 1) at += 8;
    if (wireType === 5) at += 4;
    if (wireType === 2) {
      const length = varint();
      if (at + length > bytes.length) throw new Error('a field is cut off');
      field.bytes = bytes.subarray(at, at + length);
      at += length;
    }
    yield field;
  }
}
