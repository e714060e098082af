/** Clients for tests: quiet, quick to poll, and with everything they logged. */
import { randomUUID } from 'node:crypto';
import { type ConsumerConfig, Kafka, type KafkaConfig, logLevel } from 'kafkajs';

// kafkajs prints it on standard error whenever a producer is made with defaults.
process.env.KAFKAJS_NO_PARTITIONER_WARNING = '1';

/** What KafkaJS logged besides its messages: the `error` of each entry that has one. */
export interface Logged {
  readonly errors: unknown[];
}

/**
 * A client that logs nowhere but into `errors`.
 *
 * @param Client  the class of another version of KafkaJS
 */
export function quietKafka(
  brokers: string[],
  more: Partial<KafkaConfig> = {},
  Client: typeof Kafka = Kafka,
): { kafka: Kafka } & Logged {
  const errors: unknown[] = [];
  const kafka = new Client({
    brokers,
    logLevel: logLevel.ERROR,
    logCreator: () => (entry) => {
      if ('error' in entry.log) errors.push(entry.log.error);
    },
    ...more,
  });
  return { kafka, errors };
}

/** A consumer's configuration with a group of its own; the embedded cluster answers a fetch only when the wait is over. */
export function ownGroup(): ConsumerConfig {
  return {
    groupId: `group-${randomUUID()}`,
    maxWaitTimeInMs: 50,
    retry: { initialRetryTime: 20, retries: 5 },
  };
}

/** A topic name that no other test has. */
export function ownTopic(name: string): string {
  return `${name}-${randomUUID().slice(0, 8)}`;
}
