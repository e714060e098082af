import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { run } from '../packed/workshop.ts';
import { readTrace, required } from './variables.ts';

const root = join(import.meta.dirname, '..', '..');

test('one order over real PostgreSQL and Kafka is read back whole from Jaeger', async () => {
  for (const name of ['DATABASE_URL', 'KAFKA_BROKERS', 'OTEL_EXPORTER_OTLP_ENDPOINT']) required(name, 'a real engine');
  const queryUrl = required('JAEGER_QUERY_URL', 'the query address of Jaeger');
  const main = join(root, 'examples', 'shop', 'src', 'main.ts');
  const { code, stdout, stderr } = await run(process.execPath, ['--conditions=clew-source', main, '--once'], root, {
    PORT: '0',
  });
  assert.equal(code, 0, `${stderr}\n${stdout}`);
  const [, traceId, count] = /Trace ([0-9a-f]{32}): (\d+) spans in 4 services/.exec(stdout) ?? assert.fail(stdout);
  const trace = await readTrace(queryUrl, String(traceId), Number(count));
  assert.equal(trace.spans.length, Number(count));
  const services = new Set(trace.spans.map((span) => trace.processes[span.processID]?.serviceName));
  assert.deepEqual([...services].toSorted(), ['fulfilment', 'gateway', 'orders', 'payments']);
  const ids = new Set(trace.spans.map((span) => span.spanID));
  // Jaeger gives a parent that is linked to as well, as a consumer's is, as one FOLLOWS_FROM.
  const roots = trace.spans.filter((span) => span.references.length === 0);
  assert.equal(roots.length, 1);
  for (const span of trace.spans) {
    for (const { traceID, spanID } of span.references) {
      assert.equal(traceID, traceId);
      assert.ok(ids.has(spanID), `${span.operationName} has a parent or link that did not arrive`);
    }
    // Jaeger takes a child that is not inside its parent for a skewed clock. A consumer's span is not, and a server's may
    // end a moment after its client has read the headers.
    const warnings = (span.warnings ?? []).filter((text) => !text.startsWith('clock skew adjustment disabled'));
    assert.deepEqual(warnings, []);
  }
});
