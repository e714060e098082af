/** The real Kafka that these tests need: what the embedded cluster cannot do is proven here. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Kafka as Cluster, startKafka } from '@clew/testkit/engines';
import type { Admin, Kafka } from 'kafkajs';

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
    await admin.createTopics({ topics: [{ topic, numPartitions: 2 }], waitForLeaders: false });
    await waitForLeaders(admin, topic);
  } finally {
    await admin.disconnect();
  }
}

// kafkajs's own `waitForLeaders` gives up when the broker that is asked has not heard of the topic yet.
async function waitForLeaders(admin: Admin, topic: string): Promise<void> {
  const deadlineMs = performance.now() + 15_000;
  for (;;) {
    try {
      const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
      if (topics[0]?.partitions.every(({ leader }) => leader >= 0)) return;
    } catch (error) {
      if (performance.now() > deadlineMs) throw error;
    }
    if (performance.now() > deadlineMs) throw new Error(`topic ${topic} has no leaders after 15 s`);
    await sleep(100);
  }
}
