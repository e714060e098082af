/** Bounds of the two stores: the last that is kept, the first that is not, and what goes then. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { LogStore } from '../src/store/log-store.ts';
import type { LogLine, Span } from '../src/store/model.ts';
import { TraceStore } from '../src/store/trace-store.ts';
import { spanId, traceId } from './sending.ts';

const NO_LIMIT = 1e9;

function span(trace: number, id: number, more: Partial<Span> = {}): Span {
  return {
    traceId: traceId(trace),
    spanId: spanId(id),
    parentSpanId: '',
    traceState: '',
    name: 'work',
    kind: 1,
    startNs: 1n,
    endNs: 2n,
    attributes: [],
    events: [],
    links: [],
    statusCode: 0,
    statusMessage: '',
    resource: { service: 'shop', attributes: [] },
    scope: { name: '', version: '' },
    ...more,
  };
}

function line(trace: number, msg = ''): LogLine {
  return {
    traceId: trace === 0 ? '' : traceId(trace),
    timeNs: 1n,
    level: 'info',
    spanId: '',
    service: 'shop',
    msg,
    fields: {},
  };
}

function store(maxSpans: number, maxBytes = NO_LIMIT): TraceStore {
  return new TraceStore({ maxSpans, maxBytes });
}

test('as many spans as maxSpans are kept, one more drops the oldest trace whole', () => {
  const traces = store(4);
  traces.add([span(1, 1), span(1, 2), span(2, 3), span(2, 4)], 0);
  assert.equal(traces.stats().evictedTraces, 0);
  traces.add([span(3, 5)], 0);
  assert.equal(traces.get(traceId(1)), undefined);
  assert.equal(traces.get(traceId(2))?.spans.size, 2);
  assert.equal(traces.get(traceId(3))?.spans.size, 1);
  const { spans, evictedSpans, evictedTraces, acceptedSpans } = traces.stats();
  assert.deepEqual(
    { spans, evictedSpans, evictedTraces, acceptedSpans },
    { spans: 3, evictedSpans: 2, evictedTraces: 1, acceptedSpans: 5 },
  );
});

test('the oldest trace goes even while it still grows', () => {
  const traces = store(3);
  traces.add([span(1, 1)], 0);
  traces.add([span(2, 2), span(2, 3)], 0);
  traces.add([span(1, 4)], 0);
  assert.equal(traces.get(traceId(1)), undefined);
  assert.equal(traces.stats().spans, 2);
});

test('what comes late for an evicted trace is kept and marked as partial', () => {
  const traces = store(2);
  traces.add([span(1, 1), span(1, 2)], 0);
  traces.add([span(2, 3)], 0);
  traces.add([span(1, 4)], 0);
  assert.equal(traces.get(traceId(1))?.isPartial, true);
  assert.equal(traces.get(traceId(2))?.isPartial, false);
});

test('one trace fills the store to its last span, and what is more is rejected', () => {
  const traces = store(2);
  assert.equal(traces.add([span(1, 1), span(1, 2)], 0).rejected, 0);
  const { rejected, reason } = traces.add([span(1, 3)], 0);
  assert.equal(rejected, 1);
  assert.match(reason, /has 2 spans, the most that are kept/);
  assert.equal(traces.stats().rejectedSpans, 1);
});

test('bytes are bounded too: 100 of 100 are kept, one more drops the oldest trace', () => {
  const traces = store(NO_LIMIT, 100);
  traces.add([span(1, 1)], 50);
  traces.add([span(2, 2)], 50);
  assert.equal(traces.stats().evictedTraces, 0);
  traces.add([span(3, 3)], 1);
  assert.equal(traces.get(traceId(1)), undefined);
  assert.equal(traces.stats().bytes, 51);
});

test('a span larger than all that is kept is rejected and evicts nothing', () => {
  const traces = store(NO_LIMIT, 100);
  traces.add([span(1, 1)], 100);
  assert.equal(traces.add([span(2, 2)], 101).rejected, 1);
  assert.equal(traces.get(traceId(1))?.spans.size, 1);
  assert.equal(traces.get(traceId(2)), undefined);
});

test('the store is empty again after what filled it is evicted', () => {
  const traces = store(1);
  for (let trace = 1; trace <= 50; trace++) traces.add([span(trace, 1)], 10);
  const { spans, traces: held, bytes, evictedTraces } = traces.stats();
  assert.deepEqual({ spans, held, bytes, evictedTraces }, { spans: 1, held: 1, bytes: 10, evictedTraces: 49 });
});

test('a span that comes again replaces itself', () => {
  const traces = store(10);
  traces.add([span(1, 1, { name: 'first' })], 0);
  traces.add([span(1, 1, { name: 'again' })], 0);
  assert.deepEqual(
    [...(traces.get(traceId(1))?.spans.values() ?? [])].map(({ name }) => name),
    ['again'],
  );
  assert.equal(traces.stats().spans, 1);
});

test('a CLIENT and a SERVER span with one id are both kept', () => {
  const traces = store(10);
  traces.add([span(1, 1, { kind: 3 }), span(1, 1, { kind: 2 })], 0);
  assert.equal(traces.get(traceId(1))?.spans.size, 2);
});

const INVALID: ReadonlyArray<readonly [string, Partial<Span>]> = [
  ['a trace id of zeros', { traceId: '0'.repeat(32) }],
  ['a trace id of 31 digits', { traceId: 'a'.repeat(31) }],
  ['an empty trace id', { traceId: '' }],
  ['a span id of zeros', { spanId: '0'.repeat(16) }],
  ['a span id of 17 digits', { spanId: 'a'.repeat(17) }],
  ['a span id that is not hex', { spanId: 'g'.repeat(16) }],
];
for (const [what, wrong] of INVALID) {
  test(`${what} is rejected, and the spans beside it are kept`, () => {
    const traces = store(10);
    assert.equal(traces.add([span(1, 1), span(1, 2, wrong), span(1, 3)], 0).rejected, 1);
    assert.equal(traces.stats().spans, 2);
  });
}

test('listeners hear of each change until they unsubscribe', () => {
  const traces = store(10);
  let heard = 0;
  const unsubscribe = traces.subscribe(() => heard++);
  traces.add([span(1, 1)], 0);
  unsubscribe();
  traces.add([span(1, 2)], 0);
  assert.equal(heard, 1);
});

test('clear forgets spans and counts, and the revision goes on rising', () => {
  const traces = store(1);
  traces.add([span(1, 1), span(2, 2)], 5);
  const before = traces.revision;
  traces.clear();
  assert.deepEqual(traces.stats(), {
    spans: 0,
    maxSpans: 1,
    traces: 0,
    bytes: 0,
    acceptedSpans: 0,
    rejectedSpans: 0,
    evictedSpans: 0,
    evictedTraces: 0,
  });
  assert.ok(traces.revision > before);
});

test('log lines: the last that fits is kept, one more drops the lines of the oldest trace', () => {
  const logs = new LogStore({ maxLines: 3, maxBytes: NO_LIMIT });
  logs.add([line(1), line(1), line(2)], 0);
  assert.equal(logs.stats().evictedLines, 0);
  logs.add([line(3)], 0);
  assert.deepEqual([logs.count(traceId(1)), logs.count(traceId(2)), logs.count(traceId(3))], [0, 1, 1]);
  assert.equal(logs.stats().evictedLines, 2);
});

test('log lines of one trace fill the store to the last, and what is more is rejected', () => {
  const logs = new LogStore({ maxLines: 2, maxBytes: NO_LIMIT });
  assert.equal(logs.add([line(1), line(1)], 0), 0);
  assert.equal(logs.add([line(1)], 0), 1);
  assert.equal(logs.stats().lines, 2);
});

test('log lines are bounded by bytes', () => {
  const logs = new LogStore({ maxLines: NO_LIMIT, maxBytes: 100 });
  logs.add([line(1)], 60);
  logs.add([line(2)], 40);
  assert.equal(logs.stats().evictedLines, 0);
  logs.add([line(3)], 1);
  assert.equal(logs.stats().bytes, 41);
});

test('log lines of no trace are counted and not kept', () => {
  const logs = new LogStore({ maxLines: 2, maxBytes: NO_LIMIT });
  assert.equal(logs.add([line(0), line(1)], 0), 0);
  assert.equal(logs.stats().linesWithoutTrace, 1);
  assert.equal(logs.stats().lines, 1);
});

test('log lines come by time, those of one time as they arrived', () => {
  const logs = new LogStore({ maxLines: 9, maxBytes: NO_LIMIT });
  logs.add(
    [
      { ...line(1, 'c'), timeNs: 3n },
      { ...line(1, 'a'), timeNs: 1n },
      { ...line(1, 'b'), timeNs: 1n },
    ],
    0,
  );
  assert.deepEqual(
    logs.get(traceId(1)).map(({ msg }) => msg),
    ['a', 'b', 'c'],
  );
});
