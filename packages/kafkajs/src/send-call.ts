/** `send` and `sendBatch` hold their messages differently; this is where that difference ends. */
import { isObject, type OutgoingMessage } from './headers.ts';
import { withProperty } from './overlay.ts';

/** One of the two calls. */
export interface SendCall {
  /** The one topic; `undefined` for several, and for what KafkaJS is going to refuse. */
  topicOf(call: object): string | undefined;
  /** All messages in their order. */
  messagesOf(call: object): readonly OutgoingMessage[];
  /** A copy of the call with other messages; the call itself is not changed. */
  withMessages(call: object, change: (messages: readonly OutgoingMessage[]) => OutgoingMessage[]): object;
}

type Change = (messages: readonly OutgoingMessage[]) => OutgoingMessage[];

/** `producer.send({ topic, messages })`. */
export const SEND: SendCall = { topicOf: readTopic, messagesOf: readMessages, withMessages: changeMessages };

/** `producer.sendBatch({ topicMessages: [{ topic, messages }, …] })`. */
export const SEND_BATCH: SendCall = {
  topicOf(call) {
    const topics = new Set(readEntries(call).map(readTopic));
    const [only] = topics;
    return topics.size === 1 ? only : undefined;
  },
  messagesOf: (call) => readEntries(call).flatMap(readMessages),
  withMessages(call, change) {
    const { topicMessages } = call as { topicMessages?: unknown };
    if (!Array.isArray(topicMessages)) return call;
    const entries = topicMessages.map((entry: unknown) => (isObject(entry) ? changeMessages(entry, change) : entry));
    return withProperty(call, 'topicMessages', entries);
  },
};

function readEntries(call: object): object[] {
  const { topicMessages } = call as { topicMessages?: unknown };
  return Array.isArray(topicMessages) ? topicMessages.filter(isObject) : [];
}

function readTopic(entry: object): string | undefined {
  const { topic } = entry as { topic?: unknown };
  return typeof topic === 'string' && topic !== '' ? topic : undefined;
}

function readMessages(entry: object): readonly OutgoingMessage[] {
  const { messages } = entry as { messages?: unknown };
  return Array.isArray(messages) ? messages.filter(isObject) : [];
}

function changeMessages(entry: object, change: Change): object {
  const { messages } = entry as { messages?: unknown };
  return Array.isArray(messages) ? withProperty(entry, 'messages', change(messages)) : entry;
}
