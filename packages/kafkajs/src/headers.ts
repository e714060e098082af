/** Putting a context into the messages of a call, without touching the application's objects. */
import type { Link, Span } from '@clew/core';
import {
  addHeaders,
  hasField,
  MAX_LINKS,
  MessageLink,
  type MessageHeaders,
  type MessagingTracing,
} from '@clew/core/messaging';
import { withProperty } from './overlay.ts';
import { type Describing, linkAttributes, sharedBy } from './spans.ts';

/** A message as the application gives it; KafkaJS itself refuses what is not usable. */
export interface OutgoingMessage {
  readonly key?: unknown;
  readonly value?: unknown;
  readonly headers?: MessageHeaders | null | undefined;
}

/** Messages that came with a context of their own, and the spans that those contexts name. */
export type Carried = ReadonlyMap<OutgoingMessage, Span>;

const NONE: Carried = new Map();

/**
 * Find the messages that carry a context already: they were created elsewhere and are only passed on here.
 *
 * @param fields  the propagator's header names
 */
export function findCarried(
  messages: readonly OutgoingMessage[],
  fields: ReadonlySet<string>,
  messaging: MessagingTracing,
): Carried {
  let found: Map<OutgoingMessage, Span> | undefined;
  for (const message of messages) {
    if (!isObject(message) || !isObject(message.headers) || !hasField(message.headers, fields)) continue;
    const span = messaging.senderOf(message.headers);
    if (span === undefined) continue;
    found ??= new Map();
    found.set(message, span);
  }
  return found ?? NONE;
}

/** A link for each message that carries a context, with what differs between them; 128 at most. */
export function linksTo(
  messages: readonly OutgoingMessage[],
  carried: Carried,
  describing: Describing,
): Link[] | undefined {
  if (carried.size === 0) return undefined;
  const shared = sharedBy(messages);
  const links: Link[] = [];
  for (const [message, span] of carried) {
    if (links.length === MAX_LINKS) break;
    links.push(new MessageLink(span, () => linkAttributes(message, shared, describing)));
  }
  return links;
}

/**
 * The messages with the headers of a context, each in an object of its own. Those with a context of their own stay as
 * they are, and so does everything that KafkaJS is going to refuse: its error quotes the message.
 *
 * @param headers  written once for the whole call
 */
export function withHeaders<M>(
  messages: readonly M[],
  headers: Readonly<Record<string, string>>,
  carried: Carried,
  fields: ReadonlySet<string>,
): M[] {
  return messages.map((message) => {
    // What is no message comes back as it is.
    const outgoing = message as OutgoingMessage;
    if (!isObject(outgoing) || outgoing.value === undefined || carried.has(outgoing)) return message;
    return withProperty(outgoing, 'headers', addHeaders(outgoing.headers, headers, fields)) as M;
  });
}

/** Whether a value has properties to read. */
export function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
