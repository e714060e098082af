/** One traced producer or consumer: its tracing, how its messages are described, and what it learns about itself. */
import { MESSAGING_OPTIONS, MessagingTracing } from '@clew/core/messaging';
import {
  type Describing,
  type Flat,
  type MessageLike,
  messageAttributes,
  oldClientNames,
  oldPartitionNames,
  oneMessageAttributes,
  serverOf,
} from './spans.ts';
import type { TraceConsumerOptions } from './types.ts';
import { VERSION } from './version.ts';

/** The names of `TraceProducerOptions`. */
export const PRODUCER_OPTIONS: readonly string[] = [...MESSAGING_OPTIONS, 'clusterId'];
/** The names of `TraceKafkaOptions`. */
export const KAFKA_OPTIONS: readonly string[] = [...PRODUCER_OPTIONS, 'messageContext', 'trustIncoming'];
/** The names of `TraceConsumerOptions`. */
export const CONSUMER_OPTIONS: readonly string[] = [...KAFKA_OPTIONS, 'groupId'];
/** The options of ours that must be texts. */
export const TEXT_OPTIONS: readonly string[] = ['clusterId'];

const SCOPE = { name: '@clew/kafkajs', version: VERSION };

/** A message as a handler gets it. */
export interface IncomingMessage extends MessageLike {
  readonly headers?: object | undefined;
}

/** What `eachMessage` gets. */
export interface IncomingPayload {
  readonly topic: string;
  readonly partition: number;
  readonly message: IncomingMessage;
}

/** What `eachBatch` gets. */
export interface IncomingBatch {
  readonly batch: { readonly topic: string; readonly partition: number; readonly messages: readonly IncomingMessage[] };
}

/** What the calls of one client need. */
export interface KafkaTracing {
  readonly messaging: MessagingTracing;
  readonly describing: Describing;
  /** Whether the context in a message is only linked. */
  readonly linksOnly: boolean;
  /** Attributes of the span of one message; made once, since there is a call for each message. */
  readonly describeMessage: (payload: IncomingPayload) => Flat;
  readonly describeBatch: (batch: IncomingBatch['batch']) => Flat;
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
  const describing: Describing = { recordKey: options.recordKey !== false, withOldNames };
  const withPartition = (flat: Flat, partition: number): Flat =>
    withOldNames ? [...flat, ...oldPartitionNames(partition)] : flat;
  const tracing: KafkaTracing = {
    messaging,
    describing,
    linksOnly: options.messageContext === 'link',
    describeMessage: ({ message, partition }) => withPartition(oneMessageAttributes(message, describing), partition),
    describeBatch: ({ messages, partition }) => withPartition(messageAttributes(messages, describing), partition),
  };
  byMessaging.set(messaging, tracing);
  return tracing;
}
