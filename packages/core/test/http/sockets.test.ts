/** Sockets that Clew uses or makes keep the properties that Node.js gives them. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Agent, createServer, get, type IncomingMessage, type ServerResponse } from 'node:http';
import { type AddressInfo, Socket } from 'node:net';
import { mock, type TestContext, test } from 'node:test';
import { HttpServerTracing } from '@clew/core/http';
import { ROOT } from '../../src/context.ts';
import { PlainClient } from '../../src/export/plain-client.ts';
import { collectSpans } from '../../src/testing/index.ts';

const LIBRARY = {
  target: (req: IncomingMessage) => req.url ?? '',
  forwarded: () => undefined,
  routeAtEnd: () => undefined,
};

type Handler = (req: IncomingMessage, res: ServerResponse) => void;

async function listen(t: TestContext, handler: Handler): Promise<number> {
  const server = createServer(handler).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return (server.address() as AddressInfo).port; // It listens on TCP.
}

/** The keys of the server's socket after two requests on one connection. */
async function keysAfterTwo(t: TestContext, trace: Handler): Promise<PropertyKey[]> {
  const sockets: Socket[] = [];
  const port = await listen(t, (req, res) => {
    trace(req, res);
    sockets.push(req.socket);
    res.end('ok');
  });
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  t.after(() => agent.destroy());
  for (let i = 0; i < 2; i++) {
    const [answer] = (await once(get({ port, host: '127.0.0.1', agent }), 'response')) as [IncomingMessage];
    await once(answer.resume(), 'end');
  }
  assert.equal(sockets[0], sockets[1]);
  return Reflect.ownKeys(sockets[0] as Socket).sort((a, b) => (String(a) < String(b) ? -1 : 1));
}

test("a server's sockets get no property of ours", async (t) => {
  const spans = collectSpans(t);
  const { provider: tracerProvider } = spans.tracing;
  const tracing = new HttpServerTracing({ name: 'test', version: '1' }, () => LIBRARY, 'test', { tracerProvider });
  const traced = await keysAfterTwo(t, (req, res) => assert.notEqual(tracing.start(req, res, req, res) ?? ROOT, ROOT));
  const [first, second] = [await spans.take('SERVER'), await spans.take('SERVER')];
  assert.deepEqual(first.attributes, second.attributes);
  // The getter of Node.js keeps what it has found.
  assert.deepEqual(traced, await keysAfterTwo(t, (req) => assert.equal(req.socket.remoteAddress, '127.0.0.1')));
});

test("the exporter's sockets have the properties of any other, in the same order", async (t) => {
  const port = await listen(t, (_req, res) => res.end());
  const plain = new Socket().connect(port, '127.0.0.1');
  t.after(() => plain.destroy());
  await once(plain, 'connect');
  const connect = mock.method(Socket.prototype, 'connect');
  t.after(() => connect.mock.restore());
  const limits = { timeoutMs: 5000, concurrency: 1, maxBytes: 1000 };
  const client = new PlainClient(new URL(`http://127.0.0.1:${port}/`), limits);
  t.after(() => client.close());
  const { status } = await client.post(Buffer.from('spans'), {}, new AbortController().signal);
  assert.equal(status, 200);
  assert.equal(connect.mock.callCount(), 1);
  assert.deepEqual(Reflect.ownKeys(connect.mock.calls[0]?.this as Socket), Reflect.ownKeys(plain));
});
