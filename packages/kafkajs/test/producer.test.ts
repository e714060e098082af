import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { traceKafka, traceProducer } from '@clew/kafkajs';
import { SpanStatusCode } from '@clew/core';
import { collectSpans } from '@clew/core/testing';
import { type Kafka as Cluster, startKafka } from '@clew/testkit/engines';
import kafkajs, { type Message, type Producer } from 'kafkajs';
import { ownTopic, quietKafka } from './support.ts';

let cluster: Cluster;
let bare: Producer;
before(async () => {
  cluster = await startKafka();
  bare = quietKafka(cluster.brokers, { clientId: 'shop' }).kafka.producer();
  await bare.connect();
});
after(async () => {
  await bare.disconnect();
  await cluster.close();
});

test('a send of one message is described by its topic, key, partition and offset', async (t) => {
  const spans = collectSpans(t);
  const producer = traceProducer(bare, { tracerProvider: spans.tracing.provider, brokers: cluster.brokers });
  const topic = ownTopic('one');
  const result = await producer.send({ topic, messages: [{ key: 'order-7', value: null, partition: 1 }] });
  const span = await spans.take('PRODUCER');
  const [host, port] = cluster.brokers[0]?.split(':') ?? [];
  assert.equal(span.name, `send ${topic}`);
  assert.deepEqual(span.attributes, {
    'messaging.system': 'kafka',
    'messaging.operation.name': 'send',
    'messaging.operation.type': 'send',
    'messaging.destination.name': topic,
    'messaging.destination.partition.id': '1',
    'messaging.kafka.offset': 0,
    'messaging.kafka.message.key': 'order-7',
    'messaging.kafka.message.tombstone': true,
    'server.address': host,
    'server.port': Number(port),
  });
  assert.deepEqual(
    result.map(({ topicName, partition, baseOffset }) => ({ topicName, partition, baseOffset })),
    [{ topicName: topic, partition: 1, baseOffset: '0' }],
  );
});

test('a sendBatch to two topics is one span named send, with the number of messages', async (t) => {
  const spans = collectSpans(t);
  const producer = traceProducer(bare, { tracerProvider: spans.tracing.provider });
  const [a, b] = [ownTopic('a'), ownTopic('b')];
  const message: Message = Object.freeze({ key: 'k', value: 'v' });
  await producer.sendBatch({
    topicMessages: Object.freeze([
      { topic: a, messages: [message, message] },
      { topic: b, messages: [message] },
    ]) as never,
  });
  const span = await spans.take('PRODUCER');
  assert.equal(span.name, 'send');
  assert.equal(span.attributes['messaging.destination.name'], undefined);
  assert.equal(span.attributes['messaging.batch.message_count'], 3);
  assert.equal(span.attributes['messaging.kafka.message.key'], 'k');
});

test('a sendBatch to one topic is named after it', async (t) => {
  const spans = collectSpans(t);
  const producer = traceProducer(bare, { tracerProvider: spans.tracing.provider });
  const topic = ownTopic('one');
  const messages = [{ value: 'v', partition: 0 }];
  await producer.sendBatch({
    topicMessages: [
      { topic, messages },
      { topic, messages },
    ],
  });
  const span = await spans.take('PRODUCER');
  assert.equal(span.name, `send ${topic}`);
  assert.equal(span.attributes['messaging.batch.message_count'], 2);
  assert.equal(span.attributes['messaging.destination.partition.id'], '0');
});

test('an empty send and an empty sendBatch do what they do without tracing', async (t) => {
  const spans = collectSpans(t);
  const producer = traceProducer(bare, { tracerProvider: spans.tracing.provider });
  const topic = ownTopic('empty');
  const calls = [
    (on: Producer) => on.send({ topic, messages: [] }),
    (on: Producer) => on.sendBatch({ topicMessages: [] }),
    (on: Producer) => on.sendBatch({}),
  ];
  for (const call of calls) {
    assert.deepEqual(await call(producer), await call(bare));
    assert.equal((await spans.take('PRODUCER')).attributes['messaging.batch.message_count'], 0);
  }
});

test('acks: 0 gives no offset and no error', async (t) => {
  const spans = collectSpans(t);
  const producer = traceProducer(bare, { tracerProvider: spans.tracing.provider });
  assert.deepEqual(await producer.send({ topic: ownTopic('fire'), acks: 0, messages: [{ value: 'v' }] }), []);
  const span = await spans.take('PRODUCER');
  assert.equal(span.attributes['messaging.kafka.offset'], undefined);
  assert.equal(span.status.code, SpanStatusCode.UNSET);
});

// What KafkaJS refuses, it refuses with the same words: nothing of ours is in the message that the error quotes.
const REFUSED: ReadonlyArray<readonly [string, unknown]> = [
  ['no topic', { messages: [{ value: 'v' }] }],
  ['no messages', { topic: 'refused' }],
  ['a message without a value', { topic: 'refused', messages: [{ key: 'k', headers: { mine: 'yes' } }] }],
  ['a message that is null', { topic: 'refused', messages: [null] }],
  ['messages that are no array', { topic: 'refused', messages: 'text' }],
];
for (const [title, record] of REFUSED) {
  test(`a send with ${title} is refused by KafkaJS as without tracing, and recorded`, async (t) => {
    const spans = collectSpans(t);
    const producer = traceProducer(bare, { tracerProvider: spans.tracing.provider });
    const [traced, untraced] = await Promise.all([producer, bare].map(refusalOf));
    assert.deepEqual([traced?.name, traced?.message], [untraced?.name, untraced?.message]);
    const span = await spans.take('PRODUCER');
    assert.equal(span.status.code, SpanStatusCode.ERROR);
    assert.equal(span.attributes['error.type'], untraced?.name);
  });

  const refusalOf = async (producer: Producer) => {
    const error: unknown = await producer.send(record as never).catch((reason: unknown) => reason);
    assert.ok(error instanceof Error);
    return error;
  };
}

test('a send without a record is refused by KafkaJS, and makes no span', async (t) => {
  const spans = collectSpans(t);
  const producer = traceProducer(bare, { tracerProvider: spans.tracing.provider });
  for (const record of [undefined, null, 7]) {
    const [traced, untraced] = await Promise.all(
      [producer, bare].map((one) => one.send(record as never).catch((reason: Error) => reason)),
    );
    assert.deepEqual(String(traced), String(untraced));
  }
  spans.assertNone();
});

test('a message whose own accessor throws is sent, and refused, by KafkaJS itself', async (t) => {
  const spans = collectSpans(t);
  const producer = traceProducer(bare, { tracerProvider: spans.tracing.provider });
  const broken = {
    get value(): string {
      throw new Error('not loaded');
    },
  };
  await assert.rejects(producer.send({ topic: 'broken', messages: [broken] }), /not loaded/);
  const [span] = spans.all();
  assert.equal(span?.status.code ?? SpanStatusCode.ERROR, SpanStatusCode.ERROR);
});

test('a topic that does not exist has the error type of the protocol, found behind the retries', async (t) => {
  const spans = collectSpans(t);
  const kafka = traceKafka(quietKafka(cluster.brokers, { retry: { retries: 0 } }).kafka, {
    tracerProvider: spans.tracing.provider,
  });
  const producer = kafka.producer({ retry: { retries: 0 }, allowAutoTopicCreation: false });
  await producer.connect();
  t.after(() => producer.disconnect());
  const messages = [{ value: 'v', partition: 99 }];
  const error: unknown = await producer.send({ topic: ownTopic('missing'), messages }).catch((reason) => reason);
  assert.ok(error instanceof Error);
  const span = await spans.take('PRODUCER');
  assert.equal(span.status.code, SpanStatusCode.ERROR);
  assert.equal(error.name, 'KafkaJSNumberOfRetriesExceeded');
  assert.equal(span.attributes['error.type'], 'UNKNOWN_TOPIC_OR_PARTITION');
});

test('options of names and keys: old names beside the new ones, no key, a cluster', async (t) => {
  const spans = collectSpans(t);
  const producer = traceProducer(bare, {
    tracerProvider: spans.tracing.provider,
    semconv: 'dup',
    recordKey: false,
    clientId: 'named',
    clusterId: 'c-1',
  });
  const topic = ownTopic('dup');
  await producer.send({ topic, messages: [{ key: 'secret', value: null, partition: 1 }] });
  const { attributes } = await spans.take('PRODUCER');
  assert.deepEqual(attributes, {
    'messaging.system': 'kafka',
    'messaging.operation.name': 'send',
    'messaging.operation.type': 'send',
    'messaging.destination.name': topic,
    'messaging.client.id': 'named',
    'messaging.kafka.cluster.id': 'c-1',
    'messaging.destination.partition.id': '1',
    'messaging.kafka.offset': 0,
    'messaging.kafka.message.tombstone': true,
    'messaging.destination': topic,
    'messaging.destination_kind': 'topic',
    'messaging.destination.kind': 'topic',
    'messaging.operation': 'send',
    'messaging.client_id': 'named',
    'messaging.kafka.client_id': 'named',
    'messaging.kafka.partition': 1,
    'messaging.kafka.destination.partition': 1,
    'messaging.kafka.message.offset': 0,
    'messaging.kafka.tombstone': true,
  });
});

test('the client id is learned from the first request, and nobody listens afterwards', async (t) => {
  const spans = collectSpans(t);
  const raw = quietKafka(cluster.brokers, { clientId: 'shop' }).kafka.producer();
  const listening = new Set<unknown>();
  const on = (name: never, listener: never) => {
    const remove = raw.on(name, listener);
    listening.add(listener);
    return () => {
      listening.delete(listener);
      remove();
    };
  };
  const producer = traceProducer({ ...raw, on } as Producer, { tracerProvider: spans.tracing.provider });
  assert.equal(listening.size, 1);
  await producer.connect();
  t.after(() => producer.disconnect());
  assert.equal(listening.size, 0);
  await producer.send({ topic: ownTopic('known'), messages: [{ value: 'v' }] });
  assert.equal((await spans.take('PRODUCER')).attributes['messaging.client.id'], 'shop');
});

test('every member of a producer is still there, with its type', () => {
  const producer: Producer = traceProducer(bare);
  assert.equal(producer.events, bare.events);
  assert.equal(producer.on, bare.on);
  assert.equal(producer.logger(), bare.logger());
  assert.equal(producer.isIdempotent(), false);
  assert.equal(traceProducer(producer), producer);
  assert.throws(() => producer.on('no.such.event' as never, () => undefined), kafkajs.KafkaJSNonRetriableError);
});

test('a client that is traced keeps its class and its other members', () => {
  const { kafka } = quietKafka(cluster.brokers);
  const traced = traceKafka(kafka);
  assert.ok(traced instanceof kafkajs.Kafka);
  assert.equal(traced.logger(), kafka.logger());
  assert.equal(typeof traced.admin().connect, 'function');
  assert.equal(traceKafka(traced), traced);
});

test('what is for consumers alone is taken by traceKafka, and kept from its producers', () => {
  const options = { trustIncoming: 'none', messageContext: 'link', baggageSpanKeys: ['customer.tier'] } as const;
  const traced = traceKafka(quietKafka(cluster.brokers).kafka, options);
  assert.equal(typeof traced.producer().send, 'function');
  assert.equal(typeof traced.consumer({ groupId: 'g' }).run, 'function');
  assert.throws(() => traceProducer(bare, { trustIncoming: 'none' } as never), { code: 'CLEW_ERR_OPTION' });
});

test('what cannot be traced is refused at once', () => {
  assert.throws(() => traceKafka({} as never), { code: 'CLEW_ERR_TARGET' });
  assert.throws(() => traceProducer(undefined as never), { code: 'CLEW_ERR_TARGET' });
  assert.throws(() => traceKafka(quietKafka(cluster.brokers).kafka, { clientID: 'x' } as never), {
    code: 'CLEW_ERR_OPTION',
    message: /did you mean "clientId"\?/,
  });
  assert.throws(() => traceProducer(bare, { messageContext: 'link' } as never), { code: 'CLEW_ERR_OPTION' });
  assert.throws(() => traceProducer(bare, { clusterId: '' }), { code: 'CLEW_ERR_OPTION' });
});
