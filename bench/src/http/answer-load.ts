import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';

import { answerParent } from '../child.ts';
import { type Flushed, settle } from './settle.ts';

/** Answer the parent's questions about a server that is listening: where it is, and what a window of load has cost. */
export function answerLoad(server: Server, variant: Flushed, countRequests: () => number): void {
  let cpu = process.cpuUsage();
  answerParent({
    address: () => ({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }), // AddressInfo: it listens on TCP.
    begin: async () => {
      await settle(variant);
      cpu = process.cpuUsage();
      return { requests: countRequests() };
    },
    end: async () => {
      await settle(variant);
      const { user, system } = process.cpuUsage(cpu);
      return { cpuMicros: user + system, requests: countRequests(), rssBytes: process.memoryUsage.rss() };
    },
  });
}
