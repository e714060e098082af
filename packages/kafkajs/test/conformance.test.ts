import { after, before } from 'node:test';
import { messagingSuite } from '@clew/testkit';
import { type Kafka as Cluster, startKafka } from '@clew/testkit/engines';
import { suiteLibrary } from './suite-library.ts';

let cluster: Cluster;
before(async () => {
  cluster = await startKafka();
});
after(() => cluster.close());

messagingSuite(
  'kafkajs',
  suiteLibrary(() => cluster),
);
