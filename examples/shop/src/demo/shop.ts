// Starts everything the shop needs, in the order in which the parts need each other, and ends it in reverse.
import { createServer } from 'node:net';

import { startKafka, startPostgres } from '@clew/testkit/engines';

import { type Backend, openBackend } from './backend.ts';
import { LogLines } from './log-lines.ts';
import { type Env, type ServiceProcess, startService } from './processes.ts';

const GATEWAY_PORT = 3000;

/** The running shop. */
export interface Shop {
  gatewayUrl: string;
  backend: Backend;
  logs: LogLines;
  close: () => Promise<void>;
}

/**
 * Start engines, backend and the four services.
 *
 * @param options.once  nobody will look at it: any free ports do
 * @param options.ended  a service ended though nobody asked it to
 * @throws Error in one sentence when a part does not start
 */
export async function startShop(options: { once: boolean; ended: (what: string) => void }): Promise<Shop> {
  const services: ServiceProcess[] = [];
  const parts: { close: () => Promise<void> }[] = [];
  const close = async () => {
    // The services say goodbye to the engines and send their last spans, so they go first.
    for (const group of [services, parts]) await Promise.all(group.splice(0).map((part) => part.close()));
  };
  // Asked first: a port that cannot be had is known before the engines have started.
  const port = await gatewayPort(options.once);
  try {
    const [postgres, kafka, backend] = await Promise.all([startPostgres(), startKafka(), openBackend(options)]);
    parts.push(postgres, kafka, backend);
    const logs = new LogLines(backend.logsUrl);
    const env: Env = {
      DATABASE_URL: postgres.connectionString,
      KAFKA_BROKERS: kafka.brokers.join(','),
      // Spans are shown as they come; the default of 5 s is for production.
      OTEL_BSP_SCHEDULE_DELAY: process.env.OTEL_BSP_SCHEDULE_DELAY ?? '200',
      ...backend.env,
    };
    const start = async (name: string, more: Env) => {
      const listener = { logLine: (line: string) => logs.add(line), ended: options.ended };
      const service = await startService(name, { ...env, ...more }, listener);
      services.push(service);
      return service.url ?? '';
    };

    const behindPayments = start('payments', { PORT: '0' }).then((url) => start('fulfilment', { PAYMENTS_URL: url }));
    const ordersUrl = await start('orders', { PORT: '0' });
    const gatewayUrl = await start('gateway', { PORT: port, ORDERS_URL: ordersUrl });
    await behindPayments;
    return { gatewayUrl, backend, logs, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** The port that the user wants, else the usual one, else any: a second shop, or a demo of something else, may run. */
async function gatewayPort(once: boolean): Promise<string> {
  const wanted = process.env.PORT;
  if (wanted) {
    const fault = await portFault(Number(wanted));
    if (fault) throw new Error(`Port ${wanted}, which PORT names for the gateway, ${fault}.`);
    return wanted;
  }
  if (once) return '0';
  const fault = await portFault(GATEWAY_PORT);
  if (!fault) return String(GATEWAY_PORT);
  console.log(`Port ${GATEWAY_PORT} ${fault}, so the gateway listens on another one; PORT sets it.`);
  return '0';
}

/** What is wrong with a port, or nothing. */
function portFault(port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', ({ code }: NodeJS.ErrnoException) => {
      resolve(code === 'EADDRINUSE' ? 'is taken' : `cannot be used (${code})`);
    });
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(undefined)));
  });
}
