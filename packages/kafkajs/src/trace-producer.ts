/** Attaches to producers and their transactions: one PRODUCER span for each call that sends. */
import { ClewError, type Context, describeError, reportFault, type Span } from '@clew/core';
import { checkMessagingOptions, settle } from '@clew/core/messaging';
import { learnClientId } from './client-events.ts';
import { findCarried, isObject, linksTo, withHeaders } from './headers.ts';
import { createKafkaTracing, type KafkaTracing, PRODUCER_OPTIONS, TEXT_OPTIONS } from './kafka-tracing.ts';
import { isTraced, overlay } from './overlay.ts';
import { type Change, onlyTopic, SEND, SEND_BATCH, type SendCall } from './send-call.ts';
import { messageAttributes, protocolErrorType, responseAttributes } from './spans.ts';
import type { ProducerLike, TraceProducerOptions } from './types.ts';

/**
 * Trace a producer: `send` and `sendBatch`, on it and on its transactions, make one PRODUCER span each and put its
 * context into the headers of the messages. Traced twice it makes one span.
 *
 * @returns the producer with its own type; the one that was given stays untraced
 * @throws ClewError `CLEW_ERR_OPTION` for a wrong option, `CLEW_ERR_TARGET` when it is no producer
 */
export function traceProducer<P extends ProducerLike>(producer: P, options?: TraceProducerOptions): P {
  checkMessagingOptions('traceProducer', options, PRODUCER_OPTIONS, TEXT_OPTIONS);
  return attachProducer(producer, options);
}

/** `traceProducer` with options that were checked already. */
export function attachProducer<P extends ProducerLike>(producer: P, options?: TraceProducerOptions): P {
  if (typeof producer?.send !== 'function' || typeof producer.sendBatch !== 'function') {
    throw new ClewError('CLEW_ERR_TARGET', 'traceProducer needs a producer, with send and sendBatch');
  }
  if (isTraced(producer.send)) return producer;
  const tracing = createKafkaTracing(options);
  learnClientId(producer, tracing.messaging);
  return attachSender(producer, tracing);
}

/** The same of a producer and of a transaction; what they take and give is KafkaJS's and is passed on as it is. */
interface Sender {
  send(record: unknown): unknown;
  sendBatch(batch: unknown): unknown;
  transaction?(...args: unknown[]): unknown;
}

function attachSender<P extends ProducerLike>(producer: P, tracing: KafkaTracing): P {
  // ProducerLike says `never` for what callers give; here it is whatever they gave.
  const sender = producer as unknown as Sender;
  const send = (record: unknown) => sendTraced(tracing, SEND, record, (call) => sender.send(call));
  const sendBatch = (batch: unknown) => sendTraced(tracing, SEND_BATCH, batch, (call) => sender.sendBatch(call));
  if (typeof sender.transaction !== 'function') return overlay(producer, { send, sendBatch });
  const transaction = async (...args: unknown[]) => {
    const begun = await sender.transaction?.(...args);
    // A transaction sends as a producer does.
    return isObject(begun) ? attachSender(begun as ProducerLike, tracing) : begun;
  };
  return overlay(producer, { send, sendBatch, transaction });
}

function sendTraced(tracing: KafkaTracing, kind: SendCall, call: unknown, send: (call: unknown) => unknown): unknown {
  const context = tracing.messaging.sendContext();
  const started = context !== undefined && isObject(call) ? startGuarded(tracing, kind, call, context) : undefined;
  if (started === undefined) return send(call);
  const { withOldNames } = tracing.describing;
  // The span is not made active: a connection that KafkaJS opens meanwhile would hold it for as long as it lives.
  return settle(started.span, () => send(started.call), {
    protocolError: protocolErrorType,
    onSuccess: (span, result) => span.setAttributes(responseAttributes(result, started.messageCount, withOldNames)),
  });
}

interface Started {
  readonly span: Span;
  /** The call with the span's context in its messages. */
  readonly call: object;
  readonly messageCount: number;
}

function startGuarded(tracing: KafkaTracing, kind: SendCall, call: object, context: Context): Started | undefined {
  try {
    return start(tracing, kind, call, context);
  } catch (error) {
    // A getter of the application's own message class, at worst: KafkaJS meets it too and says so.
    reportFault('plugin_threw', `a send goes out untraced: ${describeError(error)}`);
    return undefined;
  }
}

function start({ messaging, describing }: KafkaTracing, kind: SendCall, call: object, context: Context): Started {
  const entries = kind.entriesOf(call);
  const messages = entries.length === 1 ? (entries[0]?.messages ?? []) : entries.flatMap((entry) => entry.messages);
  const topic = onlyTopic(entries);
  const found = findCarried(entries, messaging);
  const describe = () => messageAttributes(messages, describing);
  const links = linksTo(messages, found.carried, topic !== undefined, describing);
  const span = messaging.startSend(context, topic, describe, undefined, links);
  const headers = messaging.headersOf(context, span);
  const sent = headers === undefined ? call : injectGuarded(kind, call, (list) => withHeaders(list, headers, found));
  return { span, call: sent, messageCount: messages.length };
}

// The span has started: whatever happens here, the caller gets it and ends it.
function injectGuarded(kind: SendCall, call: object, change: Change): object {
  try {
    return kind.withMessages(call, change);
  } catch (error) {
    reportFault('plugin_threw', `messages go out without context: ${describeError(error)}`);
    return call;
  }
}
