/** Putting a context into the messages of a call, without touching the application's objects. */
import type { Link, Span } from '@clew/core';
import {
  addHeaders,
  hasField,
  KnownLink,
  MAX_LINKS,
  type MessageHeaders,
  type MessagingTracing,
} from '@clew/core/messaging';
import { isPlain, withProperty } from './overlay.ts';
import { type Describing, linkAttributes, sharedBy } from './spans.ts';

/** A message as the application gives it; KafkaJS itself refuses what is not usable. */
export interface OutgoingMessage {
  readonly key?: unknown;
  readonly value?: unknown;
  readonly partition?: unknown;
  readonly headers?: MessageHeaders | null | undefined;
}

/** The messages of one topic. */
export interface Entry {
  /** `undefined` when what was given is no topic. */
  readonly topic: string | undefined;
  readonly messages: readonly OutgoingMessage[];
}

/** Messages that came with a context of their own: the span that it names, and where the message goes. */
export type Carried = ReadonlyMap<OutgoingMessage, { readonly span: Span; readonly topic: string | undefined }>;

/** What a call's messages hold before anything is put in. */
export interface Found {
  /** The propagator's header names; empty when no message has headers, for then nobody asks. */
  readonly fields: ReadonlySet<string>;
  /** The messages that were created elsewhere and are only passed on here. */
  readonly carried: Carried;
}

const NOTHING: Found = { fields: new Set(), carried: new Map() };

/** Look for contexts that the application put into its messages. */
export function findCarried(entries: readonly Entry[], messaging: MessagingTracing): Found {
  if (!entries.some(({ messages }) => messages.some(({ headers }) => isObject(headers)))) return NOTHING;
  const fields = messaging.headerFields();
  const carried = new Map<OutgoingMessage, { span: Span; topic: string | undefined }>();
  for (const { topic, messages } of entries) {
    for (const message of messages) {
      if (!isObject(message.headers) || !hasField(message.headers, fields)) continue;
      const span = messaging.senderOf(message.headers);
      if (span !== undefined) carried.set(message, { span, topic });
    }
  }
  return { fields, carried };
}

/** A link for each message that carries a context, with what differs between them; 128 at most. */
export function linksTo(
  messages: readonly OutgoingMessage[],
  carried: Carried,
  isOneTopic: boolean,
  describing: Describing,
): Link[] | undefined {
  if (carried.size === 0) return undefined;
  const shared = sharedBy(messages);
  const links: Link[] = [];
  for (const [message, { span, topic }] of carried) {
    if (links.length === MAX_LINKS) break;
    const describe = () => {
      const flat = linkAttributes(message, shared, describing);
      if (!isOneTopic && topic !== undefined) flat.push('messaging.destination.name', topic);
      return flat;
    };
    links.push(new KnownLink(span, describe));
  }
  return links;
}

/**
 * The messages with the headers of a context, each in an object of its own. Those with a context of their own stay as
 * they are, and so does everything that KafkaJS is going to refuse: its error quotes the message.
 *
 * @param headers  written once for the whole call
 */
export function withHeaders(
  messages: readonly OutgoingMessage[],
  headers: Readonly<Record<string, string>>,
  { fields, carried }: Found,
): OutgoingMessage[] {
  return messages.map((message) => {
    if (!isObject(message) || message.value === undefined || carried.has(message)) return message;
    const merged = addHeaders(message.headers, headers, fields);
    // Spelt out for plain objects: ten times faster than a property by name, and there is one for each message.
    return isPlain(message) ? { ...message, headers: merged } : withProperty(message, 'headers', merged);
  });
}

/** Whether a value has properties to read. */
export function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
