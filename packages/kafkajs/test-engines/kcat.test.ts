// A second client that knows nothing of ours: kcat (librdkafka) reads our headers, and sends headers that we read.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { before, test } from 'node:test';
import { collectSpans } from '@clew/core/testing';
import { traceKafka } from '@clew/kafkajs';
import type { Kafka as Cluster } from '@clew/testkit/engines';
import { ownGroup, ownTopic, quietKafka } from '../test/support.ts';
import { createTopic, realKafka } from './real-kafka.ts';

const TRACE_ID = '0af7651916cd43dd8448eb211c80319c';
const SPAN_ID = 'b7ad6b7169203331';

let cluster: Cluster;
before(async () => {
  cluster = await realKafka();
});

function kcat(args: string[], input?: string): string {
  const run = spawnSync('kcat', ['-b', cluster.brokers.join(','), ...args], {
    encoding: 'utf8',
    input,
    timeout: 30_000,
  });
  assert.equal(run.error, undefined, `kcat did not run (${run.error?.message}); install the package kcat`);
  assert.equal(run.status, 0, run.stderr);
  return run.stdout;
}

test('kcat reads the context that a traced send has written', async (t) => {
  const spans = collectSpans(t);
  const kafka = traceKafka(quietKafka(cluster.brokers).kafka, { tracerProvider: spans.tracing.provider });
  const topic = ownTopic('for-kcat');
  await createTopic(kafka, topic);
  const producer = kafka.producer();
  await producer.connect();
  t.after(() => producer.disconnect());
  await producer.send({ topic, messages: [{ key: 'k', value: 'v', headers: { mine: 'yes' }, partition: 0 }] });
  const span = await spans.take('PRODUCER');
  const output = kcat(['-C', '-t', topic, '-p', '0', '-o', 'beginning', '-c', '1', '-e', '-q', '-f', '%k %s %h']);
  assert.match(output, new RegExp(`^k v mine=yes,traceparent=00-${span.traceId}-${span.spanId}-0[13]$`));
});

test('a message from kcat is processed in the trace that its header names', async (t) => {
  const spans = collectSpans(t);
  const kafka = traceKafka(quietKafka(cluster.brokers).kafka, { tracerProvider: spans.tracing.provider });
  const topic = ownTopic('from-kcat');
  await createTopic(kafka, topic);
  kcat(['-P', '-t', topic, '-p', '0', '-k', 'k', '-H', `traceparent=00-${TRACE_ID}-${SPAN_ID}-01`], 'v\n');
  const consumer = kafka.consumer(ownGroup());
  await consumer.connect();
  t.after(() => consumer.disconnect());
  await consumer.subscribe({ topics: [topic], fromBeginning: true });
  await consumer.run({ eachMessage: async () => undefined });
  const span = await spans.take('CONSUMER', 20_000);
  assert.deepEqual([span.traceId, span.parentSpanId], [TRACE_ID, SPAN_ID]);
  assert.equal(span.attributes['messaging.kafka.message.key'], 'k');
});
