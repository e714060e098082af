import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { startTracing } from '@clew/core';
import { run } from '../packed/workshop.ts';
import { readTrace, required } from './variables.ts';

const root = join(import.meta.dirname, '..', '..');
const collectorConfig = join(root, 'deploy', 'collector.yaml');

test('docker-compose accepts the compose file, in which the shop is a profile', async () => {
  const { code, stdout, stderr } = await run('docker-compose', ['config'], root);
  assert.equal(code, 0, stderr);
  // One service from its name, at two spaces, to the next.
  const services = new Map(stdout.split(/^ {2}(?=[a-z-]+:$)/m).map((text) => [text.slice(0, text.indexOf(':')), text]));
  for (const name of ['collector', 'jaeger', 'kafka', 'postgres', 'prometheus']) {
    assert.doesNotMatch(services.get(name) ?? assert.fail(`${name} is missing`), /profiles:/);
  }
  for (const name of ['gateway', 'orders', 'fulfilment', 'payments']) {
    assert.match(services.get(name) ?? assert.fail(`${name} is missing`), /profiles:\s+- shop/);
  }
});

test('the real Collector runs the configuration of the compose file, and a span goes through it to Jaeger', async (t) => {
  const binary = required('COLLECTOR_BINARY', 'path of an OpenTelemetry Collector');
  const jaeger = required('JAEGER_OTLP_GRPC', 'where Jaeger takes OTLP over gRPC');
  const queryUrl = required('JAEGER_QUERY_URL', 'the query address of Jaeger');
  const [grpc, http, metrics] = await Promise.all([freePort(), freePort(), freePort()]);
  const collector = spawn(binary, ['--config', collectorConfig], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: {
      ...process.env,
      OTLP_GRPC_LISTEN: `127.0.0.1:${grpc}`,
      OTLP_HTTP_LISTEN: `127.0.0.1:${http}`,
      SPANMETRICS_LISTEN: `127.0.0.1:${metrics}`,
      JAEGER_OTLP: jaeger.replace(/^https?:\/\//, ''),
    },
  });
  let log = '';
  collector.stderr.on('data', (chunk: Buffer) => {
    log += chunk.toString();
  });
  t.after(async () => {
    if (collector.exitCode !== null) return;
    collector.kill('SIGTERM');
    await once(collector, 'exit');
  });
  const deadline = Date.now() + 20_000;
  while (!log.includes('Everything is ready')) {
    assert.ok(collector.exitCode === null && Date.now() < deadline, log);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  const tracing = startTracing({
    serviceName: 'through-collector',
    endpoint: `http://127.0.0.1:${http}`,
    register: false,
  });
  const span = tracing.provider
    .getTracer('test')
    .startSpan('hello', { attributes: { text: 'ünï', n: 7, list: ['a'] } });
  span.end();
  await tracing.shutdown();
  const trace = await readTrace(queryUrl, span.spanContext().traceId, 1);
  const tags = Object.fromEntries((trace.spans[0]?.tags ?? []).map(({ key, value }) => [key, value]));
  assert.deepEqual([tags.text, tags.n, tags.list], ['ünï', 7, '["a"]']);
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}
