/** The CONSUMER span of one message or batch: how it starts, and how its handler is called. */
import { type Context, describeError, type Link, reportFault, type Span } from '@clew/core';
import { KnownLink, MAX_LINKS, type MessageHeaders, type Outcome } from '@clew/core/messaging';
import type { IncomingBatch, IncomingMessage, IncomingPayload, KafkaTracing } from './kafka-tracing.ts';
import { type Describing, linkAttributes, protocolErrorType, sharedBy } from './spans.ts';

/** A span that has started, and what else is active while its handler runs. */
export interface Started {
  readonly span: Span;
  readonly context: Context;
}

const OUTCOME: Outcome<unknown> = { protocolError: protocolErrorType };

/**
 * Call a handler in the span that `start` makes; where that fails, without one.
 *
 * @param active  handed to `start`
 * @returns what the handler returned; see `settleResult` of the core
 */
export function processIn<P, R>(
  tracing: KafkaTracing,
  handler: (payload: P) => R,
  payload: P,
  start: (tracing: KafkaTracing, payload: P, active: Context | undefined) => Started,
  active?: Context,
): R {
  let started: Started;
  try {
    started = start(tracing, payload, active);
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
export function startMessage(tracing: KafkaTracing, payload: IncomingPayload, active: Context | undefined): Started {
  const { messaging } = tracing;
  const { topic, partition, message } = payload;
  const { context, sender } = messaging.receive(headersOf(message), tracing.linksOnly, active);
  const links = sender === undefined ? undefined : [new KnownLink(sender)];
  return { span: messaging.startProcess(context, topic, partition, tracing.describeMessage, payload, links), context };
}

/** A batch: a span of its own, linked to the sender of each message, for the first 128. */
export function startBatch(tracing: KafkaTracing, { batch }: IncomingBatch): Started {
  const { messaging } = tracing;
  const { topic, partition, messages } = batch;
  const context = messaging.batchContext();
  const links = linksToSenders(messages, tracing.describing, (message) => messaging.senderOf(headersOf(message)));
  return { span: messaging.startProcess(context, topic, partition, tracing.describeBatch, batch, links), context };
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
