/** Our protobuf reader against protobufjs and the official schema, and against bytes that are wrong. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import type protobuf from 'protobufjs';
import { decodeJsonLogs, decodeJsonTraces } from '../src/receive/otlp-json.ts';
import { decodeLogs, decodeTraces } from '../src/receive/otlp-proto.ts';
import { DecodeError } from '../src/receive/protobuf.ts';
import { RandomRequests, seeded } from './random-request.ts';
import { officialTypes } from './sending.ts';

const types = officialTypes();
const ROUNDS = 300;

test('300 random trace requests, encoded by protobufjs, read the same as their JSON form', () => {
  let spans = 0;
  for (let seed = 0; seed < ROUNDS; seed++) {
    const request = new RandomRequests(seed).traces();
    const expected = decodeJsonTraces(request);
    assert.deepEqual(decodeTraces(encode(types.traces, request)), expected, `seed ${seed}`);
    spans += expected.length;
  }
  assert.ok(spans > ROUNDS, `only ${spans} spans were compared`);
});

test('300 random log requests, encoded by protobufjs, read the same as their JSON form', () => {
  let records = 0;
  for (let seed = 0; seed < ROUNDS; seed++) {
    const request = new RandomRequests(seed).logs();
    const expected = decodeJsonLogs(request);
    assert.deepEqual(decodeLogs(encode(types.logs, request)), expected, `seed ${seed}`);
    records += expected.length;
  }
  assert.ok(records > ROUNDS, `only ${records} records were compared`);
});

test('every field of a span comes out as protobufjs put it in', () => {
  const value = {
    arrayValue: { values: [{ stringValue: 'a' }, { intValue: -7 }, { doubleValue: 1 }, { boolValue: false }] },
  };
  const bytes = encode(types.traces, {
    resourceSpans: [
      {
        // Scopes before the resource on the wire would be legal too: the next test does that.
        resource: { attributes: [{ key: 'service.name', value: { stringValue: 'orders' } }] },
        scopeSpans: [
          {
            scope: { name: '@clew/pg', version: '1.2.3' },
            spans: [
              {
                traceId: '5b8efff798038103d269b633813fc60c',
                spanId: 'eee19b7ec3c1b174',
                parentSpanId: 'eee19b7ec3c1b173',
                traceState: 'a=b',
                name: 'SELECT stock',
                kind: 3,
                startTimeUnixNano: '1790000000000000001',
                endTimeUnixNano: '1790000000002500001',
                attributes: [{ key: 'list', value }],
                events: [
                  {
                    timeUnixNano: '1790000000001000000',
                    name: 'retry',
                    attributes: [{ key: 'n', value: { intValue: 2 } }],
                  },
                ],
                links: [{ traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331', attributes: [] }],
                status: { code: 2, message: 'lost connection' },
              },
            ],
          },
        ],
      },
    ],
  });
  assert.deepEqual(decodeTraces(bytes), [
    {
      traceId: '5b8efff798038103d269b633813fc60c',
      spanId: 'eee19b7ec3c1b174',
      parentSpanId: 'eee19b7ec3c1b173',
      traceState: 'a=b',
      name: 'SELECT stock',
      kind: 3,
      startNs: 1790000000000000001n,
      endNs: 1790000000002500001n,
      attributes: [
        {
          key: 'list',
          value: {
            type: 'array',
            value: [
              { type: 'string', value: 'a' },
              { type: 'int64', value: -7 },
              { type: 'float64', value: 1 },
              { type: 'bool', value: false },
            ],
          },
        },
      ],
      events: [
        { timeNs: 1790000000001000000n, name: 'retry', attributes: [{ key: 'n', value: { type: 'int64', value: 2 } }] },
      ],
      links: [{ traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331', attributes: [] }],
      statusCode: 2,
      statusMessage: 'lost connection',
      resource: {
        service: 'orders',
        attributes: [{ key: 'service.name', value: { type: 'string', value: 'orders' } }],
      },
      scope: { name: '@clew/pg', version: '1.2.3' },
    },
  ]);
});

test('a resource that comes after its spans still names their service', () => {
  const withSpans = encode(types.traces, { resourceSpans: [{ scopeSpans: [{ spans: [{ name: 'early' }] }] }] });
  const resource = encode(types.traces, {
    resourceSpans: [{ resource: { attributes: [{ key: 'service.name', value: { stringValue: 'late' } }] } }],
  });
  // Both are one field 1 with a one-byte length: joined contents make one ResourceSpans.
  const joined = Buffer.concat([
    Buffer.from([0x0a, withSpans.length + resource.length - 4]),
    withSpans.subarray(2),
    resource.subarray(2),
  ]);
  assert.equal(decodeTraces(joined)[0]?.resource.service, 'late');
});

const UNKNOWN: ReadonlyArray<readonly [string, number[]]> = [
  ['varint', [0xf8, 0x07, 0xff, 0xff, 0x03]],
  ['64-bit', [0xf9, 0x07, 1, 2, 3, 4, 5, 6, 7, 8]],
  ['bytes', [0xfa, 0x07, 3, 1, 2, 3]],
  ['group', [0xfb, 0x07, 0x08, 0x01, 0xfc, 0x07]],
  ['32-bit', [0xfd, 0x07, 1, 2, 3, 4]],
  ['known number with another wire type', [0x08, 0x05]],
];
for (const [kind, bytes] of UNKNOWN) {
  test(`an unknown field (${kind}) is passed over`, () => {
    const known = encode(types.traces, { resourceSpans: [{ scopeSpans: [{ spans: [{ name: 'kept' }] }] }] });
    assert.equal(decodeTraces(Buffer.concat([Buffer.from(bytes), known]))[0]?.name, 'kept');
  });
}

const WRONG: ReadonlyArray<readonly [string, number[]]> = [
  ['a length beyond the end', [0x0a, 0x05, 0x01]],
  ['a length of 4 GB', [0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f]],
  ['a length beyond 32 bits', [0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]],
  ['a varint of eleven bytes', [0x10, ...Array.from({ length: 10 }, () => 0xff), 0x01]],
  ['field number 0', [0x00]],
  ['wire type 6', [0x0e]],
  ['wire type 7', [0x0f]],
  ['a group that does not end', [0x0b, 0x08, 0x01]],
  ['a group that ends as another', [0x0b, 0x14]],
  ['an end without a group', [0x0c]],
  ['groups nested 200 deep', Array.from({ length: 200 }, () => 0x0b)],
];
for (const [what, bytes] of WRONG) {
  test(`${what} is a DecodeError`, () => {
    assert.throws(() => decodeTraces(Buffer.from(bytes)), DecodeError);
  });
}

test('a request cut at any byte is read or is a DecodeError, never anything else', () => {
  for (let seed = 0; seed < 8; seed++) {
    const bytes = encode(types.traces, new RandomRequests(seed).traces());
    for (let length = 0; length < bytes.length; length++) readOrRefuse(bytes.subarray(0, length));
  }
});

test('a request with any bytes changed is read or is a DecodeError, never anything else', () => {
  const random = seeded(7);
  for (let seed = 0; seed < 400; seed++) {
    const bytes = Buffer.from(encode(types.traces, new RandomRequests(seed).traces()));
    for (let change = 0; change < 4 && bytes.length > 0; change++) {
      bytes[Math.floor(random() * bytes.length)] = Math.floor(random() * 256);
    }
    readOrRefuse(bytes);
  }
});

test('lists nested 47 deep are read, 48 deep are refused', () => {
  // protobufjs does not even write what is nested so deep.
  assert.equal(decodeTraces(nested(47)).length, 1);
  assert.throws(() => decodeTraces(nested(48)), { name: 'DecodeError', message: 'messages nested deeper than 100' });
});

/** A request with one span with one attribute: lists in lists, this many. */
function nested(depth: number): Buffer {
  let value: Buffer = Buffer.from([0x10, 0x01]);
  for (let level = 0; level < depth; level++) value = message(5, message(1, value));
  return [2, 9, 2, 2, 1].reduce((inner, field) => message(field, inner), value);
}

function message(field: number, bytes: Buffer): Buffer {
  const { length } = bytes;
  const size = length < 128 ? [length] : [(length & 127) | 128, length >> 7];
  return Buffer.concat([Buffer.from([(field << 3) | 2, ...size]), bytes]);
}

function readOrRefuse(bytes: Buffer): void {
  try {
    decodeTraces(bytes);
  } catch (error) {
    assert.ok(error instanceof DecodeError, String(error));
  }
}

/** Ids are hex in OTLP's JSON and base64 in protobuf's own, which is what protobufjs reads. */
function encode(type: protobuf.Type, request: unknown): Buffer {
  const asBytes = JSON.parse(JSON.stringify(request), (key, value) => {
    return /^(traceId|spanId|parentSpanId)$/.test(key) ? Buffer.from(value, 'hex').toString('base64') : value;
  });
  return Buffer.from(type.encode(type.fromObject(asBytes)).finish());
}
