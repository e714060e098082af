// The measured process: client.ts <client> <variant> <sink URL> <target URL>
import { answerParent } from '../child.ts';
import { settle } from '../http/settle.ts';
import { CLIENT_VARIANTS, type ClientName, type Transport } from './variant.ts';

const [name = '', variant = '', sinkUrl = '', targetUrl = ''] = process.argv.slice(2);
const start = CLIENT_VARIANTS[variant];
if (start === undefined) throw new Error(`unknown variant ${variant}`);
const client = await start(await transportOf(name as ClientName), `${sinkUrl}/${name}-${variant}`); // From the list of clients.
client.listen?.();

let requests = 0;

answerParent({
  /** Make requests for some seconds, over some connections at once. */
  load: async ({ seconds, connections }) => {
    await settle(client);
    const before = requests;
    const cpu = process.cpuUsage();
    const endMs = performance.now() + Number(seconds) * 1000;
    await Promise.all(Array.from({ length: Number(connections) }, () => sendUntil(endMs)));
    await settle(client);
    const { user, system } = process.cpuUsage(cpu);
    return { cpuMicros: user + system, requests: requests - before };
  },
  total: () => ({ requests }),
});

async function sendUntil(endMs: number): Promise<void> {
  while (performance.now() < endMs) {
    // Ids change, so that nobody can win by keeping what belongs to one URL.
    await client.send(`${targetUrl}/users/${requests++}`);
  }
}

async function transportOf(client: ClientName): Promise<Transport> {
  if (client === 'fetch') return { client };
  const { Agent } = await import('undici');
  return { client, dispatcher: new Agent() };
}
