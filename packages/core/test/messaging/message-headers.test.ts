import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addHeaders, hasField, messageHeaderGetter } from '@clew/core/messaging';

const TRACEPARENT = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
const FIELDS = new Set(['traceparent', 'tracestate', 'baggage']);

const READS: ReadonlyArray<readonly [string, Record<string, unknown>, string, string | string[] | undefined]> = [
  ['text', { traceparent: TRACEPARENT }, 'traceparent', TRACEPARENT],
  ['a Buffer', { traceparent: Buffer.from(TRACEPARENT) }, 'traceparent', TRACEPARENT],
  ['a Uint8Array that is a part of its memory', { b3: new Uint8Array([48, 49, 50]).subarray(1, 2) }, 'b3', '1'],
  ['a name in upper case', { TraceParent: TRACEPARENT }, 'traceparent', TRACEPARENT],
  ['the first of several', { traceparent: [Buffer.from(TRACEPARENT), 'second'] }, 'traceparent', TRACEPARENT],
  ['all of a list header', { tracestate: ['a=1', Buffer.from('b=2')] }, 'tracestate', ['a=1', 'b=2']],
  ['all of baggage, without what is no text', { Baggage: ['a=1', 7, null] }, 'baggage', ['a=1']],
  ['bytes that are not UTF-8, as replacement characters', { b3: Buffer.from([0xff]) }, 'b3', '�'],
  ['no number', { traceparent: 7 }, 'traceparent', undefined],
  ['no null', { traceparent: null }, 'traceparent', undefined],
  ['no empty array', { traceparent: [] }, 'traceparent', undefined],
  ['nothing of another name of the same length', { traceparens: 'x' }, 'traceparent', undefined],
];

for (const [title, headers, key, expected] of READS) {
  test(`reading message headers gives ${title}`, () => {
    assert.deepEqual(messageHeaderGetter.get(headers, key), expected);
  });
}

test('the names of message headers are listed as they are', () => {
  assert.deepEqual(messageHeaderGetter.keys({ A: '1', b: '2' }), ['A', 'b']);
});

test('a propagator header is found in any case, and no other one is', () => {
  assert.equal(hasField({ mine: '1', TRACESTATE: 'a=1' }, FIELDS), true);
  assert.equal(hasField({ mine: '1', 'x-traceparent': '2' }, FIELDS), false);
});

const INJECTED = { traceparent: 'ours', baggage: 'ours' };
const MERGES: ReadonlyArray<readonly [string, Record<string, unknown> | undefined | null, Record<string, unknown>]> = [
  ['no headers', undefined, INJECTED],
  ['null for headers', null, INJECTED],
  ['headers of the application', { mine: 'yes' }, { mine: 'yes', ...INJECTED }],
  ['baggage of the application, which stays', { Baggage: 'theirs' }, { Baggage: 'theirs', traceparent: 'ours' }],
  ['a malformed context, which is replaced', { TraceParent: 'bad', tracestate: 'a=1' }, INJECTED],
];

for (const [title, headers, expected] of MERGES) {
  test(`a context is added to ${title}`, () => {
    const before = structuredClone(headers);
    const merged = addHeaders(headers, INJECTED, FIELDS);
    assert.deepEqual(merged, expected);
    assert.deepEqual(headers, before);
    assert.notEqual(merged, INJECTED);
  });
}

test('of a list header with four billion places the first 256 are looked at', () => {
  const values: unknown[] = new Array(2 ** 32 - 1);
  values[255] = 'a=1';
  values[256] = 'b=2';
  assert.deepEqual(messageHeaderGetter.get({ baggage: values }, 'baggage'), ['a=1']);
});
