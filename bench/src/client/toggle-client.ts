// The measured process of --toggle: toggle-client.ts <client> <variant,variant…> <sink URL>
// All variants live in it, and one of them makes requests at a time: what differs between two processes
// (where code and heap came to lie) is the same for all of them then. The server is in memory.
import type { Agent } from 'undici';

import { answerParent } from '../child.ts';
import { connectInMemory } from './memory-target.ts';
import { type Client, CLIENT_VARIANTS, type ClientName, type Transport } from './variant.ts';

interface Toggled {
  readonly client: Client;
  requests: number;
}

const CONNECTIONS = 8;
// Where the built-in fetch looks its dispatcher up, by its version.
const GLOBAL_DISPATCHERS = [1, 2].map((version) => Symbol.for(`undici.globalDispatcher.${version}`));
// What is called back with is a stream, not a socket; undici needs no more.
const OPTIONS: Agent.Options = { connect: connectInMemory as never };

const [name = '', names = '', sinkUrl = ''] = process.argv.slice(2);
const transport = await transportOf(name as ClientName); // The parent takes it from the list of clients.
const toggled = new Map<string, Toggled>();
for (const variant of names.split(',')) {
  const client = await CLIENT_VARIANTS[variant]?.(transport, `${sinkUrl}/${name}-${variant}`);
  if (client === undefined) throw new Error(`unknown variant ${variant}`);
  toggled.set(variant, { client, requests: 0 });
}

let nextId = 0;
let listening: Toggled | undefined;
let stopListening: (() => void) | undefined;

answerParent({
  window: async ({ name: variant, requests }) => {
    const one = toggled.get(String(variant));
    if (one === undefined) throw new Error(`unknown variant ${String(variant)}`);
    const { client } = one;
    if (one !== listening) {
      stopListening?.();
      stopListening = client.listen?.();
      listening = one;
    }
    const start = process.cpuUsage();
    const first = nextId;
    const last = first + Number(requests);
    await Promise.all(Array.from({ length: CONNECTIONS }, () => sendUntil(client, last)));
    await client.flush();
    const { user, system } = process.cpuUsage(start);
    const sent = nextId - first;
    one.requests += sent;
    return { cpuMicros: user + system, requests: sent };
  },
  total: ({ name: variant }) => ({ requests: toggled.get(String(variant))?.requests ?? 0 }),
});

async function sendUntil({ send }: Client, last: number): Promise<void> {
  while (nextId < last) await send(`http://shop.example.org:8080/users/${nextId++}`);
}

async function transportOf(client: ClientName): Promise<Transport> {
  if (client !== 'fetch') return { client, dispatcher: new (await import('undici')).Agent(OPTIONS) };
  // Reading one of its classes loads the built-in fetch, which leaves its dispatcher where others can replace it.
  if (typeof Response !== 'function') throw new Error('there is no built-in fetch');
  const known = globalThis as Record<symbol, object | undefined>;
  const replaced = GLOBAL_DISPATCHERS.filter((symbol) => known[symbol]?.constructor.name === 'Agent');
  if (replaced.length === 0) throw new Error('the dispatcher of the built-in fetch was not found');
  for (const symbol of replaced) {
    const BuiltInAgent = known[symbol]?.constructor as typeof Agent; // The class of the same name.
    known[symbol] = new BuiltInAgent(OPTIONS);
  }
  return { client };
}
