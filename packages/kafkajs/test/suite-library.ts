/** KafkaJS as the messaging suite drives it; on the embedded cluster and on real ones. */
import { traceConsumer, traceKafka, traceProducer } from '@clew/kafkajs';
import type { MessagingLibrary } from '@clew/testkit';
import type { Kafka as Cluster } from '@clew/testkit/engines';
import type { Kafka, KafkaMessage } from 'kafkajs';
import { ownGroup, quietKafka } from './support.ts';

/**
 * @param clusterOf  asked when a client is opened
 * @param prepare    makes the topic where sending to it does not make one with two partitions
 * @param Client     the class of another version of KafkaJS
 */
export function suiteLibrary(
  clusterOf: () => Cluster,
  prepare: (kafka: Kafka, topic: string) => Promise<void> = async () => undefined,
  Client?: typeof Kafka,
): MessagingLibrary {
  return {
    scope: '@clew/kafkajs',
    async open(topic, handle) {
      const { kafka: bare, errors } = quietKafka(clusterOf().brokers, {}, Client);
      await prepare(bare, topic);
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
}

/** Header values as text. */
export function textHeaders({ headers = {} }: Pick<KafkaMessage, 'headers'>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]));
}
