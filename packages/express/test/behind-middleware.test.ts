/** Beside the middlewares that most applications have: bodies, compression, caches, hosts, and requests of other kinds. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import { createRequire } from 'node:module';
import net from 'node:net';
import { Readable } from 'node:stream';
import test from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { SpanStatusCode, withSpan } from '@clew/core';
import { BACKENDS, startBackend } from '@clew/testkit';
import compression from 'compression';
import type { RequestHandler } from 'express';
import { tracingMiddleware } from '../src/index.ts';
import { EXPRESS_VERSIONS, get, listen, tracedApp } from './support.ts';

const require = createRequire(import.meta.url);
// Both have no types of their own; these are what their READMEs promise.
const multer = require('multer') as () => { single(field: string): RequestHandler };
const vhost = require('vhost') as (host: string, app: unknown) => RequestHandler;

const RECORDING = BACKENDS.filter((kind) => kind !== 'none');

const answer: RequestHandler = (_req, res) => {
  res.send('ok');
};

/** Ask with Node.js's own client, which sends any method and header. */
async function ask(url: string, options: http.RequestOptions = {}): Promise<http.IncomingMessage> {
  const request = http.request(url, options).end();
  const [response] = await once(request, 'response');
  response.resume();
  await once(response, 'end');
  return response;
}

for (const [name, express] of EXPRESS_VERSIONS) {
  for (const kind of RECORDING) {
    for (const place of ['before', 'after'] as const) {
      test(`${name} on ${kind}, parsers of bodies mounted ${place} the middleware leave its context`, async (t) => {
        const backend = startBackend(t, kind);
        const app = express();
        const parsers = [express.json(), express.urlencoded({ extended: true }), multer().single('file')];
        const tracing = tracingMiddleware();
        app.use(...(place === 'before' ? [...parsers, tracing] : [tracing, ...parsers]));
        app.post('/upload/:id', (req, res) => {
          const size = (req as { file?: { size: number } }).file?.size;
          withSpan('inside', () => res.json({ ...req.body, size }));
        });
        const url = `${await listen(t, app)}/upload/7`;
        const form = new FormData();
        form.set('file', new Blob(['x'.repeat(200_000)]), 'x.bin');
        const headers = { 'content-type': 'application/json' };
        const bodies: Array<[init: RequestInit, answer: object]> = [
          [{ body: form }, { size: 200_000 }],
          [{ body: new URLSearchParams({ a: '1' }) }, { a: '1' }],
          [{ body: '{"b":2}', headers }, { b: 2 }],
        ];
        for (const [init, expected] of bodies) {
          const { body } = await get(url, { method: 'POST', ...init });
          assert.deepEqual(JSON.parse(body), expected);
          const span = await backend.take('SERVER');
          assert.equal(span.name, 'POST /upload/:id');
          assert.equal((await backend.take('inside')).parentSpanId, span.spanId);
        }
      });
    }
  }

  test(`${name}, mounted after asynchronous middlewares and routes it traces what comes after`, async (t) => {
    const backend = startBackend(t, 'clew');
    const app = express();
    app.get('/early', answer);
    app.use(async (_req, _res, next) => {
      await nextTurn();
      next();
    });
    app.use(tracingMiddleware());
    app.get('/late/:id', (_req, res) => withSpan('inside', () => res.send('ok')) as never);
    const url = await listen(t, app);
    await get(`${url}/early`);
    await get(`${url}/late/7`);
    const span = await backend.take('SERVER');
    assert.equal(span.name, 'GET /late/:id');
    assert.equal((await backend.take('inside')).parentSpanId, span.spanId);
  });

  test(`${name}, a compressed stream ends its span with its last byte`, async (t) => {
    const { app, spans } = tracedApp(t, express);
    app.use(compression({ threshold: 0 }));
    let isEnding = false;
    async function* parts(): AsyncGenerator<string> {
      for (let i = 0; i < 50; i++) {
        yield 'y'.repeat(1000);
        await nextTurn();
      }
      spans.assertNone();
      isEnding = true;
    }
    app.get('/stream', (_req, res) => {
      Readable.from(parts()).pipe(res.type('text'));
    });
    const response = await fetch(`${await listen(t, app)}/stream`, { headers: { 'accept-encoding': 'gzip' } });
    assert.equal(response.headers.get('content-encoding'), 'gzip');
    assert.equal((await response.text()).length, 50_000);
    const span = await spans.take('SERVER');
    assert.equal(isEnding, true);
    assert.equal(span.status.code, SpanStatusCode.UNSET);
  });

  test(`${name}, a conditional request has its route and 304`, async (t) => {
    const { app, spans } = tracedApp(t, express);
    app.get('/users/:id', answer);
    app.use('/files', express.static(import.meta.dirname));
    const url = await listen(t, app);
    for (const [path, route] of [
      ['/users/7', '/users/:id'],
      ['/files/support.ts', undefined],
    ]) {
      const { headers } = await ask(url + path);
      await spans.take('SERVER');
      const second = await ask(url + path, { headers: { 'if-none-match': headers.etag ?? '' } });
      assert.equal(second.statusCode, 304);
      const span = await spans.take('SERVER');
      assert.equal(span.attributes['http.response.status_code'], 304);
      assert.equal(span.attributes['http.route'], route);
      assert.equal(span.status.code, SpanStatusCode.UNSET);
    }
  });

  test(`${name}, a range that cannot be satisfied is no error`, async (t) => {
    const { app, spans } = tracedApp(t, express);
    app.use('/files', express.static(import.meta.dirname));
    const answered = await ask(`${await listen(t, app)}/files/support.ts`, { headers: { range: 'bytes=9999999-' } });
    assert.equal(answered.statusCode, 416);
    const span = await spans.take('SERVER');
    assert.equal(span.attributes['http.response.status_code'], 416);
    assert.equal(span.attributes['http.route'], undefined);
    assert.equal(span.status.code, SpanStatusCode.UNSET);
  });

  test(`${name}, methods outside of the known ones keep their route and their name beside it`, async (t) => {
    const { app, spans } = tracedApp(t, express);
    app.propfind('/dav/:id', answer);
    app.all('/any/:id', answer);
    const url = await listen(t, app);
    const asked: Array<[method: string, path: string, name: string, method: string, original: string | undefined]> = [
      ['PROPFIND', '/dav/7', 'HTTP /dav/:id', '_OTHER', 'PROPFIND'],
      ['MKCALENDAR', '/any/7', 'HTTP /any/:id', '_OTHER', 'MKCALENDAR'],
      ['OPTIONS', '/dav/7', 'OPTIONS', 'OPTIONS', undefined],
    ];
    if (http.METHODS.includes('QUERY')) asked.push(['QUERY', '/any/7', 'QUERY /any/:id', 'QUERY', undefined]);
    for (const [method, path, title, known, original] of asked) {
      await ask(url + path, { method });
      const span = await spans.take('SERVER');
      assert.equal(span.name, title);
      assert.equal(span.attributes['http.request.method'], known);
      assert.equal(span.attributes['http.request.method_original'], original);
    }
  });

  test(`${name}, every method that Node.js reads is answered and has one span`, async (t) => {
    const { app, spans } = tracedApp(t, express);
    app.all('/any/:id', answer);
    const url = await listen(t, app);
    // CONNECT never becomes a request.
    for (const method of http.METHODS.filter((one) => one !== 'CONNECT')) {
      assert.equal((await ask(`${url}/any/7`, { method })).statusCode, 200, method);
      assert.equal((await spans.take('SERVER')).attributes['http.route'], '/any/:id', method);
    }
    spans.assertNone();
  });

  test(`${name}, applications behind vhost are named by their own routes`, async (t) => {
    const { app, spans } = tracedApp(t, express);
    app.use(vhost('a.example', express().get('/x/:id', answer)));
    app.use(vhost('b.example', express().use('/in/:b', express.Router().get('/y', answer))));
    const url = await listen(t, app);
    const asked: Array<[host: string, path: string, route: string | undefined]> = [
      ['a.example', '/x/7', '/x/:id'],
      ['b.example', '/in/1/y', '/in/:b/y'],
      ['a.example', '/in/1/y', undefined],
    ];
    for (const [host, path, route] of asked) {
      await ask(url + path, { headers: { host } });
      const { attributes } = await spans.take('SERVER');
      assert.equal(attributes['http.route'], route);
      assert.equal(attributes['server.address'], host);
    }
  });

  test(`${name}, an upgrade never reaches it, nor does a CONNECT`, async (t) => {
    const { app, spans } = tracedApp(t, express);
    app.use(answer);
    const server = http.createServer(app);
    const takeOver = (_req: unknown, socket: { end(text: string): void }): void =>
      socket.end('HTTP/1.1 101 Taken\r\n\r\n');
    server.on('upgrade', takeOver).on('connect', takeOver);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    t.after(() => server.close());
    const { port } = server.address() as net.AddressInfo;
    for (const line of ['GET /socket HTTP/1.1', 'CONNECT shop.example:443 HTTP/1.1']) {
      const socket = net.connect(port, '127.0.0.1');
      socket.write(`${line}\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`);
      const [reply] = await once(socket, 'data');
      assert.match(String(reply), /^HTTP\/1.1 101/);
      socket.destroy();
    }
    // Without a listener Node.js hands it on as the plain request that it also is.
    server.off('upgrade', takeOver);
    await ask(`http://127.0.0.1:${port}/plain`, { headers: { connection: 'upgrade', upgrade: 'h2c' }, agent: false });
    assert.equal((await spans.take('SERVER')).attributes['url.path'], '/plain');
    spans.assertNone();
  });

  test(`${name}, what Node.js refuses by itself makes no span, and the next request does`, async (t) => {
    const { app, spans } = tracedApp(t, express);
    app.use(answer);
    const url = await listen(t, app);
    const socket = net.connect(Number(new URL(url).port), '127.0.0.1');
    socket.end('NONSENSE\r\n\r\n');
    const [reply] = await once(socket, 'data');
    assert.match(String(reply), /^HTTP\/1.1 400/);
    await ask(url);
    await spans.take('SERVER');
    spans.assertNone();
  });
}
