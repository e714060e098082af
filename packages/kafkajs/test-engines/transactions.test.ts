import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { before, test } from 'node:test';
import { SpanStatusCode } from '@clew/core';
import { collectSpans } from '@clew/core/testing';
import { traceKafka } from '@clew/kafkajs';
import type { Kafka as Cluster } from '@clew/testkit/engines';
import type { Kafka, KafkaMessage, Producer } from 'kafkajs';
import { ownGroup, ownTopic, quietKafka } from '../test/support.ts';
import { textHeaders } from '../test/suite-library.ts';
import { createTopic, realKafka } from './real-kafka.ts';

let cluster: Cluster;
let kafka: Kafka;
before(async () => {
  cluster = await realKafka();
  kafka = quietKafka(cluster.brokers).kafka;
});

interface TestHooks {
  after(fn: () => Promise<void>): void;
}

async function transactionalProducer(t: TestHooks, client: Kafka): Promise<Producer> {
  const producer = client.producer({ transactionalId: randomUUID(), idempotent: true, maxInFlightRequests: 1 });
  await producer.connect();
  t.after(() => producer.disconnect());
  return producer;
}

/** Read a topic from its beginning until `count` messages came. */
async function readAll(t: TestHooks, topic: string, count: number): Promise<KafkaMessage[]> {
  const consumer = kafka.consumer(ownGroup());
  await consumer.connect();
  t.after(() => consumer.disconnect());
  await consumer.subscribe({ topics: [topic], fromBeginning: true });
  const messages: KafkaMessage[] = [];
  await new Promise<void>((resolve, reject) => {
    const eachMessage = async ({ message }: { message: KafkaMessage }) => {
      messages.push(message);
      if (messages.length === count) resolve();
    };
    consumer.run({ eachMessage }).catch(reject);
  });
  return messages;
}

test('what a committed transaction sent carries the contexts of its sends', async (t) => {
  const spans = collectSpans(t);
  const topic = ownTopic('committed');
  await createTopic(kafka, topic);
  const producer = await transactionalProducer(t, traceKafka(kafka, { tracerProvider: spans.tracing.provider }));
  const transaction = await producer.transaction();
  assert.equal(transaction.isActive(), true);
  const message = { value: 'one', partition: 0 };
  const result = await transaction.send({ topic, messages: [message] });
  await transaction.sendBatch({ topicMessages: [{ topic, messages: [message, message] }] });
  await transaction.sendOffsets({
    consumerGroupId: `group-${randomUUID()}`,
    topics: [{ topic, partitions: [{ partition: 0, offset: '1' }] }],
  });
  await transaction.commit();
  assert.equal(transaction.isActive(), false);
  assert.equal(result[0]?.topicName, topic);
  const send = await spans.take('PRODUCER');
  const sendBatch = await spans.take('PRODUCER');
  assert.deepEqual([send.name, sendBatch.name], [`send ${topic}`, `send ${topic}`]);
  assert.equal(sendBatch.attributes['messaging.batch.message_count'], 2);
  const read = (await readAll(t, topic, 3)).map((one) => textHeaders(one).traceparent?.slice(36, 52));
  assert.deepEqual(read, [send.spanId, sendBatch.spanId, sendBatch.spanId]);
});

test('a send after the end of its transaction is recorded, and rejects as without tracing', async (t) => {
  const spans = collectSpans(t);
  const topic = ownTopic('aborted');
  await createTopic(kafka, topic);
  const producer = await transactionalProducer(t, traceKafka(kafka, { tracerProvider: spans.tracing.provider }));
  const transaction = await producer.transaction();
  await transaction.send({ topic, messages: [{ value: 'never read' }] });
  await transaction.abort();
  await assert.rejects(transaction.send({ topic, messages: [{ value: 'late' }] }), {
    name: 'KafkaJSNonRetriableError',
    message: 'Cannot continue to use transaction once ended',
  });
  await spans.take((span) => span.status.code === SpanStatusCode.UNSET);
  const failed = await spans.take('PRODUCER');
  assert.equal(failed.attributes['error.type'], 'KafkaJSNonRetriableError');
  // Outside of transactions the same producer goes on, and a new transaction can begin.
  await (await producer.transaction()).abort();
});

test('a producer that cannot begin a transaction says so itself', async (t) => {
  const spans = collectSpans(t);
  const producer = traceKafka(kafka, { tracerProvider: spans.tracing.provider }).producer();
  await assert.rejects(producer.transaction(), { message: 'Must provide transactional id for transactional producer' });
});

test('an aborted transaction is not delivered, and makes no process span', async (t) => {
  const spans = collectSpans(t);
  const topic = ownTopic('half');
  await createTopic(kafka, topic);
  const producer = await transactionalProducer(t, kafka);
  const aborted = await producer.transaction();
  await aborted.send({ topic, messages: [{ value: 'aborted', partition: 0 }] });
  await aborted.abort();
  const committed = await producer.transaction();
  await committed.send({ topic, messages: [{ value: 'committed', partition: 0 }] });
  await committed.commit();
  const consumer = traceKafka(kafka, { tracerProvider: spans.tracing.provider }).consumer(ownGroup());
  await consumer.connect();
  t.after(() => consumer.disconnect());
  await consumer.subscribe({ topics: [topic], fromBeginning: true });
  const values: string[] = [];
  await consumer.run({
    eachBatch: async ({ batch }) => {
      values.push(...batch.messages.map((message) => String(message.value)));
    },
  });
  const span = await spans.take('CONSUMER', 20_000);
  assert.deepEqual(values, ['committed']);
  assert.equal(span.attributes['messaging.batch.message_count'], undefined);
  assert.equal(span.attributes['messaging.kafka.offset'], 2, 'after the aborted message and its marker');
});
