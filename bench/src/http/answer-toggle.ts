import { createServer, type RequestListener } from 'node:http';

import { answerParent } from '../child.ts';
import { MemoryConnection } from './memory-connection.ts';

/** One variant of several in a process. */
export interface Toggled {
  readonly listener: RequestListener;
  /** Send every span that has ended. */
  flush(): Promise<void>;
}

export interface ToggleSettings {
  /** By name. */
  readonly variants: ReadonlyMap<string, Toggled>;
  /** Connections in memory, each with one request at a time. */
  readonly connections: number;
}

/**
 * Answer the parent's questions for windows of requests over connections in memory. One variant answers at a time:
 * what differs between two processes (where code and heap came to lie) is the same for all of them then.
 */
export function answerToggle({ variants, connections: count }: ToggleSettings): void {
  const served = new Map<string, number>();
  let current: RequestListener | undefined;
  let requests = 0;
  let toAsk = 0;
  let unanswered = 0;
  let onIdle: (() => void) | undefined;
  const server = createServer((request, response) => {
    requests++;
    current?.(request, response);
  });
  const connections = Array.from({ length: count }, () => new MemoryConnection(server, askAgain));

  function serve(wanted: number): Promise<void> {
    toAsk = wanted;
    for (const connection of connections) {
      if (toAsk === 0) break;
      toAsk--;
      unanswered++;
      connection.ask();
    }
    return new Promise((resolve) => {
      onIdle = resolve;
    });
  }

  function askAgain(connection: MemoryConnection): void {
    if (toAsk > 0) {
      toAsk--;
      connection.ask();
    } else if (--unanswered === 0) {
      onIdle?.();
    }
  }

  answerParent({
    window: async (details) => {
      const name = String(details.name);
      const variant = variants.get(name);
      if (variant === undefined) throw new Error(`unknown variant ${name}`);
      current = variant.listener;
      requests = 0;
      const start = process.cpuUsage();
      await serve(Number(details.requests));
      await variant.flush();
      const { user, system } = process.cpuUsage(start);
      served.set(name, (served.get(name) ?? 0) + requests);
      return { cpuMicros: user + system, requests };
    },
    served: ({ name }) => ({ requests: served.get(String(name)) ?? 0 }),
  });
}
