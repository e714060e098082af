import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { collectSpans } from '@clew/core/testing';
import { traceKafka } from '@clew/kafkajs';
import type { Kafka as Cluster } from '@clew/testkit/engines';
import { ownGroup, ownTopic, quietKafka } from '../test/support.ts';
import { createTopic, realKafka } from './real-kafka.ts';

let cluster: Cluster;
before(async () => {
  cluster = await realKafka();
});

test('a send to two partitions names none, and a batch links to the sends of several callers', async (t) => {
  const spans = collectSpans(t);
  const kafka = traceKafka(quietKafka(cluster.brokers, { clientId: 'shop' }).kafka, {
    tracerProvider: spans.tracing.provider,
    brokers: cluster.brokers,
  });
  const topic = ownTopic('spread');
  await createTopic(kafka, topic);
  const producer = kafka.producer();
  await producer.connect();
  t.after(() => producer.disconnect());
  const messages = [0, 1].map((partition) => ({ value: 'v', partition }));
  const result = await producer.send({ topic, messages });
  await producer.send({ topic, messages: [{ value: 'w', partition: 0 }] });
  const both = await spans.take('PRODUCER');
  const second = await spans.take('PRODUCER');
  assert.equal(result.length, 2);
  assert.equal(both.attributes['messaging.destination.partition.id'], undefined);
  assert.equal(both.attributes['messaging.client.id'], 'shop');
  assert.equal(second.attributes['messaging.destination.partition.id'], '0');
  assert.equal(second.attributes['messaging.kafka.offset'], 1);

  const consumer = kafka.consumer(ownGroup());
  await consumer.connect();
  t.after(() => consumer.disconnect());
  await consumer.subscribe({ topics: [topic], fromBeginning: true });
  await consumer.run({ eachBatch: async () => undefined });
  const inPartition = (partition: string) =>
    spans.take(
      (span) => span.kind === 'CONSUMER' && span.attributes['messaging.destination.partition.id'] === partition,
      20_000,
    );
  const zero = await inPartition('0');
  const one = await inPartition('1');
  assert.deepEqual(
    zero.links.map((link) => link.context.spanId),
    [both.spanId, second.spanId],
  );
  assert.deepEqual(
    one.links.map((link) => link.context.spanId),
    [both.spanId],
  );
});
