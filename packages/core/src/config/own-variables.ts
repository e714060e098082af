/**
 * Variables of our own, for options of `startTracing` that no variable of OpenTelemetry's covers. Each is called
 * `CLEW_` and the option's path in upper snake case.
 */
import { TRUST_WORDS, type Variable } from './variable.ts';

/** Our own variables by name. */
export const OWN_VARIABLES: readonly Variable[] = [
  {
    name: 'CLEW_FLUSH_ON_SIGNAL',
    type: 'boolean',
    default: false,
    option: 'flushOnSignal',
    note: 'On SIGTERM and SIGINT spans are sent, for 3 seconds at most, before the signal takes effect.',
  },
  {
    name: 'CLEW_SPOOL_DIR',
    type: 'path',
    default: undefined,
    option: 'spool.dir',
    note: 'A directory for batches that could not be sent; they are sent later, also by the next process. None by default.',
  },
  {
    name: 'CLEW_TRUST_INCOMING',
    type: 'enum',
    values: TRUST_WORDS,
    default: 'all',
    option: 'trustIncoming',
    note: 'Whose trace context and baggage are continued; `none`: every trace starts here, linked to the caller.',
  },
  {
    name: 'CLEW_PROPAGATE_TO',
    type: 'texts',
    default: undefined,
    option: 'propagateTo',
    note: 'Hosts that get trace context and baggage, such as `*.example.com`. All by default.',
  },
  {
    name: 'CLEW_BAGGAGE_SPAN_KEYS',
    type: 'texts',
    default: undefined,
    option: 'baggageSpanKeys',
    note: 'Baggage entries that become attributes of spans. None by default.',
  },
  {
    name: 'CLEW_EXPORT_CONCURRENCY',
    type: 'integer',
    min: 1,
    default: 4,
    option: 'exportConcurrency',
    note: 'Requests at once to one backend.',
  },
  {
    name: 'CLEW_BATCH_MAX_QUEUE_BYTES',
    type: 'integer',
    min: 1,
    default: 16777216,
    option: 'batch.maxQueueBytes',
    note: 'Bytes of spans that wait at most; further spans are dropped and counted.',
  },
  {
    name: 'CLEW_BATCH_INITIAL_BACKOFF_MS',
    type: 'duration',
    min: 1,
    default: 1000,
    option: 'batch.initialBackoffMs',
    note: 'First wait before another attempt to send.',
  },
  {
    name: 'CLEW_BATCH_MAX_BACKOFF_MS',
    type: 'duration',
    min: 1,
    default: 30000,
    option: 'batch.maxBackoffMs',
    note: 'Longest wait between attempts.',
  },
  {
    name: 'CLEW_BATCH_MAX_RETRY_ELAPSED_MS',
    type: 'duration',
    min: 1,
    default: 300000,
    option: 'batch.maxRetryElapsedMs',
    note: 'How long a batch is tried again.',
  },
  {
    name: 'CLEW_BATCH_MAX_RETRY_AFTER_MS',
    type: 'duration',
    min: 1,
    default: 60000,
    option: 'batch.maxRetryAfterMs',
    note: 'Longest wait that a server may ask for.',
  },
  {
    name: 'CLEW_BATCH_RETRY_MAX_BYTES',
    type: 'integer',
    min: 1,
    default: 33554432,
    option: 'batch.retryMaxBytes',
    note: 'Bytes of batches that wait for another attempt; the oldest go first.',
  },
];
