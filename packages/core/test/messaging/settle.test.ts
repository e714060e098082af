import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { getTracer, type Span, SpanStatusCode } from '@clew/core';
import { settle } from '@clew/core/messaging';
import { type CollectedSpans, collectSpans } from '@clew/core/testing';

function startSpan(spans: CollectedSpans): Span {
  return spans.tracing.provider.getTracer('test').startSpan('call');
}

test('a promise gives the same value, and the span has ended when it is there', async (t) => {
  const spans = collectSpans(t);
  assert.equal(await settle(startSpan(spans), () => Promise.resolve(7), {}), 7);
  assert.equal(spans.all().length, 1);
});

test('a value that is no promise ends the span at once', (t) => {
  const spans = collectSpans(t);
  assert.equal(
    settle(startSpan(spans), () => 'done', {}),
    'done',
  );
  assert.equal(spans.all()[0]?.status.code, SpanStatusCode.UNSET);
});

test('a thrown value comes out as it is, and is recorded under the name that the protocol has for it', (t) => {
  const spans = collectSpans(t);
  const error = new Error('no such topic');
  assert.throws(
    () =>
      settle(
        startSpan(spans),
        () => {
          throw error;
        },
        { protocolError: () => 'UNKNOWN_TOPIC' },
      ),
    (thrown) => thrown === error,
  );
  const [span] = spans.all();
  assert.equal(span?.attributes['error.type'], 'UNKNOWN_TOPIC');
  assert.deepEqual(span?.status, { code: SpanStatusCode.ERROR, message: 'no such topic' });
});

for (const [thrown, type] of [
  [new TypeError('x'), 'TypeError'],
  [Object.assign(new Error('x'), { code: 'ECONNREFUSED' }), 'ECONNREFUSED'],
  ['text', '_OTHER'],
  [undefined, '_OTHER'],
] as const) {
  test(`a rejection with ${String(thrown)} gives error.type ${type} when the protocol has no name for it`, async (t) => {
    const spans = collectSpans(t);
    const rejected = settle(startSpan(spans), () => Promise.reject(thrown), { protocolError: () => undefined });
    assert.equal(await rejected.catch((reason: unknown) => reason), thrown);
    assert.equal(spans.all()[0]?.attributes['error.type'], type);
  });
}

// In a process of its own: the test runner takes every unhandled rejection for a failure.
for (const [title, handler, code] of [
  ['a rejection that nobody handles ends the process, as it would without tracing', '', 1],
  ['a rejection that the caller handles does not', '.catch(() => undefined)', 0],
] as const) {
  test(title, () => {
    const program = `
      import { getTracer } from '@clew/core';
      import { settle } from '@clew/core/messaging';
      const span = getTracer('test').startSpan('call');
      settle(span, () => Promise.reject(new Error('nobody looks')), {})${handler};`;
    const args = ['--conditions=clew-source', '--input-type=module', '--eval', program];
    const ended = spawnSync(process.execPath, args, { cwd: import.meta.dirname, encoding: 'utf8' });
    assert.equal(ended.status, code, ended.stderr);
    assert.equal(ended.stderr.includes('nobody looks'), code === 1);
  });
}

test('what reads the result may throw: the span ends and the result arrives', async (t) => {
  const spans = collectSpans(t);
  const outcome = {
    onSuccess: () => {
      throw new Error('a result of another shape');
    },
  };
  assert.equal(await settle(startSpan(spans), () => Promise.resolve(7), outcome), 7);
  assert.equal(spans.all()[0]?.status.code, SpanStatusCode.UNSET);
});

test('a span that does not record is ended without reading the result', async () => {
  const span = getTracer('none').startSpan('not recorded');
  let reads = 0;
  await settle(span, () => Promise.resolve(7), { onSuccess: () => reads++ });
  assert.equal(reads, 0);
});
