import type { Child } from '../child.ts';
import type { ClientName } from './variant.ts';

/** What one variant of a client asked for in its life, and what arrived of it. */
export interface Counted {
  readonly client: ClientName;
  readonly variant: string;
  readonly requests: number;
  readonly spans: number;
}

/** Ask a measured process and the sink. */
export async function countSpans(process: Child, sink: Child, client: ClientName, variant: string): Promise<Counted> {
  const { requests } = await process.ask('total', { name: variant });
  const { spans } = await sink.ask('count', { key: `${client}-${variant}` });
  return { client, variant, requests: Number(requests), spans: Number(spans) };
}

/** Why it does not count, or undefined when it does: a sampled variant owes one span for each request, others none. */
export function clientVoidReason({ client, variant, requests, spans }: Counted): string | undefined {
  const owed = variant === 'clew' || variant === 'otel' ? requests : 0;
  return spans === owed ? undefined : `${client}-${variant}: ${spans} spans arrived for ${requests} requests`;
}
