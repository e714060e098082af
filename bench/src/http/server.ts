// The measured process: server.ts <framework> <variant> <sink URL>
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';

import { answerParent } from '../child.ts';
import { expressApp, fastifyApp, makeUser } from './apps.ts';
import { settle } from './settle.ts';
import { type Framework, VARIANTS } from './variant.ts';

let requests = 0;
let cpu = process.cpuUsage();

const [framework = '', name = '', sinkUrl = ''] = process.argv.slice(2);
const variant = await VARIANTS[name]?.({
  framework: framework as Framework, // The parent takes it from the list of frameworks.
  endpoint: `${sinkUrl}/${name}`,
  isAlone: true,
});
if (variant === undefined) throw new Error(`unknown variant ${name}`);
const server =
  framework === 'express'
    ? expressApp(variant, findUser).listen(0, '127.0.0.1')
    : (await listening(await fastifyApp(variant, findUser))).server;
if (!server.listening) await once(server, 'listening');

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

function findUser(id: string): object {
  requests++;
  return makeUser(id);
}

async function listening<T extends { listen(options: object): Promise<string> }>(app: T): Promise<T> {
  await app.listen({ port: 0, host: '127.0.0.1' });
  return app;
}
