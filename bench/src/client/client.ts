// The measured process: client.ts <client> <variant> <sink URL> <target URL>
import { answerParent } from '../child.ts';
import { settle } from '../http/settle.ts';
import { CLIENT_VARIANTS, type ClientName } from './variant.ts';

const [name = '', variantName = '', sinkUrl = '', targetUrl = ''] = process.argv.slice(2);
const client = await CLIENT_VARIANTS[variantName]?.({
  client: name as ClientName, // The parent takes it from the list of clients.
  endpoint: `${sinkUrl}/${name}-${variantName}`,
});
if (client === undefined) throw new Error(`unknown variant ${variantName}`);
const { send } = client;

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
    await send(`${targetUrl}/users/${requests++}`);
  }
}
