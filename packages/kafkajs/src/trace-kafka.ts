/** Attaches to a Kafka client: what it makes from then on is traced. */
import { ClewError } from '@clew/core';
import { checkMessagingOptions } from '@clew/core/messaging';
import { isObject } from './headers.ts';
import { KAFKA_OPTIONS, TEXT_OPTIONS } from './kafka-tracing.ts';
import { isTraced, overlay } from './overlay.ts';
import { attachConsumer } from './trace-consumer.ts';
import { attachProducer } from './trace-producer.ts';
import type { ConsumerLike, KafkaLike, ProducerLike, TraceConsumerOptions, TraceKafkaOptions } from './types.ts';

/**
 * Trace a Kafka client: its `producer()` and `consumer()` give traced ones. Traced twice it makes one span.
 *
 * @param options  pass `brokers` as you pass them to `Kafka`, which does not tell them, to get `server.address`
 * @returns the client with its own type; the one that was given stays untraced
 * @throws ClewError `CLEW_ERR_OPTION` for a wrong option, `CLEW_ERR_TARGET` when it is no Kafka client
 */
export function traceKafka<K extends KafkaLike>(kafka: K, options?: TraceKafkaOptions): K {
  checkMessagingOptions('traceKafka', options, KAFKA_OPTIONS, TEXT_OPTIONS);
  if (typeof kafka?.producer !== 'function' || typeof kafka.consumer !== 'function') {
    throw new ClewError('CLEW_ERR_TARGET', 'traceKafka needs a Kafka client, with producer and consumer');
  }
  if (isTraced(kafka.producer)) return kafka;
  const { messageContext: _, trustIncoming: __, ...producerOptions } = options ?? {};
  // KafkaLike says `never` for what callers give; here it is whatever they gave.
  const client = kafka as unknown as {
    producer(...args: unknown[]): ProducerLike;
    consumer(...args: unknown[]): ConsumerLike;
  };
  return overlay(kafka, {
    producer: (...args: unknown[]) => attachProducer(client.producer(...args), producerOptions),
    consumer: (...args: unknown[]) => attachConsumer(client.consumer(...args), withGroup(options, args[0])),
  });
}

/** The group stands in the consumer's configuration; Confluent's client nests it in `kafkaJS`. */
function withGroup(options: TraceKafkaOptions | undefined, config: unknown): TraceConsumerOptions {
  if (!isObject(config)) return { ...options };
  const { groupId, kafkaJS } = config as { groupId?: unknown; kafkaJS?: { groupId?: unknown } | null };
  const group = groupId ?? kafkaJS?.groupId;
  return typeof group === 'string' && group !== '' ? { ...options, groupId: group } : { ...options };
}
