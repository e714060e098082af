/** pino's lines to log lines. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { parsePinoLines } from '../src/receive/pino-lines.ts';
import type { LogLine } from '../src/store/model.ts';
import { OTHER_TRACE, TRACE } from './sending.ts';

const NOW = 1_790_000_000_000_000_000n;

function lineOf(fields: unknown): LogLine {
  const { lines } = parsePinoLines(JSON.stringify(fields), NOW);
  assert.ok(lines[0] !== undefined);
  return lines[0];
}

test('a line of pino keeps its time, level, message, ids, and all other fields', () => {
  const err = { type: 'TypeError', message: 'no', stack: 'TypeError: no\n    at a.ts:1' };
  const line = {
    level: 50,
    time: 1790000000123,
    pid: 7,
    name: 'orders',
    trace_id: TRACE,
    span_id: 'eee19b7ec3c1b173',
    trace_flags: '01',
    err,
    msg: 'failed',
  };
  assert.deepEqual(lineOf(line), {
    traceId: TRACE,
    timeNs: 1_790_000_000_123_000_000n,
    level: 'error',
    spanId: 'eee19b7ec3c1b173',
    service: 'orders',
    msg: 'failed',
    fields: { pid: 7, err },
  });
});

test('the field service names the service, and a different name stays a field', () => {
  const line = lineOf({ service: 'orders', name: 'http' });
  assert.equal(line.service, 'orders');
  assert.deepEqual(line.fields, { name: 'http' });
});

test('lines that are no JSON object are counted, blank ones are not', () => {
  const { lines, rejected } = parsePinoLines(`{"msg":"a"}\n\n{"msg":\n[1]\nnull\n5\r\n{"msg":"b"}\r\n`, NOW);
  assert.deepEqual(
    lines.map(({ msg }) => msg),
    ['a', 'b'],
  );
  assert.equal(rejected, 4);
});

const LEVELS: ReadonlyArray<readonly [unknown, LogLine['level']]> = [
  [10, 'trace'],
  [20, 'debug'],
  [30, 'info'],
  [35, 'info'],
  [40, 'warn'],
  [50, 'error'],
  [60, 'fatal'],
  [5, 'trace'],
  ['WARN', 'warn'],
  ['audit', 'info'],
  [undefined, 'info'],
];
for (const [level, expected] of LEVELS) {
  test(`level ${level} is ${expected}`, () => assert.equal(lineOf({ level }).level, expected));
}

const TIMES: ReadonlyArray<readonly [string, unknown, bigint]> = [
  ['epochTime, milliseconds', 1790000000123, 1_790_000_000_123_000_000n],
  ['milliseconds with a fraction', 1790000000123.5, 1_790_000_000_123_500_000n],
  ['unixTime, seconds', 1790000000, 1_790_000_000_000_000_000n],
  ['isoTime', '2026-09-21T14:13:20.123Z', 1_790_000_000_123_000_000n],
  ['nanoseconds as text', '1790000000123456789', 1_790_000_000_123_456_789n],
  ['microseconds', 1790000000123456, 1_790_000_000_123_456_000n],
  ['none', undefined, NOW],
  ['no time at all', 'soon', NOW],
  ['a negative number', -5, NOW],
];
for (const [what, time, expected] of TIMES) {
  test(`time: ${what}`, () => assert.equal(lineOf({ time }).timeNs, expected));
}

test('ids that are none are left out, not passed on', () => {
  const line = lineOf({ trace_id: 'zz', span_id: '0000000000000000' });
  assert.equal(line.traceId, '');
  assert.equal(line.spanId, '');
  assert.equal(lineOf({ trace_id: OTHER_TRACE.toUpperCase() }).traceId, OTHER_TRACE);
});

test('a field named __proto__ is a field and changes no object', () => {
  const { lines } = parsePinoLines('{"__proto__":{"polluted":true},"msg":"a"}', NOW);
  assert.equal(({} as Record<string, unknown>).polluted, undefined);
  assert.deepEqual(Object.keys(lines[0]?.fields ?? {}), ['__proto__']);
});
