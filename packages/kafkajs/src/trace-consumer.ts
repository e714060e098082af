/** Attaches to consumers: one CONSUMER span for each message or batch that a handler processes. */
import { ClewError } from '@clew/core';
import { checkMessagingOptions } from '@clew/core/messaging';
import { learnClientId, learnGroup } from './client-events.ts';
import { isObject } from './headers.ts';
import {
  CONSUMER_OPTIONS,
  createKafkaTracing,
  type IncomingBatch,
  type IncomingPayload,
  type KafkaTracing,
  TEXT_OPTIONS,
} from './kafka-tracing.ts';
import { isTraced, overlay, withProperty } from './overlay.ts';
import { processIn, startBatch, startMessage } from './process.ts';
import type { ConsumerLike, TraceConsumerOptions } from './types.ts';

/**
 * Trace a consumer: the handlers that `run` gets are called in a CONSUMER span for each message, or each batch, outside
 * of the context in which `run` was called. Traced twice it makes one span.
 *
 * @returns the consumer with its own type; the one that was given stays untraced
 * @throws ClewError `CLEW_ERR_OPTION` for a wrong option, `CLEW_ERR_TARGET` when it is no consumer
 */
export function traceConsumer<C extends ConsumerLike>(consumer: C, options?: TraceConsumerOptions): C {
  checkMessagingOptions('traceConsumer', options, CONSUMER_OPTIONS, TEXT_OPTIONS);
  return attachConsumer(consumer, options);
}

/** `traceConsumer` with options that were checked already. */
export function attachConsumer<C extends ConsumerLike>(consumer: C, options?: TraceConsumerOptions): C {
  if (typeof consumer?.run !== 'function') {
    throw new ClewError('CLEW_ERR_TARGET', 'traceConsumer needs a consumer, with run');
  }
  if (isTraced(consumer.run)) return consumer;
  const tracing = createKafkaTracing(options);
  learnClientId(consumer, tracing.messaging);
  learnGroup(consumer, tracing.messaging);
  // ConsumerLike says `never` for what callers give; here it is whatever they gave.
  const runner = consumer as unknown as { run(...args: unknown[]): unknown };
  const run = (...args: unknown[]) => {
    const [config, ...rest] = args;
    const traced = isObject(config) ? [traceHandlers(config, tracing), ...rest] : args;
    // The loop that fetches lives as long as the consumer: it must not hold the request that happened to start it.
    return tracing.messaging.runInRoot(() => runner.run(...traced));
  };
  return overlay(consumer, { run });
}

type Handler<P> = (payload: P) => unknown;

function traceHandlers(config: object, tracing: KafkaTracing): object {
  const { eachMessage, eachBatch } = config as { eachMessage?: unknown; eachBatch?: unknown };
  let traced = config;
  if (typeof eachMessage === 'function') {
    traced = withProperty(traced, 'eachMessage', traceEachMessage(eachMessage as Handler<IncomingPayload>, tracing));
  }
  if (typeof eachBatch === 'function') {
    traced = withProperty(traced, 'eachBatch', traceEachBatch(eachBatch as Handler<IncomingBatch>, tracing));
  }
  return traced;
}

function traceEachMessage(handler: Handler<IncomingPayload>, tracing: KafkaTracing): Handler<IncomingPayload> {
  return function eachMessage(payload) {
    return processIn(tracing, handler, payload, startMessage);
  };
}

function traceEachBatch(handler: Handler<IncomingBatch>, tracing: KafkaTracing): Handler<IncomingBatch> {
  return function eachBatch(payload) {
    return processIn(tracing, handler, payload, startBatch);
  };
}
