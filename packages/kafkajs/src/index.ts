/** Tracing for KafkaJS: PRODUCER and CONSUMER spans, joined through message headers. */
export { traceConsumer } from './trace-consumer.ts';
export { traceKafka } from './trace-kafka.ts';
export { traceMessage } from './trace-message.ts';
export { traceProducer } from './trace-producer.ts';
export type {
  ConsumerLike,
  KafkaLike,
  MessagePayload,
  ProducerLike,
  TraceConsumerOptions,
  TraceKafkaOptions,
  TraceProducerOptions,
} from './types.ts';
