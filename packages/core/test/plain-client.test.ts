/** Connections of the exporter over plain HTTP: how long they are kept, and what leaves on them. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer as createHttpServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { PlainClient } from '../src/export/plain-client.ts';
import type { PostLimits, PostReply } from '../src/export/post-client.ts';

const BODY = Buffer.from('spans');
const OK = 'HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n';

test('requests that follow one another share a connection, as many as are under way at once have their own', async (t) => {
  const backend = await startBackend(t);
  const { post } = startClient(t, backend.url, { concurrency: 2 });
  await post();
  await post();
  assert.equal(backend.connections, 1);
  await Promise.all([post(), post(), post()]);
  assert.equal(backend.connections, 3);
  await Promise.all([post(), post()]);
  assert.equal(backend.connections, 3, 'two are kept');
});

test('a connection that the server has closed is not used again', async (t) => {
  const backend = await startBackend(t);
  const { post } = startClient(t, backend.url);
  await post();
  const closed = once(backend.sockets[0] as Socket, 'close');
  backend.sockets[0]?.end();
  await closed;
  assert.equal((await post()).status, 200);
  assert.equal(backend.connections, 2);
});

test('a connection that the server is about to close is not used again', async (t) => {
  const backend = await startBackend(t, (_request, response) => {
    response.setHeader('keep-alive', 'timeout=1');
    response.end();
  });
  const { post } = startClient(t, backend.url);
  await post();
  await post();
  assert.equal(backend.connections, 2);
});

test('a server that keeps connections for longer is taken at its word', async (t) => {
  const backend = await startBackend(t);
  backend.server.keepAliveTimeout = 5000;
  const { post } = startClient(t, backend.url);
  const { headers } = await post();
  assert.match(headers['keep-alive'] ?? '', /timeout=\d/);
  await post();
  assert.equal(backend.connections, 1);
});

test('what a server says unasked is no answer to the next request', async (t) => {
  const sockets: Socket[] = [];
  const url = await listen(t, (socket) => {
    sockets.push(socket);
    socket.on('data', () => socket.write(OK));
  });
  const { post } = startClient(t, url);
  await post();
  sockets[0]?.write('HTTP/1.1 500 No\r\ncontent-length: 0\r\n\r\n');
  await once(sockets[0] as Socket, 'close');
  assert.equal((await post()).status, 200);
  assert.equal(sockets.length, 2);
});

test('an answer before the request has left whole is taken, and its connection is not kept', async (t) => {
  const sockets: Socket[] = [];
  const url = await listen(t, (socket) => {
    sockets.push(socket);
    // Answers at once, and reads the body never.
    socket.once('data', () => {
      socket.pause();
      socket.write(OK);
    });
  });
  const { client } = startClient(t, url);
  const large = Buffer.alloc(32 * 1024 * 1024);
  const reply = await client.post(large, {}, new AbortController().signal);
  assert.deepEqual([reply.status, reply.isWritten], [200, false]);
  sockets[0]?.destroy();
});

test('an aborted request ends with the reason, and its connection with it', async (t) => {
  const backend = await startBackend(t, () => {});
  const { client } = startClient(t, backend.url);
  const aborter = new AbortController();
  const posted = client.post(BODY, {}, aborter.signal);
  await backend.asked();
  aborter.abort(new Error('enough'));
  await assert.rejects(posted, /enough/);
  await once(backend.sockets[0] as Socket, 'close');
  const aborted = AbortSignal.abort(new Error('before'));
  await assert.rejects(client.post(BODY, {}, aborted), /before/);
});

test('a server that does not answer costs the time that was given', async (t) => {
  const backend = await startBackend(t, () => {});
  const { post } = startClient(t, backend.url, { timeoutMs: 20 });
  await assert.rejects(post(), { code: 'ETIMEDOUT' });
});

test('a server that closes the connection in place of an answer is an error that is tried again', async (t) => {
  const url = await listen(t, (socket) => void socket.once('data', () => socket.end()));
  const { post } = startClient(t, url);
  await assert.rejects(post(), { code: 'ECONNRESET' });
});

test('a request that is under way when the client is closed is answered, and its connection is not kept', async (t) => {
  const backend = await startBackend(t);
  const { client, post } = startClient(t, backend.url);
  const posted = post();
  await backend.asked();
  client.close();
  assert.equal((await posted).status, 200);
  await once(backend.sockets[0] as Socket, 'close');
});

for (const [how, breakOff] of [
  ['resets the connection', (socket: Socket) => void socket.resetAndDestroy()],
  ['closes it', (socket: Socket) => void socket.end()],
  ['says no more', () => {}],
] as const) {
  test(`a success of which the server ${how} half way is one, an error is tried again`, async (t) => {
    let status = 200;
    const url = await listen(t, (socket) => {
      t.after(() => socket.destroy());
      socket.once('data', () => {
        socket.write(`HTTP/1.1 ${status} X\r\ncontent-length: 9\r\n\r\nhalf`, () => setImmediate(breakOff, socket));
      });
    });
    const { post: ask } = startClient(t, url, { timeoutMs: 100 });
    const reply = await ask();
    assert.deepEqual([reply.status, reply.body.toString()], [200, 'half']);
    status = 503;
    await assert.rejects(ask(), { code: how === 'says no more' ? 'ETIMEDOUT' : 'ECONNRESET' });
  });
}

test('headers leave once each; those that are given win, but not about how the body is sent', async (t) => {
  const backend = await startBackend(t, (request, response) => {
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify([request.method, request.url, request.rawHeaders]));
  });
  const { client } = startClient(t, new URL('/v1/traces?tenant=a%20b', backend.url));
  const given = {
    Host: 'tempo',
    'Content-Length': '999',
    'transfer-encoding': 'chunked',
    'x-tenant': 'é',
    'X-Tenant': 'b',
  };
  const { body } = await client.post(BODY, given, new AbortController().signal);
  assert.deepEqual(JSON.parse(body.toString()), [
    'POST',
    '/v1/traces?tenant=a%20b',
    ['Host', 'tempo', 'connection', 'keep-alive', 'content-length', '5', 'X-Tenant', 'b'],
  ]);
});

for (const [title, headers] of [
  ['a value with a line break', { 'x-tenant': 'a\r\nx-admin: yes' }],
  ['a name with a line break', { 'x\r\ny': 'a' }],
  ['a value beyond Latin-1', { 'x-tenant': '→' }],
] as const) {
  test(`${title} is refused before anything leaves`, async (t) => {
    const backend = await startBackend(t);
    const { client } = startClient(t, backend.url);
    await assert.rejects(client.post(BODY, headers as never, new AbortController().signal), TypeError);
    await sleep(20);
    assert.equal(backend.connections, 0);
  });
}

test('an IPv6 address is reached, and named in brackets', async (t) => {
  const backend = await startBackend(t, (request, response) => response.end(request.headers.host), '::1');
  const { post } = startClient(t, backend.url);
  assert.equal((await post()).body.toString(), backend.url.host);
  assert.match(backend.url.host, /^\[::1\]:\d+$/);
});

type Answer = (request: IncomingMessage, response: ServerResponse) => unknown;

async function startBackend(
  t: TestContext,
  answer: Answer = (_request, response) => response.end(),
  host = '127.0.0.1',
) {
  const sockets: Socket[] = [];
  const server: Server = createHttpServer((request, response) => {
    request.resume().on('end', () => answer(request, response));
  });
  server.on('connection', (socket) => sockets.push(socket)).listen(0, host);
  await once(server, 'listening');
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  const { port } = server.address() as AddressInfo; // It listens on TCP.
  return {
    server,
    sockets,
    url: new URL(`http://${host.includes(':') ? `[${host}]` : host}:${port}/`),
    get connections() {
      return sockets.length;
    },
    asked: () => once(server, 'request'),
  };
}

async function listen(t: TestContext, onSocket: (socket: Socket) => void): Promise<URL> {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    onSocket(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  return new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`); // It listens on TCP.
}

function startClient(
  t: TestContext,
  url: URL,
  limits: Partial<PostLimits> = {},
): { client: PlainClient; post(): Promise<PostReply> } {
  const client = new PlainClient(url, { timeoutMs: 5000, concurrency: 4, maxBytes: 1_000_000, ...limits });
  t.after(() => client.close());
  return { client, post: () => client.post(BODY, {}, new AbortController().signal) };
}
