import { after, before } from 'node:test';
import { traceConsumer, traceKafka, traceProducer } from '@clew/kafkajs';
import { type MessagingLibrary, messagingSuite } from '@clew/testkit';
import { type Kafka as Cluster, startKafka } from '@clew/testkit/engines';
import type { KafkaMessage } from 'kafkajs';
import { ownGroup, quietKafka } from './support.ts';

let cluster: Cluster;
before(async () => {
  cluster = await startKafka();
});
after(() => cluster.close());

const library: MessagingLibrary = {
  scope: '@clew/kafkajs',
  async open(topic, handle) {
    const { kafka: bare, errors } = quietKafka(cluster.brokers);
    const kafka = traceKafka(traceKafka(bare));
    const producer = traceProducer(kafka.producer());
    const consumer = traceConsumer(kafka.consumer(ownGroup()));
    await Promise.all([producer.connect(), consumer.connect()]);
    await consumer.subscribe({ topics: [topic], fromBeginning: true });
    const joined = new Promise((resolve) => consumer.on(consumer.events.GROUP_JOIN, resolve));
    await consumer.run({
      partitionsConsumedConcurrently: 2,
      // Whatever a handler gives goes to KafkaJS, also what is no promise.
      eachMessage: ({ message }) =>
        handle({ value: String(message.value), headers: textHeaders(message) }) as Promise<void>,
    });
    await joined;
    let isOpen = true;
    return {
      handlerErrors: errors,
      send: (messages) => producer.send({ topic, messages: messages as never }),
      async close() {
        if (!isOpen) return;
        isOpen = false;
        await Promise.all([producer.disconnect(), consumer.disconnect()]);
      },
    };
  },
};

function textHeaders({ headers = {} }: KafkaMessage): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]));
}

messagingSuite('kafkajs', library);
