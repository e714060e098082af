/** One traced producer or consumer: its tracing, how its messages are described, and what it learns about itself. */
import { MESSAGING_OPTIONS, MessagingTracing } from '@clew/core/messaging';
import { type Describing, oldClientNames, serverOf } from './spans.ts';
import type { TraceConsumerOptions } from './types.ts';
import { VERSION } from './version.ts';

/** The names of `TraceProducerOptions`. */
export const PRODUCER_OPTIONS: readonly string[] = [...MESSAGING_OPTIONS, 'clusterId'];
/** The names of `TraceKafkaOptions`. */
export const KAFKA_OPTIONS: readonly string[] = [...PRODUCER_OPTIONS, 'messageContext'];
/** The names of `TraceConsumerOptions`. */
export const CONSUMER_OPTIONS: readonly string[] = [...KAFKA_OPTIONS, 'groupId'];
/** The options of ours that must be texts. */
export const TEXT_OPTIONS: readonly string[] = ['clusterId'];

const SCOPE = { name: '@clew/kafkajs', version: VERSION };

/** What the calls of one client need. */
export interface KafkaTracing {
  readonly messaging: MessagingTracing;
  readonly describing: Describing;
  /** Whether the context in a message is only linked. */
  readonly linksOnly: boolean;
}

// A batch's context notes the core's part; helpers inside of the batch need the whole.
const byMessaging = new WeakMap<MessagingTracing, KafkaTracing>();

/** The tracing whose batch is processed, from what its context notes. */
export function kafkaTracingOf(messaging: MessagingTracing | undefined): KafkaTracing | undefined {
  return messaging === undefined ? undefined : byMessaging.get(messaging);
}

/** The tracing of one client, from checked options. */
export function createKafkaTracing(options: TraceConsumerOptions = {}): KafkaTracing {
  const { clientId, groupId, clusterId } = options;
  const messaging = new MessagingTracing(SCOPE, 'kafka', { clientId, groupName: groupId }, options);
  messaging.learn({
    server: serverOf(options.brokers),
    more: (facts) => [
      ...(clusterId === undefined ? [] : ['messaging.kafka.cluster.id', clusterId]),
      ...(messaging.withOldNames ? oldClientNames(facts.clientId, facts.groupName) : []),
    ],
  });
  const { withOldNames } = messaging;
  const tracing: KafkaTracing = {
    messaging,
    describing: { recordKey: options.recordKey !== false, withOldNames },
    linksOnly: options.messageContext === 'link',
  };
  byMessaging.set(messaging, tracing);
  return tracing;
}
