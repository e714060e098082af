/** What all message broker clients share: producer and consumer spans, links, and context in message headers. */
export { type ClientFacts, MessagingTracing, type MessagingOptions, type MessagingSystem } from './messaging-tracing.ts';
export { addHeaders, type MessageHeaders, messageHeaderGetter } from './message-headers.ts';
export { MAX_LINKS, MessageLink } from './message-link.ts';
export { type Outcome, settle } from './settle.ts';
