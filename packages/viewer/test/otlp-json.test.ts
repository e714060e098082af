/** OTLP in JSON: what the specification allows, and what is refused by name. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { decodeJsonLogs, decodeJsonTraces } from '../src/receive/otlp-json.ts';
import { lineOfRecord } from '../src/receive/log-record.ts';
import { DecodeError } from '../src/receive/protobuf.ts';
import type { Span } from '../src/store/model.ts';

function spanOf(span: unknown): Span {
  const [decoded] = decodeJsonTraces({ resourceSpans: [{ scopeSpans: [{ spans: [span] }] }] });
  assert.ok(decoded !== undefined);
  return decoded;
}

function valueFrom(value: unknown): unknown {
  return spanOf({ attributes: [{ key: 'k', value }] }).attributes[0]?.value;
}

test('64-bit integers are read as text and as numbers', () => {
  assert.equal(spanOf({ startTimeUnixNano: '1790000000000000001' }).startNs, 1790000000000000001n);
  assert.equal(spanOf({ startTimeUnixNano: 1790000000 }).startNs, 1790000000n);
  assert.deepEqual(valueFrom({ intValue: '5' }), { type: 'int64', value: 5 });
  assert.deepEqual(valueFrom({ intValue: 5 }), { type: 'int64', value: 5 });
  assert.deepEqual(valueFrom({ intValue: '-9223372036854775808' }), { type: 'int64', value: -9223372036854775808n });
});

test('hex ids are read in either case', () => {
  const span = spanOf({ traceId: '5B8EFFF798038103D269B633813FC60C', spanId: 'EEE19B7EC3C1B173' });
  assert.equal(span.traceId, '5b8efff798038103d269b633813fc60c');
  assert.equal(span.spanId, 'eee19b7ec3c1b173');
});

test('kinds and status codes are read as numbers and by name', () => {
  assert.equal(spanOf({ kind: 3 }).kind, 3);
  assert.equal(spanOf({ kind: 'SPAN_KIND_CLIENT' }).kind, 3);
  assert.equal(spanOf({ status: { code: 'STATUS_CODE_ERROR' } }).statusCode, 2);
});

test('unknown fields and null fields count as absent', () => {
  const span = spanOf({ name: 'a', colour: 'red', attributes: null, events: null, status: null, parentSpanId: null });
  assert.deepEqual(
    { name: span.name, attributes: span.attributes, statusCode: span.statusCode },
    { name: 'a', attributes: [], statusCode: 0 },
  );
  assert.deepEqual(decodeJsonTraces({ resourceMetrics: [{}] }), []);
});

test('a parent id of zeros is no parent', () => {
  assert.equal(spanOf({ parentSpanId: '0000000000000000' }).parentSpanId, '');
});

test('numbers that JSON cannot write come as text', () => {
  assert.deepEqual(valueFrom({ doubleValue: 'NaN' }), { type: 'float64', value: Number.NaN });
  assert.deepEqual(valueFrom({ doubleValue: '-Infinity' }), { type: 'float64', value: Number.NEGATIVE_INFINITY });
});

test('lists nested 47 deep are read, 48 deep are refused', () => {
  assert.equal((valueFrom(nested(47)) as { type: string }).type, 'array');
  assert.throws(() => valueFrom(nested(48)), {
    name: 'DecodeError',
    message: 'attribute values nested deeper than 47',
  });
});

const WRONG: ReadonlyArray<readonly [unknown, string]> = [
  [[], 'request must be an object'],
  ['text', 'request must be an object'],
  [{ resourceSpans: {} }, 'resourceSpans must be a list'],
  [{ resourceSpans: [1] }, 'resourceSpans must be an object'],
  [{ resourceSpans: [{ resource: [] }] }, 'resource must be an object'],
  [{ resourceSpans: [{ scopeSpans: [{ spans: 'x' }] }] }, 'spans must be a list'],
  [withSpan({ name: 5 }), 'name must be a string'],
  [withSpan({ kind: 'NEAR' }), 'kind must be a number'],
  [withSpan({ startTimeUnixNano: '-1' }), 'startTimeUnixNano must be an unsigned integer'],
  [withSpan({ startTimeUnixNano: 1.5 }), 'startTimeUnixNano must be an unsigned integer'],
  [withSpan({ startTimeUnixNano: '18446744073709551616' }), 'startTimeUnixNano must be an unsigned integer'],
  [withSpan({ attributes: [{ key: 'k', value: { intValue: 'x' } }] }), 'intValue must be an integer'],
  [withSpan({ attributes: [{ key: 'k', value: { intValue: '9223372036854775808' } }] }), 'intValue must fit 64 bits'],
  [withSpan({ attributes: [{ key: 'k', value: { intValue: 1e300 } }] }), 'intValue must fit 64 bits'],
  [withSpan({ attributes: [{ key: 'k', value: { doubleValue: 'much' } }] }), 'doubleValue must be a number'],
];
for (const [request, message] of WRONG) {
  test(`${JSON.stringify(request)} is refused: ${message}`, () => {
    assert.throws(
      () => decodeJsonTraces(request),
      (error) => error instanceof DecodeError && error.message === message,
    );
  });
}

const SEVERITIES: ReadonlyArray<readonly [number, string]> = [
  [0, 'info'],
  [1, 'trace'],
  [4, 'trace'],
  [5, 'debug'],
  [8, 'debug'],
  [9, 'info'],
  [12, 'info'],
  [13, 'warn'],
  [17, 'error'],
  [20, 'error'],
  [21, 'fatal'],
  [24, 'fatal'],
];
for (const [severityNumber, level] of SEVERITIES) {
  test(`Logs Data Model, "Displaying Severity": ${severityNumber} is ${level}`, () => {
    assert.equal(lineOf({ severityNumber }).level, level);
  });
}

test('a log record without a time has the time of its observation', () => {
  assert.equal(lineOf({ observedTimeUnixNano: '7' }).timeNs, 7n);
  assert.equal(lineOf({ timeUnixNano: '5', observedTimeUnixNano: '7' }).timeNs, 5n);
});

test('a body that is no text is shown as JSON', () => {
  assert.equal(lineOf({ body: { kvlistValue: { values: [{ key: 'a', value: { intValue: 1 } }] } } }).msg, '{"a":1}');
  assert.equal(lineOf({}).msg, '');
});

function lineOf(record: unknown): ReturnType<typeof lineOfRecord> {
  const [decoded] = decodeJsonLogs({ resourceLogs: [{ scopeLogs: [{ logRecords: [record] }] }] });
  assert.ok(decoded !== undefined);
  return lineOfRecord(decoded);
}

function withSpan(span: unknown): unknown {
  return { resourceSpans: [{ scopeSpans: [{ spans: [span] }] }] };
}

function nested(depth: number): unknown {
  let value: unknown = { boolValue: true };
  for (let level = 0; level < depth; level++) value = { arrayValue: { values: [value] } };
  return value;
}
