// What the two services at Kafka agree on.
import { type Kafka, type logCreator, logLevel } from 'kafkajs';
import type { Logger } from 'pino';

/** Orders that were accepted, by order id. */
export const TOPIC = 'shop.orders';

/** Bootstrap addresses, from `KAFKA_BROKERS`: `host:port`, comma-separated. */
export const brokers: string[] = (process.env.KAFKA_BROKERS ?? '127.0.0.1:9092').split(',');

/** Create the topic if nobody has: a consumer cannot subscribe to a topic that is not there. */
export async function createTopic(kafka: Kafka): Promise<void> {
  const admin = kafka.admin();
  await admin.connect();
  // Some brokers make a topic on first use and know no such command, others made it long ago and forbid it.
  await admin.createTopics({ topics: [{ topic: TOPIC }] }).catch(() => {});
  await admin.disconnect();
}

/** Let kafkajs write to the service's log instead of JSON lines of its own. */
export function kafkaLog(log: Logger): logCreator {
  const write = { [logLevel.ERROR]: 'error', [logLevel.WARN]: 'warn', [logLevel.INFO]: 'info' } as const;
  return () => (entry) => {
    const { message, logger, timestamp, ...details } = entry.log;
    log[write[entry.level as keyof typeof write] ?? 'debug'](details, `kafkajs: ${message}`);
  };
}
