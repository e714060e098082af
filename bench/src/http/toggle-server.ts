// The measured process of --toggle: toggle-server.ts <framework> <variant,variant…> <sink URL>
// All variants live in it, and one of them answers at a time: what differs between two processes
// (where code and heap came to lie) is the same for all of them then.
import { createServer, type RequestListener } from 'node:http';

import { answerParent } from '../child.ts';
import { expressApp, fastifyApp, makeUser } from './apps.ts';
import { MemoryConnection } from './memory-connection.ts';
import { type Framework, VARIANTS, type Variant } from './variant.ts';

interface Toggled {
  readonly variant: Variant;
  readonly listener: RequestListener;
  served: number;
}

const [framework = '', names = '', sinkUrl = ''] = process.argv.slice(2);
const toggled = new Map<string, Toggled>();
for (const name of names.split(',')) toggled.set(name, await load(name));

let [current] = toggled.values();
let toAsk = 0;
let unanswered = 0;
let onIdle: (() => void) | undefined;
const server = createServer((request, response) => current?.listener(request, response));
const connections = Array.from({ length: 8 }, () => new MemoryConnection(server, askAgain));

answerParent({
  window: async ({ name, requests }) => {
    current = toggled.get(String(name));
    if (current === undefined) throw new Error(`unknown variant ${String(name)}`);
    const before = current.served;
    const start = process.cpuUsage();
    await serve(Number(requests));
    await current.variant.flush();
    const { user, system } = process.cpuUsage(start);
    return { cpuMicros: user + system, requests: current.served - before };
  },
  served: ({ name }) => ({ requests: toggled.get(String(name))?.served ?? 0 }),
});

function serve(requests: number): Promise<void> {
  toAsk = requests;
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

async function load(name: string): Promise<Toggled> {
  const variant = await VARIANTS[name]?.({
    framework: framework as Framework, // The parent takes it from the list of frameworks.
    endpoint: `${sinkUrl}/${name}`,
    isAlone: false,
  });
  if (variant === undefined) throw new Error(`unknown variant ${name}`);
  const findUser = (id: string): object => {
    one.served++;
    return makeUser(id);
  };
  const one: Toggled = { variant, listener: await listenerOf(variant, findUser), served: 0 };
  return one;
}

async function listenerOf(variant: Variant, findUser: (id: string) => object): Promise<RequestListener> {
  if (framework === 'express') return expressApp(variant, findUser);
  const app = await fastifyApp(variant, findUser);
  await app.ready();
  return (request, response) => app.routing(request, response);
}
