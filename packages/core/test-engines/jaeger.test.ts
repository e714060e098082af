/** A trace sent to a running Jaeger over OTLP and read back from it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startTracing } from '../src/start-tracing.ts';
import { engineUrl, fetchUntil, makeTrace, service } from './engine.ts';

interface KeyValue {
  key: string;
  type: string;
  value: unknown;
}

for (const protocol of ['http/protobuf', 'http/json']) {
  test(`over ${protocol} Jaeger gives back attributes, events, links, status, resource and scope`, async (t) => {
    t.after(() => {
      delete process.env.OTEL_EXPORTER_OTLP_PROTOCOL;
    });
    process.env.OTEL_EXPORTER_OTLP_PROTOCOL = protocol;
    const tracing = startTracing({
      serviceName: service,
      endpoint: engineUrl('OTEL_EXPORTER_OTLP_ENDPOINT'),
      register: false,
      resource: { team: 'shop' },
    });
    const { server, client, startSeconds } = makeTrace(tracing);
    await tracing.shutdown();
    assert.equal(tracing.stats().exporters[0]?.exported, 2);
    const { traceId, spanId } = server.spanContext();
    const reply = await fetchUntil(
      `${engineUrl('JAEGER_QUERY_URL')}/api/traces/${traceId}`,
      (body) => body.data[0]?.spans.length === 2,
    );
    const [{ spans, processes }] = reply.data;
    const gotServer = spans.find((span: { spanID: string }) => span.spanID === spanId);
    const gotClient = spans.find((span: { spanID: string }) => span.spanID !== spanId);
    assert.equal(gotServer.operationName, 'GET /orders/:id');
    assert.deepEqual([gotServer.startTime, gotServer.duration], [startSeconds * 1e6 + 100_000, 200_000]);
    assert.deepEqual([gotClient.startTime, gotClient.duration], [startSeconds * 1e6 + 150_000, 50_123]);
    assert.equal(gotClient.spanID, client.spanContext().spanId);
    assert.deepEqual(typed(gotServer.tags), {
      'http.route': ['string', '/orders/:id'],
      text: ['string', 'grün "x" \\ \u{1f600}'],
      truth: ['bool', true],
      integer: ['int64', 9007199254740991],
      negative: ['int64', -5],
      double: ['float64', 0.1],
      texts: ['string', '["a","b"]'],
      numbers: ['string', '[1,2.5]'],
      'span.kind': ['string', 'server'],
      'otel.scope.name': ['string', 'engine-test'],
      'otel.scope.version': ['string', '1.2.3'],
    });
    assert.deepEqual(typed(gotClient.tags), {
      'server.address': ['string', 'db.internal'],
      'server.port': ['int64', 5432],
      'db.system.name': ['string', 'postgresql'],
      'span.kind': ['string', 'client'],
      'otel.scope.name': ['string', 'engine-test'],
      'otel.scope.version': ['string', '1.2.3'],
      'otel.status_code': ['string', 'ERROR'],
      'otel.status_description': ['string', 'deadlock detected'],
      error: ['bool', true],
    });
    const [log] = gotClient.logs;
    assert.equal(log.timestamp, startSeconds * 1e6 + 160_000);
    assert.deepEqual(typed(log.fields), { event: ['string', 'row read'], rows: ['int64', 3] });
    assert.deepEqual(
      gotClient.references.map(({ refType, spanID }: Record<string, string>) => [refType, spanID]),
      [['CHILD_OF', spanId]],
    );
    assert.deepEqual(
      gotServer.references.map(({ refType, traceID, spanID }: Record<string, string>) => [refType, traceID, spanID]),
      [['FOLLOWS_FROM', 'ab'.repeat(16), 'cd'.repeat(8)]],
    );
    const { serviceName, tags } = processes[gotServer.processID];
    assert.equal(serviceName, service);
    const resource = typed(tags);
    assert.deepEqual(resource.team, ['string', 'shop']);
    assert.deepEqual(resource['telemetry.sdk.name'], ['string', 'clew']);
    assert.deepEqual(resource['process.pid'], ['int64', process.pid]);
  });
}

function typed(tags: KeyValue[]): Record<string, [type: string, value: unknown]> {
  return Object.fromEntries(tags.map(({ key, type, value }) => [key, [type, value]]));
}
