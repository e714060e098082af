/** A trace sent to a running Zipkin and read back from it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startTracing } from '../src/start-tracing.ts';
import { engineUrl, fetchUntil, makeTrace, service } from './engine.ts';

test('Zipkin gives back what was sent, field by field', async () => {
  const url = engineUrl('ZIPKIN_URL');
  const tracing = startTracing({
    serviceName: service,
    exporter: 'zipkin',
    endpoint: url,
    register: false,
    resource: { team: 'shop' },
  });
  const { server, client, startSeconds } = makeTrace(tracing);
  await tracing.shutdown();
  assert.equal(tracing.stats().exporters[0]?.exported, 2);
  const { traceId, spanId } = server.spanContext();
  const spans = await fetchUntil(`${url}/api/v2/trace/${traceId}`, (body) => body.length === 2);
  const gotServer = spans.find((span: { id: string }) => span.id === spanId);
  const gotClient = spans.find((span: { id: string }) => span.id !== spanId);
  // Zipkin lowers the names of spans and services: `Span.Builder.name` and `Endpoint.Builder.serviceName`.
  const common = { traceId, localEndpoint: { serviceName: service } };
  const { tags: serverTags, ...serverRest } = gotServer;
  assert.deepEqual(serverRest, {
    ...common,
    id: spanId,
    kind: 'SERVER',
    name: 'get /orders/:id',
    timestamp: startSeconds * 1e6 + 100_000,
    duration: 200_000,
  });
  const { tags: clientTags, ...clientRest } = gotClient;
  assert.deepEqual(clientRest, {
    ...common,
    id: client.spanContext().spanId,
    parentId: spanId,
    kind: 'CLIENT',
    name: 'select orders',
    timestamp: startSeconds * 1e6 + 150_000,
    duration: 50_123,
    remoteEndpoint: { serviceName: 'db.internal', port: 5432 },
    annotations: [{ timestamp: startSeconds * 1e6 + 160_000, value: '"row read": {"rows":3}' }],
  });
  assert.deepEqual(ownTags(serverTags), {
    text: 'grün "x" \\ \u{1f600}',
    truth: 'true',
    integer: '9007199254740991',
    negative: '-5',
    double: '0.1',
    texts: '["a","b"]',
    numbers: '[1,2.5]',
    'http.route': '/orders/:id',
    'otel.scope.name': 'engine-test',
    'otel.scope.version': '1.2.3',
    team: 'shop',
  });
  assert.deepEqual(ownTags(clientTags), {
    'server.address': 'db.internal',
    'server.port': '5432',
    'db.system.name': 'postgresql',
    'otel.scope.name': 'engine-test',
    'otel.scope.version': '1.2.3',
    'otel.status_code': 'ERROR',
    error: 'deadlock detected',
    team: 'shop',
  });
});

/** Without those of the resource that differ from host to host. */
function ownTags(tags: Record<string, string>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(tags).filter(([key]) => !/^(host|os|process|service|telemetry|container|k8s)\./.test(key)),
  );
}
