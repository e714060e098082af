/** The exact span of one message inside of a batch, where only the application knows when it is processed. */
import { MessagingTracing } from '@clew/core/messaging';
import { createKafkaTracing, type KafkaTracing, kafkaTracingOf } from './kafka-tracing.ts';
import { processIn, startMessage } from './process.ts';
import type { MessagePayload } from './types.ts';

let outsideOfBatches: KafkaTracing | undefined;

/**
 * Process one message in a CONSUMER span of its own: child of the batch's span, linked to the message's sender, with
 * the message's baggage. Outside of a traced `eachBatch` the sender is the parent, as in `eachMessage`.
 *
 * `for (const message of batch.messages) await traceMessage({ topic: batch.topic, partition: batch.partition, message }, save);`
 *
 * @param fn  is called once with the payload
 * @returns what `fn` returns; what it throws or rejects with is recorded and passed on unchanged
 */
export function traceMessage<P extends MessagePayload, R>(payload: P, fn: (payload: P) => R): R {
  const ofBatch = kafkaTracingOf(MessagingTracing.ofBatch());
  const tracing = ofBatch ?? tracingOutsideOfBatches();
  const context = tracing.messaging.sendContext();
  if (context === undefined) return fn(payload);
  // Elsewhere what is active may be the request that happened to start the consumer.
  const batchContext = ofBatch === undefined ? undefined : context;
  return processIn(tracing, fn, payload, startMessage, batchContext);
}

function tracingOutsideOfBatches(): KafkaTracing {
  outsideOfBatches ??= createKafkaTracing();
  return outsideOfBatches;
}
