import assert from 'node:assert/strict';
import { test } from 'node:test';

import { exceptionAttributes, recordError, withholdMessage } from '../../src/exception.ts';
import { collectSpans } from '../../src/testing/index.ts';

test('a withheld message is neither in the event nor in the status, whichever span the error passes', async (t) => {
  const spans = collectSpans(t, { register: true });
  const error = new RangeError('secret\n    at secret (secret.js:1:1)');
  withholdMessage(error);
  const span = spans.tracing.provider.getTracer('test').startSpan('work');
  recordError(span, error);
  span.end();
  const { status, events } = await spans.take('work');
  assert.deepEqual(status, { code: 2 });
  assert.equal(events[0]?.attributes?.['exception.type'], 'RangeError');
  assert.match(String(events[0]?.attributes?.['exception.stacktrace']), /^RangeError\n {4}at /);
  assert.doesNotMatch(JSON.stringify(events), /secret/);
});

test('a withheld message is not told by the error that it is the cause of', () => {
  const cause = new Error('secret');
  withholdMessage(cause);
  const attributes = exceptionAttributes(new Error('outer', { cause }));
  assert.equal(attributes['exception.message'], 'outer');
  assert.match(String(attributes['exception.stacktrace']), /Caused by: Error\n/);
  assert.doesNotMatch(JSON.stringify(attributes), /secret/);
});

test('values that are no objects cannot be withheld, and are not refused', () => {
  for (const value of [undefined, null, 'secret', 7]) withholdMessage(value);
  assert.equal(exceptionAttributes('secret')['exception.message'], 'secret');
});
