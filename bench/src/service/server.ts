// The measured process: server.ts <framework> <variant> <sink URL> <target URL> <database URL>
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

import { answerParent } from '../child.ts';
import { settle } from '../http/settle.ts';
import type { Framework } from '../http/variant.ts';
import { serviceApp } from './app.ts';
import { SERVICE_VARIANTS } from './variant.ts';

const [framework = '', name = '', sinkUrl = '', targetUrl = '', databaseUrl = ''] = process.argv.slice(2);
const variant = await SERVICE_VARIANTS[name]?.({
  framework: framework as Framework, // The parent takes it from the list of frameworks.
  endpoint: `${sinkUrl}/${name}`,
});
if (variant === undefined) throw new Error(`unknown variant ${name}`);
const listener = await serviceApp(framework as Framework, variant, { targetUrl, databaseUrl });

let requests = 0;
let cpu = process.cpuUsage();
const server = createServer((request, response) => {
  requests++;
  listener(request, response);
}).listen(0, '127.0.0.1');
await once(server, 'listening');

answerParent({
  address: () => ({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }), // AddressInfo: it listens on TCP.
  begin: async () => {
    await settle(variant);
    cpu = process.cpuUsage();
    return { requests };
  },
  end: async () => {
    await settle(variant);
    const { user, system } = process.cpuUsage(cpu);
    return { cpuMicros: user + system, requests, rssBytes: process.memoryUsage.rss() };
  },
});
