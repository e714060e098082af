// What only the built-in undici of each Node.js can show: redirects of its fetch, and its WebSocket. Plain JavaScript:
// Node.js 20 loads nothing else.
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { startTracing, withSpan } from '@clew/core';
import { InMemorySpanExporter } from '@clew/core/testing';
import { traceFetch, traceUndici } from '@clew/undici';

const memory = new InMemorySpanExporter();
const tracing = startTracing({ serviceName: 'built-in', exporter: memory });

const received = [];
const server = createServer((request, response) => {
  received.push([request.headers.host.split(':')[0], request.headers.traceparent !== undefined]);
  response.setHeader('connection', 'close');
  if (request.url === '/moved') {
    const host = request.headers.host.replace('127.0.0.1', 'localhost');
    response.writeHead(302, { location: `http://${host}/end` });
  }
  response.end();
}).listen(0);
server.on('upgrade', (request, socket) => {
  const key = `${request.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`;
  const accept = createHash('sha1').update(key).digest('base64');
  socket.write(
    'HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n' +
      `sec-websocket-accept: ${accept}\r\n\r\n`,
  );
});
await once(server, 'listening');
const { port } = server.address();
const url = `http://127.0.0.1:${port}/moved`;

async function takeSpans() {
  await tracing.forceFlush();
  const spans = memory.getFinishedSpans();
  memory.reset();
  return spans.map(({ name, attributes, parentSpanContext }) => [
    name,
    attributes['http.response.status_code'],
    attributes['http.request.resend_count'],
    parentSpanContext === undefined ? 'root' : 'child',
  ]);
}

const result = {};
await withSpan('caller', () => traceFetch(fetch, { propagateTo: ['127.0.0.1'] })(url));
result.byWrapper = { received: received.splice(0), spans: await takeSpans() };

const stop = traceUndici({ propagateTo: ['127.0.0.1'] });
await withSpan('caller', () => fetch(url));
result.byChannels = { received: received.splice(0), spans: await takeSpans() };

if (typeof WebSocket === 'function') {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/`);
  await once(socket, 'open');
  result.webSocket = await takeSpans();
}
stop();
await tracing.shutdown();
console.log(JSON.stringify(result));
process.exit(0);
