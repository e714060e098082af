/** What all message broker clients share: producer and consumer spans, links, and context in message headers. */
export { addHeaders, hasField, type MessageHeaders, messageHeaderGetter } from './message-headers.ts';
export { KnownLink } from '../known-link.ts';
export { MAX_LINKS, MessagingTracing, type Received } from './messaging-tracing.ts';
export type { ClientFacts } from './operations.ts';
export { checkMessagingOptions, MESSAGING_OPTIONS, type MessagingOptions, type ReceivingOptions } from './options.ts';
export type { Semconv } from './semconv.ts';
export { type Outcome, settle } from './settle.ts';
