/** `send` and `sendBatch` hold their messages differently; this is where that difference ends. */
import { type Entry, isObject, type OutgoingMessage } from './headers.ts';
import { withProperty } from './overlay.ts';

/** What is done to the messages of one topic. */
export type Change = (messages: readonly OutgoingMessage[]) => OutgoingMessage[];

/** One of the two calls. */
export interface SendCall {
  /** The messages by topic, as far as they can be read. */
  entriesOf(call: object): readonly Entry[];
  /** A copy of the call with other messages; the call itself is not changed. */
  withMessages(call: object, change: Change): object;
}

/** `producer.send({ topic, messages })`. */
export const SEND: SendCall = { entriesOf: (call) => [readEntry(call)], withMessages: changeEntry };

/** `producer.sendBatch({ topicMessages: [{ topic, messages }, …] })`. */
export const SEND_BATCH: SendCall = {
  entriesOf(call) {
    const { topicMessages } = call as { topicMessages?: unknown };
    return Array.isArray(topicMessages) ? topicMessages.filter(isObject).map(readEntry) : [];
  },
  withMessages(call, change) {
    const { topicMessages } = call as { topicMessages?: unknown };
    if (!Array.isArray(topicMessages)) return call;
    const entries = topicMessages.map((entry: unknown) => (isObject(entry) ? changeEntry(entry, change) : entry));
    return withProperty(call, 'topicMessages', entries);
  },
};

/** The topic that all entries have; `undefined` when there are several. */
export function onlyTopic(entries: readonly Entry[]): string | undefined {
  const topic = entries[0]?.topic;
  return entries.every((entry) => entry.topic === topic) ? topic : undefined;
}

function readEntry(entry: object): Entry {
  const { topic, messages } = entry as { topic?: unknown; messages?: unknown };
  return {
    topic: typeof topic === 'string' && topic !== '' ? topic : undefined,
    messages: Array.isArray(messages) ? messages.filter(isObject) : [],
  };
}

function changeEntry(entry: object, change: Change): object {
  const { messages } = entry as { messages?: unknown };
  return Array.isArray(messages) ? withProperty(entry, 'messages', change(messages)) : entry;
}
