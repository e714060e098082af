/** Connections: both versions of HTTP on one port, timeouts, closing servers, and what runs outside of the span. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import http2 from 'node:http2';
import https from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { SpanStatusCode } from '@clew/core';
import { startBackend } from '@clew/testkit';
import type { FastifyServerOptions } from 'fastify';
import { tracingPlugin } from '../src/index.ts';
import { activeSpanId, FASTIFY_VERSIONS, get, isFastify5, listen as listenTo, tracedApp } from './support.ts';

for (const [name, fastify] of FASTIFY_VERSIONS) {
  test(`${name}, HTTP/1.1 and HTTP/2 on one port have a span each with their version`, async (t) => {
    const options = { http2: true, https: { allowHTTP1: true, ...makePair(t) } } as FastifyServerOptions;
    const { app, spans } = tracedApp(t, fastify, {}, options);
    app.get('/users/:id', async () => 'ok');
    const url = await app.listen({ port: 0, host: '127.0.0.1' });
    t.after(() => app.close());
    const agent = new https.Agent({ rejectUnauthorized: false });
    t.after(() => agent.destroy());
    const [response] = await once(https.get(`${url}/users/1`, { agent }), 'response');
    await once(response.resume(), 'end');
    const first = await spans.take('SERVER');
    const client = http2.connect(url, { rejectUnauthorized: false });
    await once(client.request({ ':path': '/users/2' }).resume(), 'close');
    client.close();
    const second = await spans.take('SERVER');
    const seen = [first, second].map(({ attributes: { 'url.path': path, 'url.scheme': scheme, ...rest } }) => [
      path,
      scheme,
      rest['http.route'],
      rest['network.protocol.version'],
    ]);
    assert.deepEqual(seen, [
      ['/users/1', 'https', '/users/:id', '1.1'],
      ['/users/2', 'https', '/users/:id', '2'],
    ]);
  });

  test(`${name}, an onTimeout hook knows the request, whose span is of type timeout`, async (t) => {
    const { app, spans, listen } = tracedApp(t, fastify, {}, { connectionTimeout: 50 });
    const timedOut = new Promise<string>((resolve) => {
      app.addHook('onTimeout', async (request) => resolve(request.url));
    });
    app.get('/slow', () => new Promise(() => undefined));
    const url = await listen();
    await assert.rejects(get(`${url}/slow`));
    assert.equal(await timedOut, '/slow');
    const span = await spans.take('SERVER');
    assert.equal(span.attributes['error.type'], 'timeout');
  });

  test(`${name}, a request that is under way when the application closes is answered, without error`, async (t) => {
    const { app, spans, listen } = tracedApp(t, fastify);
    const [arrived, closing] = [new Moment(), new Moment()];
    app.get('/slow', async () => {
      arrived.comes();
      await closing.isHere;
      return 'in time';
    });
    const answer = get(`${await listen()}/slow`);
    await arrived.isHere;
    const closed = app.close();
    closing.comes();
    assert.deepEqual(await answer, { status: 200, body: 'in time' });
    await closed;
    const span = await spans.take('SERVER');
    assert.equal(span.status.code, SpanStatusCode.UNSET);
    assert.equal(span.attributes['http.response.status_code'], 200);
  });

  test(`${name}, an onRequest hook from before the plugin runs outside of the span, and later ones inside`, async (t) => {
    const backend = startBackend(t, 'clew');
    const app = fastify();
    const ids: Array<string | undefined> = [];
    app.addHook('onRequest', async () => void ids.push(activeSpanId()));
    app.register(tracingPlugin);
    app.register(async (scope) => {
      for (const hook of ['onRequest', 'preSerialization', 'onSend', 'onResponse'] as const) {
        scope.addHook(hook as 'onRequest', async () => void ids.push(activeSpanId()));
      }
      scope.get('/', async () => ({ ok: true }));
    });
    await get(await listenTo(t, app));
    const { spanId } = await backend.take('SERVER');
    while (ids.length < 5) await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(ids, [undefined, spanId, spanId, spanId, spanId]);
  });

  test(`${name}, an onError hook runs in the context of the request`, async (t) => {
    const backend = startBackend(t, 'clew');
    const app = fastify();
    app.register(tracingPlugin);
    const seen: Array<string | undefined> = [];
    app.addHook('onError', async () => void seen.push(activeSpanId()));
    app.get('/', async () => {
      throw new RangeError('too far');
    });
    assert.equal((await get(await listenTo(t, app))).status, 500);
    assert.deepEqual(seen, [(await backend.take('SERVER')).spanId]);
  });

  if (isFastify5(name)) {
    test(`${name}, a ReadableStream ends the span with its last byte`, async (t) => {
      const { app, spans, listen } = tracedApp(t, fastify);
      const last = new Moment();
      app.get('/', (_request, reply) => {
        const body = new ReadableStream({
          async start(controller) {
            controller.enqueue(new TextEncoder().encode('first,'));
            await last.isHere;
            controller.enqueue(new TextEncoder().encode('last'));
            controller.close();
          },
        });
        return reply.send(body);
      });
      const response = await fetch(await listen());
      const reader = response.body?.getReader() ?? assert.fail();
      assert.equal(new TextDecoder().decode((await reader.read()).value), 'first,');
      spans.assertNone();
      last.comes();
      assert.equal(new TextDecoder().decode((await reader.read()).value), 'last');
      assert.equal((await reader.read()).done, true);
      assert.equal((await spans.take('SERVER')).status.code, SpanStatusCode.UNSET);
    });
  }
}

/** Something that is waited for. */
class Moment {
  comes: () => void = () => undefined;
  readonly isHere: Promise<void> = new Promise((resolve) => {
    this.comes = resolve;
  });
}

/** A key and a certificate that signs itself. */
function makePair(t: TestContext): { key: Buffer; cert: Buffer } {
  const dir = mkdtempSync(join(tmpdir(), 'clew-fastify-'));
  t.after(() => rmSync(dir, { recursive: true }));
  const [key, cert] = [join(dir, 'key.pem'), join(dir, 'cert.pem')];
  const kind = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  execFileSync('openssl', ['req', ...kind, '-subj', '/CN=localhost', '-keyout', key, '-out', cert], { stdio: 'pipe' });
  return { key: readFileSync(key), cert: readFileSync(cert) };
}
