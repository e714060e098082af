import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { context, propagation, SpanStatusCode, startTracing, type Tracing, trace, withSpan } from '@clew/core';
import { type CollectedSpan, SpanCollector } from '@clew/core/testing';
import { traceConsumer, traceKafka, traceMessage, traceProducer } from '@clew/kafkajs';
import { type Kafka as Cluster, startKafka } from '@clew/testkit/engines';
import type { Consumer, ConsumerRunConfig, EachBatchPayload, Message, Producer } from 'kafkajs';
import { ownGroup, ownTopic, quietKafka } from './support.ts';

// A consumer needs seconds to join its group, so all of them join at once before the tests. Their topics were filled
// before that: what is in one partition arrives as one batch.
const MIXED = ownTopic('mixed');
const MANY = ownTopic('many');
const ONE = ownTopic('one');
const FAILING = ownTopic('failing');
const EACH = ownTopic('each');
const LINKED = ownTopic('linked');
const UNTRACED = ownTopic('untraced');
const BATCHES = [MIXED, MANY, ONE, FAILING, EACH];

const collector = new SpanCollector();
const error = new Error('disk full');
const seen = new Map<string, unknown>();
const sends = new Map<string, CollectedSpan[]>();
const batchGroup = ownGroup();
const linkGroup = ownGroup();
let cluster: Cluster;
let tracing: Tracing;
let consumers: Consumer[];

before(async () => {
  cluster = await startKafka();
  tracing = startTracing({ exporter: 'none', spanProcessors: [collector] });
  await fillTopics();
  const { kafka } = quietKafka(cluster.brokers, { clientId: 'shop' });
  // Inside of a span, which must not become the parent of anything.
  consumers = await withSpan('starter', () =>
    Promise.all([
      run(traceKafka(kafka).consumer(batchGroup), BATCHES, { eachBatch: handleBatch }),
      // Traced by itself: nobody told it its group.
      run(traceConsumer(kafka.consumer(linkGroup), { messageContext: 'link', semconv: 'dup' }), [LINKED], {
        eachMessage: async () => withSpan('inside', async () => undefined),
      }),
      run(kafka.consumer(ownGroup()), [UNTRACED], {
        eachMessage: async (payload) => traceMessage(payload, async () => undefined),
      }),
    ]),
  );
  await collector.take('starter');
});

after(async () => {
  await Promise.all(consumers.map((consumer) => consumer.disconnect()));
  await tracing.shutdown();
  await cluster.close();
  collector.assertNone();
});

async function run(consumer: Consumer, topics: string[], config: ConsumerRunConfig): Promise<Consumer> {
  await consumer.connect();
  await consumer.subscribe({ topics, fromBeginning: true });
  const joined = new Promise((resolve) => consumer.on(consumer.events.GROUP_JOIN, resolve));
  const frozen = Object.freeze(config);
  await consumer.run(frozen);
  await joined;
  return consumer;
}

async function fillTopics(): Promise<void> {
  const bare = quietKafka(cluster.brokers).kafka.producer();
  const producer = traceProducer(bare);
  await producer.connect();
  const into = (sender: Producer) => (topic: string, messages: Message[]) =>
    sender.send({ topic, messages: messages.map((message) => ({ ...message, partition: 0 })) });
  const [send, sendBare] = [into(producer), into(bare)];
  // The embedded cluster gives out what one call has sent as one batch.
  await sendBare(MIXED, [
    { key: 'a', value: '1', headers: { traceparent: contextOf(1) } },
    { key: 'b', value: null, headers: { TraceParent: contextOf(2) } },
    { value: '3', headers: { traceparent: [contextOf(3), contextOf(4)] } },
    { value: 'without context' },
  ]);
  await send(
    MANY,
    Array.from({ length: 130 }, (_, i) => ({ value: `${i}`, headers: { traceparent: contextOf(i) } })),
  );
  await send(ONE, [{ key: 'only', value: 'v' }]);
  await send(FAILING, [{ value: 'v' }]);
  await sendBare(EACH, [
    { key: 'good', value: '1', headers: { traceparent: contextOf(1), baggage: 'tier=gold' } },
    { key: 'bad', value: '2', headers: { traceparent: contextOf(2) } },
  ]);
  await send(LINKED, [{ key: 'k', value: null }]);
  await send(UNTRACED, [{ value: 'v' }]);
  await producer.disconnect();
  for (const span of collector.all()) {
    const topic = String(span.attributes['messaging.destination.name']);
    sends.set(topic, [...(sends.get(topic) ?? []), span]);
  }
}

function spanIdOf(i: number): string {
  return contextOf(i).slice(36, 52);
}

function contextOf(i: number): string {
  return `00-${'0'.repeat(31)}1-${(i + 1).toString(16).padStart(16, '0')}-01`;
}

async function handleBatch(payload: EachBatchPayload): Promise<void> {
  const { topic, partition, messages } = payload.batch;
  if (topic === FAILING && !seen.has(FAILING)) {
    seen.set(FAILING, true);
    throw error;
  }
  if (topic !== EACH) {
    seen.set(topic, trace.getSpan(context.active())?.spanContext().spanId);
    return;
  }
  const baggage: unknown[] = [];
  const results: unknown[] = [];
  for (const message of messages) {
    const traced = traceMessage({ topic, partition, message }, async (same) => {
      await Promise.resolve();
      baggage.push(propagation.getActiveBaggage()?.getEntry('tier')?.value);
      if (String(same.message.key) === 'bad') throw error;
      return trace.getSpan(context.active())?.spanContext().spanId;
    });
    results.push(await traced.catch((reason: unknown) => reason));
  }
  seen.set(EACH, { baggage, results, after: trace.getSpan(context.active())?.spanContext().spanId });
}

function takeProcess(topic: string): Promise<CollectedSpan> {
  return collector.take((span) => span.name === `process ${topic}`, 20_000);
}

function linksOf(span: CollectedSpan): Array<[string, Record<string, unknown>]> {
  return span.links.map((link) => [link.context.spanId, { ...link.attributes }]);
}

test('a batch is one root span, linked to the sender of each message that has one', async () => {
  const span = await takeProcess(MIXED);
  assert.equal(span.kind, 'CONSUMER');
  assert.equal(span.parentSpanId, undefined);
  assert.equal(seen.get(MIXED), span.spanId, 'it is active in the handler');
  assert.deepEqual(span.attributes, {
    'messaging.system': 'kafka',
    'messaging.operation.name': 'process',
    'messaging.operation.type': 'process',
    'messaging.destination.name': MIXED,
    'messaging.destination.partition.id': '0',
    'messaging.consumer.group.name': batchGroup.groupId,
    'messaging.client.id': 'shop',
    'messaging.batch.message_count': 4,
  });
  assert.deepEqual(linksOf(span), [
    [spanIdOf(1), { 'messaging.kafka.offset': 0, 'messaging.kafka.message.key': 'a' }],
    [
      spanIdOf(2),
      {
        'messaging.kafka.offset': 1,
        'messaging.kafka.message.key': 'b',
        'messaging.kafka.message.tombstone': true,
      },
    ],
    [spanIdOf(3), { 'messaging.kafka.offset': 2 }],
  ]);
});

test('a batch of 130 messages has 128 links, and so has the send that passed their contexts on', async () => {
  const process = await takeProcess(MANY);
  const [send] = sends.get(MANY) ?? [];
  for (const span of [process, send]) {
    assert.equal(span?.attributes['messaging.batch.message_count'], 130);
    assert.equal(span?.links.length, 128);
    assert.equal(span?.links[0]?.context.spanId, spanIdOf(0));
    assert.equal(span?.links[127]?.context.spanId, spanIdOf(127));
  }
});

test('a batch of one message is described as that message, without a count', async () => {
  const span = await takeProcess(ONE);
  assert.equal(span.attributes['messaging.batch.message_count'], undefined);
  assert.equal(span.attributes['messaging.kafka.offset'], 0);
  assert.equal(span.attributes['messaging.kafka.message.key'], 'only');
  assert.equal(span.links.length, 1);
});

test('a batch whose handler rejects is recorded, and handled again in a new span', async () => {
  const failed = await takeProcess(FAILING);
  const repeated = await takeProcess(FAILING);
  assert.deepEqual(failed.status, { code: SpanStatusCode.ERROR, message: 'disk full' });
  assert.equal(failed.attributes['error.type'], '_OTHER');
  assert.equal(repeated.status.code, SpanStatusCode.UNSET);
  assert.notEqual(repeated.traceId, failed.traceId);
});

test('traceMessage makes the exact span of each message in a batch', async () => {
  const good = await collector.take((span) => span.attributes['messaging.kafka.message.key'] === 'good', 20_000);
  const bad = await collector.take((span) => span.attributes['messaging.kafka.message.key'] === 'bad', 20_000);
  const batch = await takeProcess(EACH);
  assert.deepEqual(seen.get(EACH), {
    baggage: ['gold', undefined],
    results: [good.spanId, error],
    after: batch.spanId,
  });
  assert.deepEqual([good.name, bad.name], [`process ${EACH}`, `process ${EACH}`]);
  assert.deepEqual([good.parentSpanId, bad.parentSpanId], [batch.spanId, batch.spanId]);
  assert.deepEqual(
    [...linksOf(good), ...linksOf(bad)],
    [
      [spanIdOf(1), {}],
      [spanIdOf(2), {}],
    ],
  );
  assert.equal(good.attributes['messaging.consumer.group.name'], batchGroup.groupId);
  assert.equal(good.attributes['messaging.batch.message_count'], undefined);
  assert.deepEqual(
    [good, bad, batch].map((span) => span.status.code),
    [SpanStatusCode.UNSET, SpanStatusCode.ERROR, SpanStatusCode.UNSET],
  );
});

test('messageContext: link starts a new trace, linked to the sender; old names stand beside the new ones', async () => {
  const span = await takeProcess(LINKED);
  const inside = await collector.take('inside');
  const [send] = sends.get(LINKED) ?? [];
  assert.equal(span.parentSpanId, undefined);
  assert.notEqual(span.traceId, send?.traceId);
  assert.deepEqual(linksOf(span), [[send?.spanId, {}]]);
  assert.equal(inside.parentSpanId, span.spanId);
  assert.deepEqual(span.attributes, {
    'messaging.system': 'kafka',
    'messaging.operation.name': 'process',
    'messaging.operation.type': 'process',
    'messaging.destination.name': LINKED,
    'messaging.destination.partition.id': '0',
    'messaging.consumer.group.name': linkGroup.groupId,
    'messaging.client.id': 'shop',
    'messaging.kafka.offset': 0,
    'messaging.kafka.message.key': 'k',
    'messaging.kafka.message.tombstone': true,
    'messaging.destination': LINKED,
    'messaging.destination_kind': 'topic',
    'messaging.destination.kind': 'topic',
    'messaging.operation': 'process',
    'messaging.client_id': 'shop',
    'messaging.kafka.client_id': 'shop',
    'messaging.kafka.consumer.group': linkGroup.groupId,
    'messaging.kafka.consumer_group': linkGroup.groupId,
    'messaging.kafka.partition': 0,
    'messaging.kafka.destination.partition': 0,
    'messaging.kafka.message.offset': 0,
    'messaging.kafka.message_key': 'k',
    'messaging.kafka.tombstone': true,
  });
});

test('traceMessage in a handler that is not traced goes on with the trace of the sender', async () => {
  const span = await takeProcess(UNTRACED);
  const [send] = sends.get(UNTRACED) ?? [];
  assert.deepEqual([span.traceId, span.parentSpanId], [send?.traceId, send?.spanId]);
  assert.deepEqual(linksOf(span), [[send?.spanId, {}]]);
});

test('a query builder that a handler returns runs once, in the span of its message', async () => {
  const runs: unknown[] = [];
  // As knex and others do it: nothing happens until `then` is called, and everything again each time it is.
  const query = {
    // biome-ignore lint/suspicious/noThenProperty: that is what makes it a query builder
    then(resolve: (rows: number) => void) {
      runs.push(trace.getSpan(context.active())?.spanContext().spanId);
      resolve(3);
    },
  };
  const payload = { topic: 'lazy', partition: 0, message: { value: null } };
  assert.equal(await traceMessage(payload, () => query as PromiseLike<number>), 3);
  const span = await takeProcess('lazy');
  assert.deepEqual(runs, [span.spanId]);
});

test('traceMessage in a suppressed context calls the function and makes no span', async (t) => {
  const suppressed = context.active().setValue(Symbol.for('OpenTelemetry SDK Context Key SUPPRESS_TRACING'), true);
  const payload = { topic: 'quiet', partition: 0, message: { headers: { traceparent: contextOf(1) } } };
  assert.equal(
    context.with(suppressed, () => traceMessage(payload, (same) => same)),
    payload,
  );
  t.diagnostic('after() checks that no span is left');
});

test('run without handlers, or without a configuration, reaches KafkaJS as it is', async () => {
  const calls: unknown[][] = [];
  const consumer = traceConsumer({ run: async (...args: unknown[]) => calls.push(args) });
  const config = Object.freeze({ autoCommit: false });
  await consumer.run();
  await consumer.run(config as never);
  assert.deepEqual(calls, [[], [config]]);
  assert.equal(calls[1]?.[0], config);
});

test('every member of a consumer is still there, with its type', () => {
  const { kafka } = quietKafka(cluster.brokers);
  const bare = kafka.consumer(ownGroup());
  const consumer: Consumer = traceConsumer(bare);
  assert.equal(consumer.events, bare.events);
  assert.equal(consumer.seek, bare.seek);
  assert.deepEqual(consumer.paused(), []);
  assert.equal(traceConsumer(consumer), consumer);
  const traced = traceKafka(kafka).consumer(ownGroup());
  assert.equal(traceConsumer(traced), traced);
});

test('what is no consumer is refused at once, and so is an option that does not exist', () => {
  assert.throws(() => traceConsumer(7 as never), { code: 'CLEW_ERR_TARGET', message: /run/ });
  const { kafka } = quietKafka(cluster.brokers);
  assert.throws(() => traceConsumer(kafka.consumer(ownGroup()), { group: 'g' } as never), {
    code: 'CLEW_ERR_OPTION',
    message: /did you mean "groupId"|known are/,
  });
});
