/** Messages, responses and errors of KafkaJS -> attributes; pure. */
import { isUtf8 } from 'node:buffer';
import type { Attributes } from '@clew/core';

/** `[key, value, key, value …]`, as the core's spans take them. */
export type Flat = unknown[];

const MAX_KEY_LENGTH = 256;
const ERROR_TYPE = /^[A-Z][A-Z0-9_]{1,63}$/;
const MAX_CAUSES = 5;

/** What is read of a message, sent or received. */
export interface MessageLike {
  readonly key?: unknown;
  readonly value?: unknown;
  readonly offset?: unknown;
  /** Given by the sender of some messages; what was received has it on the batch. */
  readonly partition?: unknown;
}

/** How messages are described. */
export interface Describing {
  readonly recordKey: boolean;
  readonly withOldNames: boolean;
}

/** Which facts are the same for all messages of a call: those go on the span, the others on the links. */
export interface Shared {
  readonly key: boolean;
  readonly tombstone: boolean;
}

/** A message key as text; `undefined` for none, and for bytes that are not UTF-8. Cut to 256 characters. */
export function keyText(key: unknown): string | undefined {
  let text: string;
  if (typeof key === 'string') text = key;
  else if (Buffer.isBuffer(key) && isUtf8(key)) text = key.toString();
  else return undefined;
  // By characters, not halves of them.
  return text.length <= MAX_KEY_LENGTH ? text : Array.from(text).slice(0, MAX_KEY_LENGTH).join('');
}

/** An offset as a number; `undefined` when it is missing, negative or beyond what a number holds exactly. */
export function offsetNumber(offset: unknown): number | undefined {
  const number = typeof offset === 'string' && offset !== '' ? Number(offset) : undefined;
  return number !== undefined && Number.isSafeInteger(number) && number >= 0 ? number : undefined;
}

/** What all messages have in common. Of one message everything is. */
export function sharedBy(messages: readonly MessageLike[]): Shared {
  const first = messages[0];
  if (first === undefined) return { key: false, tombstone: false };
  return {
    key: messages.every((message) => isSameKey(message.key, first.key)),
    tombstone: messages.every((message) => (message.value === null) === (first.value === null)),
  };
}

function isSameKey(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  return Buffer.isBuffer(a) && Buffer.isBuffer(b) && a.equals(b);
}

/** The attributes of a call for the messages it sends or processes, as far as they are equal in all. */
export function messageAttributes(messages: readonly MessageLike[], describing: Describing): Flat {
  const flat: Flat = [];
  const [first] = messages;
  if (messages.length !== 1) flat.push('messaging.batch.message_count', messages.length);
  if (first === undefined) return flat;
  if (messages.length === 1) return pushMessage(flat, first, describing);
  const shared = sharedBy(messages);
  if (shared.key) pushKey(flat, first, describing);
  if (shared.tombstone) pushTombstone(flat, first, describing);
  return flat;
}

/** The attributes of a call for its only message. */
export function oneMessageAttributes(message: MessageLike, describing: Describing): Flat {
  return pushMessage([], message, describing);
}

function pushMessage(flat: Flat, message: MessageLike, describing: Describing): Flat {
  pushOffset(flat, message, describing);
  pushKey(flat, message, describing);
  pushTombstone(flat, message, describing);
  return flat;
}

/** The attributes of one message's link: what differs from the others of its call. */
export function linkAttributes(message: MessageLike, shared: Shared, describing: Describing): Flat {
  const flat: Flat = [];
  pushOffset(flat, message, describing);
  if (!shared.key) pushKey(flat, message, describing);
  if (!shared.tombstone) pushTombstone(flat, message, describing);
  const { partition } = message;
  if (Number.isSafeInteger(partition)) flat.push('messaging.destination.partition.id', String(partition));
  return flat;
}

function pushOffset(flat: Flat, message: MessageLike, { withOldNames }: Describing): void {
  const offset = offsetNumber(message.offset);
  if (offset === undefined) return;
  flat.push('messaging.kafka.offset', offset);
  if (withOldNames) flat.push('messaging.kafka.message.offset', offset);
}

function pushKey(flat: Flat, message: MessageLike, { recordKey, withOldNames }: Describing): void {
  const key = recordKey ? keyText(message.key) : undefined;
  if (key === undefined) return;
  flat.push('messaging.kafka.message.key', key);
  if (withOldNames) flat.push('messaging.kafka.message_key', key);
}

function pushTombstone(flat: Flat, message: MessageLike, { withOldNames }: Describing): void {
  if (message.value !== null) return;
  flat.push('messaging.kafka.message.tombstone', true);
  if (withOldNames) flat.push('messaging.kafka.tombstone', true);
}

/** The old names of a partition, which was a number then. */
export function oldPartitionNames(partition: number): Flat {
  return ['messaging.kafka.partition', partition, 'messaging.kafka.destination.partition', partition];
}

/** The old names of a client and its group. */
export function oldClientNames(clientId: string | undefined, groupId: string | undefined): Flat {
  const flat: Flat = [];
  if (clientId !== undefined) flat.push('messaging.kafka.client_id', clientId);
  if (groupId === undefined) return flat;
  flat.push('messaging.kafka.consumer.group', groupId, 'messaging.kafka.consumer_group', groupId);
  return flat;
}

/**
 * What the brokers' answer to a send tells: the partition when all went to one, and the offset of a single message.
 *
 * @param result  `RecordMetadata[]`; empty with `acks: 0`
 */
export function responseAttributes(result: unknown, messageCount: number, withOldNames: boolean): Attributes {
  const attributes: Attributes = {};
  if (!Array.isArray(result)) return attributes;
  const [only, ...others] = result as Array<{ partition?: unknown; baseOffset?: unknown; offset?: unknown }>;
  if (only === undefined || others.length > 0 || !Number.isSafeInteger(only.partition)) return attributes;
  const partition = only.partition as number;
  attributes['messaging.destination.partition.id'] = String(partition);
  // Brokers before 0.11 call it `offset`.
  const offset = messageCount === 1 ? offsetNumber(only.baseOffset ?? only.offset) : undefined;
  if (offset !== undefined) attributes['messaging.kafka.offset'] = offset;
  if (!withOldNames) return attributes;
  attributes['messaging.kafka.partition'] = partition;
  attributes['messaging.kafka.destination.partition'] = partition;
  if (offset !== undefined) attributes['messaging.kafka.message.offset'] = offset;
  return attributes;
}

/** The one bootstrap broker, `host:port`; `undefined` when there are several: which one is used is not known. */
export function serverOf(brokers: readonly string[] | undefined): { address: string; port?: number } | undefined {
  const [broker, ...others] = brokers ?? [];
  const parts = /^\[?([^\]]+?)\]?(?::(\d{1,5}))?$/.exec(broker ?? '');
  if (parts?.[1] === undefined || others.length > 0) return undefined;
  return parts[2] === undefined ? { address: parts[1] } : { address: parts[1], port: Number(parts[2]) };
}

/**
 * The protocol's name of a Kafka error, such as `UNKNOWN_TOPIC_OR_PARTITION`, found through the errors that wrap it.
 *
 * @returns `undefined` when no KafkaJS error in the chain of causes has one
 */
export function protocolErrorType(error: unknown): string | undefined {
  let current = error;
  for (let depth = 0; depth < MAX_CAUSES && current instanceof Error; depth++) {
    const { type } = current as { type?: unknown };
    // Errors of the application may have a `type` too, with another meaning.
    if (current.name.startsWith('KafkaJS') && typeof type === 'string' && ERROR_TYPE.test(type)) return type;
    current = current.cause;
  }
  return undefined;
}
