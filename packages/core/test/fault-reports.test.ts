import assert from 'node:assert/strict';
import { test } from 'node:test';
import { faultCounts, reportFault, reportRemainingFaults } from '../src/faults.ts';
import { makeSpans, startBackend, startTest } from './support.ts';
import { collectMessages } from './support/messages.ts';

test('the first fault of a kind has a line of its own, what follows is one line a minute', (t) => {
  const messages = collectMessages(t);
  let nowMs = 1000;
  t.mock.method(performance, 'now', () => nowMs);
  reportFault('a', 'first', 2);
  reportFault('b', 'other');
  assert.deepEqual(messages.splice(0), ['clew: a (2 times, 2 in all): first', 'clew: b (once, 1 in all): other']);
  reportFault('a', 'second');
  nowMs += 59_999;
  reportFault('a', 'third', 4);
  reportFault('b', 'again');
  assert.deepEqual(messages.splice(0), []);
  nowMs += 1;
  reportFault('c', 'new');
  reportFault('a', 'fourth');
  assert.deepEqual(messages.splice(0), [
    'clew: c (once, 1 in all): new',
    'clew: since the last report: a (6 times, 8 in all): fourth; b (once, 2 in all): again',
  ]);
  nowMs += 1;
  reportFault('a', 'fifth');
  assert.deepEqual(messages, []);
  assert.deepEqual({ ...faultCounts() }, { a: 9, b: 2, c: 1 });
});

test('what is left is one line, and nothing left is none', (t) => {
  const messages = collectMessages(t);
  reportRemainingFaults();
  for (const kind of ['a', 'b', 'a', 'b', 'a']) reportFault(kind, kind);
  messages.length = 0;
  reportRemainingFaults();
  reportRemainingFaults();
  assert.deepEqual(messages, ['clew: since the last report: a (2 times, 3 in all): a; b (once, 2 in all): b']);
});

test('a shutdown reports what it gave up in one line at most for each new kind and one for the others', async (t) => {
  const messages = collectMessages(t);
  const backend = await startBackend(t);
  backend.respond = (response) => response.writeHead(400).end();
  const tracing = startTest(t, { endpoint: backend.url, batch: { maxQueueSpans: 600 } });
  makeSpans(tracing, 5000);
  await tracing.forceFlush();
  makeSpans(tracing, 10);
  await tracing.shutdown();
  assert.equal(messages.length, 3, messages.join('\n'));
  assert.match(messages[2] ?? '', /^clew: since the last report: spans_dropped.queue_full .*; spans_dropped.http_400 /);
});
