import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { LookupFunction } from 'node:net';
import { test } from 'node:test';
import { collectSpans } from '@clew/core/testing';
import type { CollectedSpan } from '@clew/core/testing';
import { traceFetch } from '@clew/undici';
import { serve, serveRaw } from './support/servers.ts';
import { channels, type Fetch, fetchThrough, tracedAgent, VERSIONS, WAYS } from './support/versions.ts';

/** Status code, span status, error type, number of events. */
function outcome({ attributes, status, events }: CollectedSpan): unknown[] {
  return [attributes['http.response.status_code'], status.code, attributes['error.type'], events.length];
}

const CANCELLED = [undefined, 0, undefined, 0];

class Left extends Error {
  override name = 'Left';
}

for (const { name, isFetch, seesAttempts, start } of WAYS) {
  test(`${name}: early hints before the final status are not the answer`, async (t) => {
    const url = await serveRaw(t, (socket) => {
      socket.write('HTTP/1.1 103 Early Hints\r\nlink: </a.css>; rel=preload\r\n\r\n');
      socket.end('HTTP/1.1 201 Created\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok');
    });
    const spans = collectSpans(t, { register: true });
    const answer = await start(t)(url);
    assert.deepEqual([answer.status, await answer.text()], [201, 'ok']);
    assert.deepEqual(outcome(await spans.take('CLIENT')), [201, 0, undefined, 0]);
  });

  test(`${name}: a reason of the caller's that is no Error cancels without an error, and reaches the caller`, async (t) => {
    const controller = new AbortController();
    const reason = { left: true };
    const url = await serve(t, () => controller.abort(reason));
    const spans = collectSpans(t, { register: true });
    const error: unknown = await start(t)(url, { signal: controller.signal }).catch((thrown: unknown) => thrown);
    assert.equal(error, reason);
    assert.deepEqual(outcome(await spans.take('CLIENT')), CANCELLED);
  });

  // Below fetch the signal is not to be seen, and the caller's Error looks like that of a failing body. Nor is it where
  // undici 7 puts a handler of its own around those of interceptors.
  if (name !== 'undici 7, request by channels' && (!isFetch || !seesAttempts)) {
    test(`${name}: a caller's own Error as the reason cancels without an error`, async (t) => {
      const controller = new AbortController();
      const reason = new Left('gone');
      const url = await serve(t, () => controller.abort(reason));
      const spans = collectSpans(t, { register: true });
      const call = start(t)(url, { signal: controller.signal });
      assert.equal(await call.catch((thrown: unknown) => thrown), reason);
      assert.deepEqual(outcome(await spans.take('CLIENT')), CANCELLED);
    });
  }

  test(`${name}: a signal that was aborted before the call leaves no open span`, async (t) => {
    const url = await serve(t, (_request, response) => response.end());
    const spans = collectSpans(t, { register: true });
    await assert.rejects(start(t)(url, { signal: AbortSignal.abort() }), { name: 'AbortError' });
    for (const span of spans.all()) assert.deepEqual(outcome(span), CANCELLED);
  });

  test(`${name}: answers without a body end their spans`, async (t) => {
    const url = await serve(t, (request, response) => {
      response.writeHead(request.method === 'HEAD' ? 200 : 204, { connection: 'close' }).end();
    });
    const spans = collectSpans(t, { register: true });
    const send = start(t);
    for (const [method, status] of [
      ['HEAD', 200],
      ['DELETE', 204],
    ] as const) {
      const answer = await send(url, { method });
      assert.equal(await answer.text(), '');
      const span = await spans.take(method);
      assert.deepEqual(outcome(span), [status, 0, undefined, 0]);
    }
  });

  test(`${name}: a body that nobody reads keeps no span open`, async (t) => {
    const url = await serve(t, (_request, response) => {
      response.writeHead(200);
      response.write('x'.repeat(1_000_000));
    });
    const spans = collectSpans(t, { register: true });
    const controller = new AbortController();
    const answer = await start(t)(url, { signal: controller.signal });
    assert.deepEqual(outcome(await spans.take('CLIENT')), [200, 0, undefined, 0]);
    controller.abort();
    await assert.rejects(answer.text());
  });
}

/** Ways that see the body, and so can wait for it. */
const BODY_WAYS = WAYS.filter(({ seesAttempts }) => seesAttempts);

for (const { name, start } of BODY_WAYS) {
  test(`${name}, endOn body: a span ends with a chunked body and its trailers`, async (t) => {
    const url = await serveRaw(t, (socket) => {
      socket.write(
        'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntrailer: x-sum\r\nconnection: close\r\n\r\n2\r\nok\r\n',
      );
      socket.end('0\r\nx-sum: 1\r\n\r\n');
    });
    const spans = collectSpans(t, { register: true });
    assert.equal(await (await start(t, { endOn: 'body' })(url)).text(), 'ok');
    assert.deepEqual(outcome(await spans.take('CLIENT')), [200, 0, undefined, 0]);
  });

  test(`${name}, endOn body: a body that breaks off is an error beside its status`, async (t) => {
    const url = await serveRaw(t, (socket) => {
      socket.end('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf');
    });
    const spans = collectSpans(t, { register: true });
    await assert.rejects((await start(t, { endOn: 'body' })(url)).text());
    assert.deepEqual(outcome(await spans.take('CLIENT')), [200, 2, 'UND_ERR_SOCKET', 1]);
  });

  test(`${name}, endOn body: a caller who cancels in the middle of the body leaves its status and no error`, async (t) => {
    const url = await serve(t, (_request, response) => void response.write('data: 1\n\n'));
    const spans = collectSpans(t, { register: true });
    const controller = new AbortController();
    const answer = await start(t, { endOn: 'body' })(url, { signal: controller.signal });
    const text = answer.text();
    controller.abort();
    await assert.rejects(text, { name: 'AbortError' });
    assert.deepEqual(outcome(await spans.take('CLIENT')), [200, 0, undefined, 0]);
  });
}

const STREAMS: Array<[string, (fetch: Fetch) => Fetch]> = [
  ['by wrapper', traceFetch],
  ['by channels', (fetch) => fetch],
];
for (const [name, trace] of STREAMS) {
  test(`built-in fetch ${name}: the reader of an event stream who cancels it makes no error`, async (t) => {
    const url = await serve(t, (_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write('data: 1\n\n');
    });
    const spans = collectSpans(t, { register: true });
    if (name === 'by channels') channels(t, { endOn: 'body' });
    const reader = (await trace(fetch)(url)).body?.getReader();
    await reader?.read();
    await reader?.cancel();
    assert.deepEqual(outcome(await spans.take('CLIENT')), [200, 0, undefined, 0]);
  });

  test(`built-in fetch ${name}: a response and its clone can both be read`, async (t) => {
    const url = await serve(t, (_request, response) => response.setHeader('connection', 'close').end('ok'));
    const spans = collectSpans(t, { register: true });
    if (name === 'by channels') channels(t, { endOn: 'body' });
    const response = await trace(fetch)(url);
    assert.deepEqual(await Promise.all([response.clone().text(), response.text()]), ['ok', 'ok']);
    assert.deepEqual(outcome(await spans.take('CLIENT')), [200, 0, undefined, 0]);
  });
}

for (const [name, module] of VERSIONS) {
  test(`${name}, interceptor with endOn body: who destroys a body, with an Error or without, makes none on the span`, async (t) => {
    const url = await serve(t, (_request, response) => void response.write('half'));
    const spans = collectSpans(t, { register: true });
    const dispatcher = tracedAgent(t, module, { endOn: 'body' });
    for (const error of [undefined, new Left('gone')]) {
      const { body } = await module.request(url, { dispatcher });
      const closed = once(body, 'close').catch(() => {});
      body.on('error', () => {}).destroy(error);
      await closed;
      assert.deepEqual(outcome(await spans.take('CLIENT')), [200, 0, undefined, 0]);
    }
  });

  test(`${name}, channels: a name that does not resolve is an error named by its code`, async (t) => {
    const lookup: LookupFunction = (_host, _options, done) =>
      done(Object.assign(new Error('getaddrinfo ENOTFOUND nowhere.test'), { code: 'ENOTFOUND' }), '');
    const agent = new module.Agent({ connect: { lookup } });
    t.after(() => agent.destroy());
    const spans = collectSpans(t, { register: true });
    channels(t);
    await assert.rejects(fetchThrough(t, module, agent)('http://nowhere.test/'), { message: 'fetch failed' });
    const span = await spans.take('CLIENT');
    assert.deepEqual(outcome(span), [undefined, 2, 'ENOTFOUND', 1]);
    assert.deepEqual([span.attributes['server.address'], span.attributes['server.port']], ['nowhere.test', 80]);
  });
}
