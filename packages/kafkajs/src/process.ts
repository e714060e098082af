/** The CONSUMER span of one message or batch: how it starts, and how its handler is called. */
import { type Context, describeError, type Link, reportFault, type Span } from '@clew/core';
import { KnownLink, MAX_LINKS, type MessageHeaders, type Outcome } from '@clew/core/messaging';
import type { KafkaTracing } from './kafka-tracing.ts';
import {
  type Describing,
  type Flat,
  linkAttributes,
  type MessageLike,
  messageAttributes,
  oldPartitionNames,
  protocolErrorType,
  sharedBy,
} from './spans.ts';

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

/** A span that has started, and what else is active while its handler runs. */
export interface Started {
  readonly span: Span;
  readonly context: Context;
}

const OUTCOME: Outcome<unknown> = { protocolError: protocolErrorType };

/**
 * Call a handler in the span that `start` makes; where that fails, without one.
 *
 * @returns what the handler returned; see `settle`
 */
export function processIn<P, R>(
  tracing: KafkaTracing,
  handler: (payload: P) => R,
  payload: P,
  start: () => Started,
): R {
  let started: Started;
  try {
    started = start();
  } catch (error) {
    reportFault('plugin_threw', `a handler runs untraced: ${describeError(error)}`);
    return handler(payload);
  }
  return tracing.messaging.process(started.context, started.span, handler, payload, OUTCOME as Outcome<R>);
}

/**
 * One message: its sender is the parent, or only linked, and is linked in both cases.
 *
 * @param active  of a message of a batch, where the batch's span is the parent
 */
export function startMessage(tracing: KafkaTracing, payload: IncomingPayload, active?: Context): Started {
  const { messaging, describing } = tracing;
  const { topic, partition, message } = payload;
  const { context, sender } = messaging.receive(headersOf(message), tracing.linksOnly, active);
  const details = () => withOldPartition(messageAttributes([message], describing), partition, describing);
  const links = sender === undefined ? undefined : [new KnownLink(sender)];
  return { span: messaging.startProcess(context, topic, partition, details, links), context };
}

/** A batch: a span of its own, linked to the sender of each message, for the first 128. */
export function startBatch({ messaging, describing }: KafkaTracing, { batch }: IncomingBatch): Started {
  const { topic, partition, messages } = batch;
  const details = () => withOldPartition(messageAttributes(messages, describing), partition, describing);
  const context = messaging.batchContext();
  const links = linksToSenders(messages, describing, (message) => messaging.senderOf(headersOf(message)));
  return { span: messaging.startProcess(context, topic, partition, details, links), context };
}

function linksToSenders(
  messages: readonly IncomingMessage[],
  describing: Describing,
  senderOf: (message: IncomingMessage) => Span | undefined,
): Link[] | undefined {
  const shared = sharedBy(messages);
  let links: Link[] | undefined;
  for (const message of messages) {
    const sender = senderOf(message);
    if (sender === undefined) continue;
    links ??= [];
    links.push(new KnownLink(sender, () => linkAttributes(message, shared, describing)));
    if (links.length === MAX_LINKS) break;
  }
  return links;
}

// KafkaJS types headers as an index signature, forks as they like; the getter checks every value that it reads.
function headersOf(message: IncomingMessage): MessageHeaders | undefined {
  return message.headers as MessageHeaders | undefined;
}

function withOldPartition(flat: Flat, partition: number, { withOldNames }: Describing): Flat {
  if (withOldNames) flat.push(...oldPartitionNames(partition));
  return flat;
}
