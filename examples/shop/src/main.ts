// Runs the whole shop: with light traffic until Ctrl-C, or with `--once` for one order that is shown and checked.
import { parseArgs } from 'node:util';

import { placeOneOrder } from './demo/once.ts';
import { type Shop, startShop } from './demo/shop.ts';
import { sendTraffic } from './traffic.ts';

const USAGE = `Usage: npm start -- [--once]

  --once   place one order, show its trace, log lines and exemplar, exit with 0 when nothing is missing, else with 1

  PORT                          port of the gateway (3000, or any free one when that is taken)
  DATABASE_URL, KAFKA_BROKERS   use these instead of embedded engines
  OTEL_EXPORTER_OTLP_ENDPOINT   send traces there instead of to the embedded viewer
  JAEGER_QUERY_URL              where --once reads the trace again when it was sent elsewhere`;

const IMPATIENT_AFTER_MS = 1_000;

const once = parseOnce();
let shop: Shop | undefined;
let ending = false;
let askedMs: number | undefined;

/** Close what was started, once, and exit. */
async function end(code: number): Promise<never> {
  ending = true;
  await shop?.close().catch(() => {});
  process.exit(code);
}

/** npm passes on a signal that the terminal has sent to all of us: a second one means impatience only when it is later. */
function stop(): void {
  askedMs ??= performance.now();
  // An order that was not looked at to the end is not whole.
  if (!ending) void end(once ? 1 : 0);
  else if (performance.now() - askedMs > IMPATIENT_AFTER_MS) process.exit(1);
}

async function run(): Promise<void> {
  const ended = (what: string) => {
    if (ending) return;
    console.error(what);
    void end(1);
  };
  shop = await startShop({ once, ended });
  if (once) {
    const missing = await placeOneOrder(shop);
    console.log(missing.length === 0 ? 'Nothing is missing.' : `Missing: ${missing.join('; ')}.`);
    await end(missing.length === 0 ? 0 : 1);
  }
  welcome(shop);
  await sendTraffic(shop.gatewayUrl);
}

function welcome({ backend, gatewayUrl }: Shop): void {
  const endpoint = process.env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT ?? process.env.OTEL_EXPORTER_OTLP_ENDPOINT;
  console.log(`
The shop is open, and light traffic runs through it.

  Traces   ${backend.page ?? `are sent to ${endpoint}`}
  Gateway  ${gatewayUrl}

  Order    curl -i -X POST ${gatewayUrl}/orders -H 'content-type: application/json' -d '{"sku":"teapot"}'
  Slow     the same with "harp", or curl ${gatewayUrl}/reports/sales
  Failing  the same with "glass-harp", or curl ${gatewayUrl}/reports/returns
  N+1      curl ${gatewayUrl}/orders
  Metrics  curl -H 'accept: application/openmetrics-text' ${gatewayUrl}/metrics

Ctrl-C ends it.`);
}

function parseOnce(): boolean {
  try {
    return parseArgs({ options: { once: { type: 'boolean', default: false } } }).values.once;
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${USAGE}`);
    process.exit(2);
  }
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, stop);
// Whoever started us with a channel to us is gone: there is nobody left to stop the shop.
process.on('disconnect', stop);
run().catch((error: Error) => {
  // What is being closed fails, which is no news.
  if (ending) return;
  console.error(error.message);
  return end(1);
});
