/** Option types, and the part of KafkaJS's objects that we use; structural, so that other versions and forks fit. */
import type { MessagingOptions, ReceivingOptions } from '@clew/core/messaging';

/** Options of `traceProducer`. The client id is learned from the client's first request when it is not given. */
export interface TraceProducerOptions extends MessagingOptions {
  /** `messaging.kafka.cluster.id`. Default: left out; we make no request to ask for it. */
  clusterId?: string;
}

/** Options of `traceConsumer`. The group is learned when the consumer joins it, unless it is given. */
export interface TraceConsumerOptions extends ReceivingOptions, TraceProducerOptions {}

/** Options of `traceKafka`, for all producers and consumers of the client; groups are read from `consumer({ groupId })`. */
export interface TraceKafkaOptions extends Omit<TraceConsumerOptions, 'groupId'> {}

/** One message as `eachMessage` gets it; for a message of a batch, topic and partition are the batch's. */
export interface MessagePayload {
  readonly topic: string;
  readonly partition: number;
  readonly message: {
    readonly key?: unknown;
    readonly value?: unknown;
    readonly offset?: string;
    readonly headers?: object | undefined;
  };
}

/** What is traced of a client: `new Kafka(…)`. */
export interface KafkaLike {
  // `never` parameters: every function fits, and the caller's own type is what comes back.
  producer(config?: never): ProducerLike;
  consumer(config: never): ConsumerLike;
}

/** What is traced of a producer, and of its transactions. */
export interface ProducerLike {
  send(record: never): Promise<unknown>;
  sendBatch(batch: never): Promise<unknown>;
}

/** What is traced of a consumer. */
export interface ConsumerLike {
  run(config?: never): Promise<unknown>;
}
