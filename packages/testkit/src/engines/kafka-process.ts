// The program behind startKafka: a mock cluster of librdkafka. Its native part prints the address as a log line.
import { KafkaClient } from 'kafka-crab-js';

import { endWithParent } from './end-with-parent.ts';

endWithParent();
// The address is ignored: with `test.mock.num.brokers` librdkafka starts brokers of its own and talks to those.
const client = new KafkaClient({ brokers: '127.0.0.1:1', clientId: 'mock-cluster', logLevel: 'Info' });
// The cluster lives as long as the producer that made it, so the process holds on to it.
Object.assign(globalThis, { producer: client.createProducer({ configuration: { 'test.mock.num.brokers': '1' } }) });
