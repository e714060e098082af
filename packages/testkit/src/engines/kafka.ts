import { startEngineProcess } from './engine-process.ts';
import { checkGiven } from './given.ts';

/** A Kafka cluster to connect to. */
export interface Kafka {
  /** Bootstrap addresses, for `new Kafka({ brokers })` of kafkajs. */
  brokers: string[];
  /** End the embedded cluster; does nothing to a cluster that was given by `KAFKA_BROKERS`. */
  close: () => Promise<void>;
}

/**
 * The Kafka cluster named by `KAFKA_BROKERS` (`host:port`, comma-separated), else an embedded one: librdkafka's mock
 * cluster with one broker, in a process of its own.
 *
 * The embedded one creates topics on first use but knows neither `createTopics` nor transactions, a first join of a
 * group takes 3 s, and it cannot read kafkajs's LeaveGroup: give each consumer a fresh `groupId`, and set
 * `maxWaitTimeInMs: 50`, since a fetch is answered only when that time is over.
 *
 * @throws Error in one sentence when no given broker answers or the embedded cluster does not start
 */
export async function startKafka(): Promise<Kafka> {
  const given = process.env.KAFKA_BROKERS;
  if (given) {
    const brokers = given.split(',').map((broker) => broker.trim());
    await checkGiven('Kafka', 'KAFKA_BROKERS', brokers);
    return { brokers, close: async () => {} };
  }
  const { address, close } = await startEngineProcess({
    name: 'embedded Kafka',
    file: new URL('./kafka-process.ts', import.meta.url),
    findAddress: (line) => /Mock cluster enabled: .* replaced with ([\d.]+:\d+)/.exec(line)?.[1],
    remedy:
      'its native part is installed only by an npm that runs on Node.js 24: install again with that, or set KAFKA_BROKERS',
  });
  return { brokers: [address], close };
}
