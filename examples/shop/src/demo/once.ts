// Places one order and shows everything that it left behind; names what is missing.
import { setTimeout as sleep } from 'node:timers/promises';

import { missingLegs } from './legs.ts';
import type { LogLine } from './log-lines.ts';
import type { Shop } from './shop.ts';
import { type ReadSpan, readTrace } from './trace-reader.ts';
import { waterfall } from './waterfall.ts';

const TIER = 'gold';
const SERVICES = ['gateway', 'orders', 'fulfilment', 'payments'];

/** A whole trace takes a second; a Collector that samples at the tail holds it back for some more. */
const DEADLINE_MS = 30_000;
const POLL_MS = 100;

interface Outcome {
  spans: ReadSpan[];
  logLines: LogLine[];
  exemplar: string | undefined;
  missing: string[];
}

/**
 * Place one order, print its waterfall, its log lines and its exemplar.
 *
 * @returns what is missing in the trace, in the log or in the metrics; empty when everything is there
 */
export async function placeOneOrder(shop: Shop): Promise<string[]> {
  const response = await fetch(`${shop.gatewayUrl}/orders`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-customer-tier': TIER },
    body: JSON.stringify({ sku: 'teapot', quantity: 2 }),
  });
  const answer = await response.text();
  if (response.status !== 201) return [`the order itself: the gateway answered ${response.status} ${answer}`];
  const traceId = response.headers.get('x-trace-id');
  if (!traceId) return ['the trace id in the answer of the gateway'];

  const outcome = await collect(shop, traceId);
  print(traceId, answer, outcome);
  return outcome.missing;
}

/** Spans and log lines arrive when they arrive: ask until nothing is missing, or the deadline is over. */
async function collect(shop: Shop, traceId: string): Promise<Outcome> {
  const deadline = Date.now() + DEADLINE_MS;
  for (;;) {
    const spans = shop.backend.queryUrl === undefined ? [] : await readTrace(shop.backend.queryUrl, traceId);
    const logLines = shop.logs.ofTrace(traceId);
    const exemplar = await readExemplar(shop.gatewayUrl, traceId);
    const missing = [...missingLegs(spans), ...missingLogLines(logLines)];
    if (exemplar === undefined) missing.push('the exemplar of the gateway');
    if (missing.length === 0 || Date.now() > deadline) return { spans, logLines, exemplar, missing };
    await sleep(POLL_MS);
  }
}

function missingLogLines(lines: LogLine[]): string[] {
  const silent = SERVICES.filter((service) => !lines.some((line) => line.name === service));
  const missing = silent.map((service) => `a log line of ${service}`);
  // Known there only by the baggage that the gateway set.
  const knowsTier = lines.some((line) => line.name === 'fulfilment' && line.tier === TIER);
  return knowsTier ? missing : [...missing, "the customer's tier in fulfilment"];
}

/** The bucket whose exemplar is this trace. Exemplars exist in the OpenMetrics format only. */
async function readExemplar(gatewayUrl: string, traceId: string): Promise<string | undefined> {
  const response = await fetch(`${gatewayUrl}/metrics`, { headers: { accept: 'application/openmetrics-text' } });
  const lines = (await response.text()).split('\n');
  return lines.find(
    (line) => line.includes('_bucket{') && line.includes(`# {`) && line.includes(`trace_id="${traceId}"`),
  );
}

function print(traceId: string, order: string, { spans, logLines, exemplar }: Outcome): void {
  const services = new Set(spans.map((span) => span.service));
  console.log(`Order placed: ${order}\n`);
  console.log(`Trace ${traceId}: ${spans.length} spans in ${services.size} services`);
  for (const line of waterfall(spans)) console.log(`  ${line}`);
  console.log('\nLog lines with this trace id');
  for (const { name, span_id, msg, tier } of logLines) {
    console.log(`  ${name.padEnd(10)}  span ${span_id}  ${msg}${tier === undefined ? '' : `, customer.tier ${tier}`}`);
  }
  console.log('\nExemplar in the metrics of the gateway');
  console.log(`  ${exemplar ?? 'none'}\n`);
}
