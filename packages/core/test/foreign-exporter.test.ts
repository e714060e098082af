import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ReadableSpan, SpanExporter } from '../src/export/readable-span.ts';
import { accountedFor, makeSpans, startTest, until } from './support.ts';

type Done = Parameters<SpanExporter['export']>[1];

/** An exporter whose every call is noted; it settles at once unless a test replaces a method. */
class NotingExporter implements SpanExporter {
  calls: string[] = [];
  exportNow: (done: Done) => void = (done) => done({ code: 0 });
  flushNow: () => Promise<void> = () => Promise.resolve();
  shutdownNow: () => Promise<void> = () => Promise.resolve();

  export(spans: ReadableSpan[], done: Done): void {
    this.calls.push(`export ${spans.length}`);
    this.exportNow(done);
  }
  forceFlush(): Promise<void> {
    this.calls.push('forceFlush');
    return this.flushNow();
  }
  shutdown(): Promise<void> {
    this.calls.push('shutdown');
    return this.shutdownNow();
  }
}

const never = (): Promise<void> => new Promise(() => {});

test('forceFlush exports what is queued, then asks the exporter to flush', async (t) => {
  const exporter = new NotingExporter();
  const tracing = startTest(t, { exporter });
  makeSpans(tracing, 3);
  assert.equal(await tracing.forceFlush(), 'ok');
  assert.deepEqual(exporter.calls, ['export 3', 'forceFlush']);
  assert.equal(await tracing.forceFlush(), 'ok');
  assert.deepEqual(exporter.calls.slice(2), ['forceFlush'], 'it may hold spans back that we gave it before');
});

test('calls of forceFlush at once share one run; a span in between starts another', async (t) => {
  const exporter = new NotingExporter();
  let release = (): void => {};
  exporter.flushNow = () => new Promise((resolve) => (release = resolve));
  const tracing = startTest(t, { exporter });
  makeSpans(tracing, 1);
  const together = [tracing.forceFlush(), tracing.forceFlush(), tracing.forceFlush()];
  await until(() => exporter.calls.includes('forceFlush'), 'the flush');
  assert.deepEqual(exporter.calls, ['export 1', 'forceFlush']);
  const short = tracing.forceFlush(1);
  assert.equal(await short, 'timeout', 'each call keeps its own time');
  makeSpans(tracing, 1);
  const later = tracing.forceFlush();
  release();
  assert.deepEqual(await Promise.all(together), ['ok', 'ok', 'ok']);
  await until(() => exporter.calls.filter((call) => call === 'forceFlush').length === 2, 'the second run');
  release();
  assert.equal(await later, 'ok');
  assert.deepEqual(exporter.calls.slice(2), ['export 1', 'forceFlush']);
  exporter.flushNow = () => Promise.resolve();
});

test('forceFlush says `failed` when the exporter refuses, throws, or fails to flush', async (t) => {
  const exporter = new NotingExporter();
  const tracing = startTest(t, { exporter });
  exporter.exportNow = (done) => done({ code: 1 });
  makeSpans(tracing, 1);
  assert.equal(await tracing.forceFlush(), 'failed');
  exporter.exportNow = () => {
    throw new Error('no');
  };
  makeSpans(tracing, 1);
  assert.equal(await tracing.forceFlush(), 'failed');
  exporter.exportNow = (done) => done({ code: 0 });
  for (const flush of [
    () => Promise.reject(new Error('no')),
    () => {
      throw new Error('no');
    },
  ]) {
    exporter.flushNow = flush;
    makeSpans(tracing, 1);
    assert.equal(await tracing.forceFlush(), 'failed');
  }
  assert.deepEqual(tracing.stats().exporters[0]?.dropped, { exporter_failed: 1, exporter_threw: 1 });
  assert.deepEqual(accountedFor(tracing), { accepted: 4, sum: 4 });
});

test('an export that never ends is left after exportTimeoutMs, counted as `timeout`, and the next one starts', async (t) => {
  const exporter = new NotingExporter();
  exporter.exportNow = () => {};
  const tracing = startTest(t, { exporter, batch: { exportTimeoutMs: 20 } });
  makeSpans(tracing, 2);
  assert.equal(await tracing.forceFlush(), 'failed');
  exporter.exportNow = (done) => done({ code: 0 });
  makeSpans(tracing, 1);
  assert.equal(await tracing.forceFlush(), 'ok');
  const { exported, dropped } = tracing.stats().exporters[0] ?? assert.fail();
  assert.deepEqual([exported, dropped], [1, { timeout: 2 }]);
});

test('never two exports at once, whatever exportConcurrency says', async (t) => {
  const exporter = new NotingExporter();
  const waiting: Done[] = [];
  exporter.exportNow = (done) => void waiting.push(done);
  const tracing = startTest(t, { exporter, exportConcurrency: 4, batch: { maxExportBatchSpans: 1 } });
  makeSpans(tracing, 3);
  const flushed = tracing.forceFlush();
  for (let i = 1; i <= 3; i++) {
    await until(() => waiting.length > 0, 'an export');
    assert.equal(waiting.length, 1);
    waiting.pop()?.({ code: 0 });
  }
  assert.equal(await flushed, 'ok');
});

test('shutdown flushes, then shuts the exporter down, once', async (t) => {
  const exporter = new NotingExporter();
  const tracing = startTest(t, { exporter });
  makeSpans(tracing, 1);
  await Promise.all([tracing.shutdown(), tracing.shutdown()]);
  assert.deepEqual(exporter.calls, ['export 1', 'forceFlush', 'shutdown']);
});

for (const [what, method] of [
  ['export', 'exportNow'],
  ['forceFlush', 'flushNow'],
  ['shutdown', 'shutdownNow'],
] as const) {
  test(`shutdown ends within 5 seconds when ${what} of the exporter does not`, async (t) => {
    const exporter = new NotingExporter();
    exporter[method] = never;
    const tracing = startTest(t, { exporter });
    makeSpans(tracing, 1);
    const startedMs = performance.now();
    await tracing.shutdown();
    // A timer may be a little early by the other clock.
    assert.ok(performance.now() - startedMs <= 5050, `${performance.now() - startedMs} ms`);
    assert.ok(exporter.calls.includes('shutdown'));
    assert.deepEqual(accountedFor(tracing), { accepted: 1, sum: 1 });
  });
}

test('what an exporter does while it exports, flushes or shuts down is not traced', async (t) => {
  const exporter = new NotingExporter();
  const tracing = startTest(t, { exporter });
  const trace = (): void => tracing.provider.getTracer('http').startSpan('POST').end();
  exporter.exportNow = (done) => {
    trace();
    done({ code: 0 });
  };
  exporter.flushNow = exporter.shutdownNow = async () => trace();
  makeSpans(tracing, 1);
  await tracing.forceFlush();
  await tracing.shutdown();
  assert.equal(tracing.stats().started, 1);
});
