import { before } from 'node:test';
import { messagingSuite } from '@clew/testkit';
import type { Kafka as Cluster } from '@clew/testkit/engines';
import { suiteLibrary } from '../test/suite-library.ts';
import { createTopic, realKafka } from './real-kafka.ts';

let cluster: Cluster;
before(async () => {
  cluster = await realKafka();
});

messagingSuite(
  'kafkajs with a real Kafka',
  suiteLibrary(() => cluster, createTopic),
);
