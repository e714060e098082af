import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { InMemorySpanExporter } from '../src/export/memory.ts';
import type { ExportResult, ReadableSpan } from '../src/export/readable-span.ts';
import { makeSpan } from './support/make-span.ts';

function exportTo(exporter: InMemorySpanExporter, spans: ReadableSpan[]): ExportResult[] {
  const results: ExportResult[] = [];
  exporter.export(spans, (result) => results.push(result));
  return results;
}

test('exported spans are kept in their order until reset', () => {
  const exporter = new InMemorySpanExporter();
  const [a, b] = [makeSpan({ name: 'a' }), makeSpan({ name: 'b' })];
  assert.deepEqual(exportTo(exporter, [a]), [{ code: 0 }]);
  assert.deepEqual(exportTo(exporter, [b]), [{ code: 0 }]);
  assert.deepEqual(exporter.getFinishedSpans(), [a, b]);
  exporter.reset();
  assert.deepEqual(exporter.getFinishedSpans(), []);
});

test('the list that is handed out is a copy', () => {
  const exporter = new InMemorySpanExporter();
  exportTo(exporter, [makeSpan({})]);
  exporter.getFinishedSpans().pop();
  assert.equal(exporter.getFinishedSpans().length, 1);
});

test('after shutdown spans are refused and nothing is kept', async () => {
  const exporter = new InMemorySpanExporter();
  exportTo(exporter, [makeSpan({})]);
  await exporter.forceFlush();
  await exporter.shutdown();
  const [result] = exportTo(exporter, [makeSpan({})]);
  assert.equal(result?.code, 1);
  assert.match(result?.error?.message ?? '', /shut down/);
  assert.deepEqual(exporter.getFinishedSpans(), []);
});

test("the official SDK's provider exports to it", async () => {
  const exporter = new InMemorySpanExporter();
  const provider = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] });
  provider.getTracer('x').startSpan('from the SDK').end();
  await provider.forceFlush();
  assert.deepEqual(
    exporter.getFinishedSpans().map(({ name }) => name),
    ['from the SDK'],
  );
  await provider.shutdown();
});
