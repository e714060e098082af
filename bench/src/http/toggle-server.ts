// The measured process of --toggle: toggle-server.ts <framework> <variant,variant…> <sink URL>
// All variants live in it, and one of them answers at a time: what differs between two processes
// (where code and heap came to lie) is the same for all of them then.
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';

import { answerParent } from '../child.ts';
import { expressApp, fastifyApp, makeUser } from './apps.ts';
import { settle } from './settle.ts';
import { type Framework, VARIANTS, type Variant } from './variant.ts';

interface Toggled {
  readonly variant: Variant;
  readonly listener: RequestListener;
}

const [framework = '', names = '', sinkUrl = ''] = process.argv.slice(2);
const toggled = new Map<string, Toggled>();
for (const name of names.split(',')) toggled.set(name, await load(name));

const requests = new Map<string, number>();
let [current = ''] = toggled.keys();
let served = 0;
let listener = find(current).listener;
let cpu = process.cpuUsage();

const server = createServer((request, response) => listener(request, response)).listen(0, '127.0.0.1');
await once(server, 'listening');

answerParent({
  address: () => ({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }), // AddressInfo: it listens on TCP.
  begin: async ({ variant: name }) => {
    keepCount();
    current = String(name);
    served = requests.get(current) ?? 0;
    listener = find(current).listener;
    await settle(find(current).variant);
    cpu = process.cpuUsage();
    return { requests: served };
  },
  end: async ({ variant: name }) => {
    keepCount();
    await settle(find(String(name)).variant);
    const { user, system } = process.cpuUsage(cpu);
    return { cpuMicros: user + system, requests: requests.get(String(name)) ?? 0, rssBytes: process.memoryUsage.rss() };
  },
});

function keepCount(): void {
  requests.set(current, served);
}

function find(name: string): Toggled {
  const found = toggled.get(name);
  if (found === undefined) throw new Error(`unknown variant ${name}`);
  return found;
}

async function load(name: string): Promise<Toggled> {
  const variant = await VARIANTS[name]?.({
    framework: framework as Framework, // The parent takes it from the list of frameworks.
    endpoint: `${sinkUrl}/${name}`,
    isAlone: false,
  });
  if (variant === undefined) throw new Error(`unknown variant ${name}`);
  if (framework === 'express') return { variant, listener: expressApp(variant, findUser) };
  const app = await fastifyApp(variant, findUser);
  await app.ready();
  return { variant, listener: (request, response) => app.routing(request, response) };
}

function findUser(id: string): object {
  served++;
  return makeUser(id);
}
