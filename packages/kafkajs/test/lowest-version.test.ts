// The lowest supported version, 2.0.0, through the same suite as the newest.
import { after, before } from 'node:test';
import { messagingSuite } from '@clew/testkit';
import { type Kafka as Cluster, startKafka } from '@clew/testkit/engines';
import { Kafka } from 'kafkajs-2.0';
import { suiteLibrary } from './suite-library.ts';

let cluster: Cluster;
before(async () => {
  cluster = await startKafka();
});
after(() => cluster.close());

messagingSuite(
  'kafkajs 2.0.0',
  // Its types are those of another package, though the calls of the suite are the same.
  suiteLibrary(() => cluster, undefined, Kafka as never),
);
