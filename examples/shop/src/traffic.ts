// traffic: customers. Light and varied requests to the gateway until the process ends.
import { setTimeout as sleep } from 'node:timers/promises';

const PAUSE_MS = 500;

/** What customers do, each as often as it stands here. */
const REQUESTS: [method: string, path: string, body?: object][] = [
  ['POST', '/orders', { sku: 'teapot', quantity: 1 }],
  ['GET', '/orders'],
  ['POST', '/orders', { sku: 'teapot', quantity: 3 }],
  ['GET', '/orders/last'],
  ['POST', '/orders', { sku: 'harp' }],
  ['GET', '/orders/last'],
  ['POST', '/orders', { sku: 'glass-harp' }],
  ['GET', '/reports/sales'],
  ['POST', '/orders', { sku: 'teapot', quantity: 2 }],
  ['GET', '/reports/returns'],
  ['GET', '/orders/00000000-0000-0000-0000-000000000000'],
];

/** Send requests to the gateway, one after the other, for good. A gateway that does not answer is asked again later. */
export async function sendTraffic(gatewayUrl: string): Promise<never> {
  let lastOrder = 'none';
  for (let round = 0; ; round++) {
    const [method, path, body] = REQUESTS[round % REQUESTS.length] ?? ['GET', '/orders'];
    const url = gatewayUrl + path.replace('last', lastOrder);
    const tier = round % 3 === 0 ? 'gold' : 'standard';
    const headers = { 'content-type': 'application/json', 'x-customer-tier': tier };
    const answer = await fetch(url, { method, headers, ...(body && { body: JSON.stringify(body) }) })
      .then((response) => response.json() as Promise<{ id?: string }>)
      .catch(() => undefined);
    if (method === 'POST' && answer?.id) lastOrder = answer.id;
    await sleep(PAUSE_MS);
  }
}

if (import.meta.main) await sendTraffic(process.env.GATEWAY_URL ?? 'http://127.0.0.1:3000');
