// Runs every cell of one Node.js and one undici, and prints what came of each. Plain JavaScript: Node.js 20 loads nothing
// else.
//
//   node cells.mjs undici-7
import { createServer } from 'node:http';
import { once } from 'node:events';
import { startTracing } from '@clew/core';
import { InMemorySpanExporter } from '@clew/core/testing';
import { traceFetch, traceUndici, tracingInterceptor } from '@clew/undici';

// Touching it loads the built-in undici before the one from npm, as in a program whose first request comes early.
const builtInFetch = globalThis.fetch;
const GLOBAL_DISPATCHERS = ['undici.globalDispatcher.1', 'undici.globalDispatcher.2'].map(Symbol.for);

const memory = new InMemorySpanExporter();
const tracing = startTracing({ serviceName: 'matrix', exporter: memory });
const received = [];
const server = createServer((request, response) => {
  received.push(request.headersDistinct.traceparent ?? []);
  response.setHeader('connection', 'close').end('ok');
}).listen(0, '127.0.0.1');
await once(server, 'listening');
const url = `http://127.0.0.1:${server.address().port}/`;

const undici = await import(process.argv[2]);

/** How the request leaves; each gets a dispatcher, and a fetch that may be wrapped. */
const ROUTES = {
  'built-in fetch, dispatcher option': async (dispatcher, wrap) =>
    (await wrap(builtInFetch)(url, { dispatcher })).text(),
  'built-in fetch, setGlobalDispatcher': async (dispatcher, wrap) => {
    const before = GLOBAL_DISPATCHERS.map((key) => globalThis[key]);
    undici.setGlobalDispatcher(dispatcher);
    try {
      return await (await wrap(builtInFetch)(url)).text();
    } finally {
      GLOBAL_DISPATCHERS.forEach((key, i) => {
        if (globalThis[key] !== before[i]) globalThis[key] = before[i];
      });
    }
  },
  'its own fetch': async (dispatcher, wrap) => (await wrap(undici.fetch)(url, { dispatcher })).text(),
  'its own request': async (dispatcher) => (await undici.request(url, { dispatcher })).body.text(),
};

const WAYS = {
  none: [],
  wrapper: ['wrapper'],
  interceptor: ['interceptor'],
  channels: ['channels'],
  'all three': ['wrapper', 'interceptor', 'channels'],
};

const cells = [];
for (const [route, send] of Object.entries(ROUTES)) {
  let withoutUs;
  for (const [way, on] of Object.entries(WAYS)) {
    if (route === 'its own request' && way === 'wrapper') continue;
    const agent = new undici.Agent();
    const dispatcher = on.includes('interceptor') ? agent.compose(tracingInterceptor()) : agent;
    const stop = on.includes('channels') ? traceUndici() : () => {};
    received.length = 0;
    const result = await send(dispatcher, on.includes('wrapper') ? traceFetch : (fetch) => fetch).catch(describe);
    stop();
    // Destroyed, not closed: where a request has failed, an old undici may wait for it for ever.
    await agent.destroy();
    if (way === 'none') withoutUs = result;
    else cells.push({ route, way, outcome: await outcomeOf(result, withoutUs) });
  }
}
await tracing.shutdown();
server.closeAllConnections();
server.close();
console.log(JSON.stringify(cells));

function describe(error) {
  return `${error} (${error.cause})`;
}

async function outcomeOf(result, withoutUs) {
  if (result !== withoutUs) return `differs: ${result} instead of ${withoutUs}`;
  await tracing.forceFlush();
  const spans = memory.getFinishedSpans();
  memory.reset();
  const errors = spans.filter(({ status }) => status.code === 2).length;
  if (result !== 'ok') {
    if (received.length > 0) return `sent ${received.length} requests before it failed`;
    return spans.length === errors ? `fails as without us, ${spans.length} span` : 'fails, and a span does not say so';
  }
  const sent = spans.map((span) => `00-${span.spanContext().traceId}-${span.spanContext().spanId}-03`);
  if (errors > 0) return 'a span has an error';
  if (JSON.stringify(received) !== JSON.stringify(sent.length === 0 ? [[]] : [sent]))
    return `sent ${received}, not ${sent}`;
  return `${spans.length} span`;
}
