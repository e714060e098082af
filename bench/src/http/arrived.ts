import type { Child } from '../child.ts';
import { isSampled } from './variant.ts';

/** What arrived at the sink from one variant over the whole run, next to what it served. */
export interface Arrived {
  readonly requests: number;
  readonly spans: number;
  readonly serverSpans: number;
  /** Attributes of all SERVER spans together. */
  readonly serverAttributes: number;
  readonly bytes: number;
}

/** Name that the one route has in a correct trace. */
const SPAN_NAME = 'GET /users/:id';

/**
 * Ask the sink what it received.
 *
 * @param served  requests by variant, counted by the server
 */
export async function countArrived(served: Record<string, number>, sink: Child): Promise<Record<string, Arrived>> {
  const arrived: Record<string, Arrived> = {};
  for (const [name, requests] of Object.entries(served)) {
    const received = await sink.ask('count', { key: name });
    const servers = Object(received.servers) as Record<string, number>; // As sink.ts counts them: numbers by name.
    arrived[name] = {
      requests,
      spans: Number(received.spans),
      serverSpans: servers[SPAN_NAME] ?? 0,
      serverAttributes: Number(received.serverAttributes),
      bytes: Number(received.bytes),
    };
  }
  return arrived;
}

/** What arrived from two processes of one variant. */
export function joinArrived(one: Arrived, other: Arrived): Arrived {
  return {
    requests: one.requests + other.requests,
    spans: one.spans + other.spans,
    serverSpans: one.serverSpans + other.serverSpans,
    serverAttributes: one.serverAttributes + other.serverAttributes,
    bytes: one.bytes + other.bytes,
  };
}

/**
 * Why a variant does not count, or undefined when it does.
 *
 * A sampled variant owes one SERVER span with the right name for every request of its life, an
 * unsampled one owes none at all. Dropping spans is fast, and so is making none.
 */
export function voidReason(name: string, arrived: Arrived): string | undefined {
  if (isSampled(name)) {
    if (arrived.serverSpans === arrived.requests) return undefined;
    return `${arrived.serverSpans} SERVER spans "${SPAN_NAME}" arrived for ${arrived.requests} requests`;
  }
  return arrived.spans === 0 ? undefined : `${arrived.spans} spans arrived, none was wanted`;
}
