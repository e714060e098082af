/** The real Kafka that these tests need: what the embedded cluster cannot do is proven here. */
import { type Kafka as Cluster, startKafka } from '@clew/testkit/engines';
import type { Kafka } from 'kafkajs';

/**
 * The cluster named by `KAFKA_BROKERS`.
 *
 * @throws Error that says how to start one, when there is none
 */
export async function realKafka(): Promise<Cluster> {
  if (!process.env.KAFKA_BROKERS) {
    throw new Error(
      'KAFKA_BROKERS is not set: these tests need a real Kafka. Run `docker compose up -d kafka` and set KAFKA_BROKERS=localhost:9092.',
    );
  }
  return startKafka();
}

/** Make a topic with two partitions. */
export async function createTopic(kafka: Kafka, topic: string): Promise<void> {
  const admin = kafka.admin();
  await admin.connect();
  try {
    await admin.createTopics({ topics: [{ topic, numPartitions: 2 }], waitForLeaders: true });
  } finally {
    await admin.disconnect();
  }
}
