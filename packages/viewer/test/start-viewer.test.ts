/** startViewer: ports, options, waiting, and what is left after close. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { type TestContext, test } from 'node:test';

import { startViewer, type ViewerOptions } from '../src/index.ts';
import { listen } from '../src/listen.ts';
import { OTHER_TRACE, post, request, send, spanId, TRACE, testViewer } from './sending.ts';

async function takenPort(t: TestContext): Promise<number> {
  const server: Server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  return (server.address() as AddressInfo).port;
}

/** A port that was free a moment ago. */
async function freePort(): Promise<number> {
  const viewer = await startViewer({ port: 0, otlpPort: 0 });
  await viewer.close();
  return Number(new URL(viewer.url).port);
}

test('a port that was given and is taken rejects with the code of the system', async (t) => {
  const port = await takenPort(t);
  const message = `cannot listen on 127.0.0.1 port ${port} (page and query API): another program has it; give another port, or 0 for any free one`;
  await assert.rejects(startViewer({ port, otlpPort: 0 }), { name: 'ViewerError', code: 'EADDRINUSE', message });
});

test('when the second port cannot be had, the first is given back', async (t) => {
  const otlpPort = await takenPort(t);
  const port = await freePort();
  await assert.rejects(startViewer({ port, otlpPort }), { code: 'EADDRINUSE' });
  await testViewer(t, { port });
});

test('a default port that is taken gives way to the next free one, with one line on stderr', async (t) => {
  const port = await takenPort(t);
  const written: string[] = [];
  t.mock.method(process.stderr, 'write', (text: string) => written.push(text) > 0);
  const server = await listen(
    () => {},
    { port, isDefault: true },
    { host: '127.0.0.1', unref: false, purpose: 'page' },
  );
  t.after(() => server.close());
  const used = (server.address() as AddressInfo).port;
  assert.ok(used > port && used <= port + 50, `${used} for ${port}`);
  assert.deepEqual(written, [`clew-viewer: port ${port} (page) is taken, using ${used}\n`]);
});

test('one port for both is one server', async (t) => {
  const port = await freePort();
  const viewer = await testViewer(t, { port, otlpPort: port });
  assert.equal(viewer.url, viewer.otlpUrl);
  assert.equal((await send(viewer, {})).status, 200);
});

const WRONG: ReadonlyArray<readonly [unknown, string]> = [
  [{ prot: 1 }, 'unknown option "prot"; did you mean "port"?'],
  [{ maxspans: 1 }, 'unknown option "maxspans"; did you mean "maxSpans"?'],
  [{ port: -1 }, 'port must be 0 to 65535, got -1'],
  [{ port: 65536 }, 'port must be 0 to 65535, got 65536'],
  [{ otlpPort: '4318' }, 'otlpPort must be 0 to 65535, got "4318"'],
  [{ maxSpans: 0 }, 'maxSpans must be a whole number, 1 or more, got 0'],
  [{ maxSpans: 1.5 }, 'maxSpans must be a whole number, 1 or more, got 1.5'],
  [{ host: '' }, 'host must be an address or a name, got ""'],
  [{ host: '0.0.0.0' }, 'host 0.0.0.0 can be reached from other machines, so a token is needed'],
  [{ token: '' }, 'token must be a text that is not empty, got ""'],
  [{ allowHosts: 'a' }, 'allowHosts must be a list of names, got "a"'],
  [{ unref: 1 }, 'unref must be true or false, got 1'],
];
for (const [options, message] of WRONG) {
  test(`options ${JSON.stringify(options)} are refused`, async () => {
    await assert.rejects(startViewer(options as ViewerOptions), { code: 'CLEW_ERR_OPTION', message });
  });
}

test('waitForTrace resolves as soon as spans and services are there', async (t) => {
  const viewer = await testViewer(t);
  const waiting = viewer.waitForTrace(TRACE.toUpperCase(), { spans: 3, services: ['shop', 'db'] });
  await send(viewer, { traceId: OTHER_TRACE, service: 'db' }, { service: 'shop' }, { service: 'shop' });
  await send(viewer, { spanId: 'aaaaaaaaaaaaaaaa', service: 'db', parentSpanId: spanId(2) });
  const trace = await waiting;
  assert.equal(trace.traceId, TRACE);
  assert.deepEqual(trace.services, ['db', 'shop']);
  assert.equal(trace.spans.length, 3);
  assert.equal(trace.spans.find(({ service }) => service === 'db')?.parentSpanId, spanId(2));
});

test('waitForTrace tells what is missing when the time is over', async (t) => {
  const viewer = await testViewer(t);
  await assert.rejects(viewer.waitForTrace(TRACE, { timeoutMs: 0 }), {
    code: 'CLEW_ERR_TIMEOUT',
    message: `trace ${TRACE} has not arrived after 0 ms`,
  });
  await send(viewer, {});
  await assert.rejects(viewer.waitForTrace(TRACE, { spans: 2, services: ['shop', 'db'], timeoutMs: 0 }), {
    code: 'CLEW_ERR_TIMEOUT',
    message: `trace ${TRACE} has 1 of 2 spans, from shop, none from db, after 0 ms`,
  });
});

test('waitForTrace refuses an id that is none', async (t) => {
  const viewer = await testViewer(t);
  await assert.rejects(viewer.waitForTrace('abc'), {
    code: 'CLEW_ERR_OPTION',
    message: 'traceId must be 32 hex digits, got "abc"',
  });
  await assert.rejects(viewer.waitForTrace(TRACE, { spans: 0 }), { code: 'CLEW_ERR_OPTION' });
});

test('a wait that is left at close rejects', async () => {
  const viewer = await startViewer({ port: 0, otlpPort: 0 });
  const waiting = assert.rejects(viewer.waitForTrace(TRACE, { timeoutMs: 60_000 }), { code: 'CLEW_ERR_CLOSED' });
  await viewer.close();
  await waiting;
});

test('flush waits for a request whose body is still on its way', async (t) => {
  const viewer = await testViewer(t);
  const body = JSON.stringify(request({}));
  const { port } = new URL(viewer.otlpUrl);
  const socket = connect(Number(port), '127.0.0.1');
  t.after(() => socket.destroy());
  await new Promise((resolve) => socket.once('connect', resolve));
  const head = `POST /v1/traces HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\nexpect: 100-continue\r\n\r\n`;
  // The interim answer says that the request has reached the viewer.
  const isReceived = new Promise((resolve) => socket.once('data', resolve));
  socket.write(head);
  await isReceived;
  const order: string[] = [];
  const flushed = viewer.flush().then(() => order.push('flushed'));
  await send(viewer, { traceId: OTHER_TRACE });
  order.push('other request done');
  socket.write(body);
  await flushed;
  assert.deepEqual(order, ['other request done', 'flushed']);
  assert.equal((await viewer.traces()).length, 2);
});

test('clear forgets traces, lines and counts', async (t) => {
  const viewer = await testViewer(t);
  await send(viewer, {}, { spanId: '00' });
  await post(`${viewer.url}/api/clew/logs`, JSON.stringify({ trace_id: TRACE, msg: 'a' }));
  await viewer.clear();
  assert.deepEqual(await viewer.traces(), []);
  const { spans, rejectedSpans, logs } = (await (await fetch(`${viewer.url}/api/clew/stats`)).json()) as Record<
    string,
    unknown
  >;
  assert.deepEqual([spans, rejectedSpans, (logs as { lines: number }).lines], [0, 0, 0]);
});

test('close ends kept connections and can be called again', async () => {
  const viewer = await startViewer({ port: 0, otlpPort: 0 });
  await send(viewer, {});
  await fetch(viewer.url);
  await viewer.close();
  await viewer.close();
  await assert.rejects(fetch(viewer.url));
});

test('close cuts a request that never ends', async () => {
  const viewer = await startViewer({ port: 0, otlpPort: 0 });
  const { port } = new URL(viewer.otlpUrl);
  const socket = connect(Number(port), '127.0.0.1');
  const isReceived = new Promise((resolve) => socket.once('data', resolve));
  const isCut = new Promise((resolve) => socket.once('close', resolve));
  socket.on('error', () => {});
  socket.write(
    'POST /v1/traces HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 9\r\nexpect: 100-continue\r\n\r\n',
  );
  await isReceived;
  await viewer.close();
  await isCut;
});

const index = new URL('../src/index.ts', import.meta.url).href;

function run(program: string): Promise<number | null> {
  const child = spawn(process.execPath, ['--conditions=clew-source', '--input-type=module', '-e', program], {
    stdio: 'inherit',
    timeout: 20_000,
  });
  return new Promise((resolve) => child.on('exit', (code) => resolve(code)));
}

test('with unref the process ends by itself, connections and all', async () => {
  const program = `
    import { startViewer } from '${index}';
    const viewer = await startViewer({ port: 0, otlpPort: 0, unref: true });
    await fetch(viewer.url + '/healthz').then((reply) => reply.text());
    process.exitCode = 7;`;
  assert.equal(await run(program), 7);
});

test('after close nothing of the viewer keeps the process alive', async () => {
  const program = `
    import { startViewer } from '${index}';
    const viewer = await startViewer({ port: 0, otlpPort: 0 });
    await fetch(viewer.url + '/healthz').then((reply) => reply.text());
    await viewer.close();
    process.exitCode = 7;`;
  assert.equal(await run(program), 7);
});
