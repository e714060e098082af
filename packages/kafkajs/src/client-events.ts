/**
 * What a client tells about itself: KafkaJS keeps its configuration in closures, but its instrumentation events, which
 * are public, name the client id and the group. We listen until the first one, and leave.
 */
import type { MessagingTracing } from '@clew/core/messaging';

/** The event side of a producer or consumer; forks may lack it. */
interface Eventful {
  readonly events?: Record<string, string>;
  on?: (name: string, listener: (event: { payload?: Record<string, unknown> }) => void) => () => void;
}

/** Learn the client id from the first request that the client makes, unless it is known. */
export function learnClientId(client: object, messaging: MessagingTracing): void {
  if (messaging.facts.clientId !== undefined) return;
  takeOnce(client, 'REQUEST', 'clientId', (clientId) => messaging.learn({ clientId }));
}

/** Learn the group from the consumer's joining it, unless it is known. */
export function learnGroup(consumer: object, messaging: MessagingTracing): void {
  if (messaging.facts.groupName !== undefined) return;
  takeOnce(consumer, 'GROUP_JOIN', 'groupId', (groupName) => messaging.learn({ groupName }));
}

function takeOnce(client: Eventful, event: string, field: string, take: (value: string) => void): void {
  const name = client.events?.[event];
  if (name === undefined || typeof client.on !== 'function') return;
  try {
    const remove = client.on(name, ({ payload }) => {
      const value = payload?.[field];
      if (typeof value === 'string' && value !== '') take(value);
      remove();
    });
  } catch {
    // A fork whose `on` only throws: the attribute is left out.
  }
}
