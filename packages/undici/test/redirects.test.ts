import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { withSpan } from '@clew/core';
import { collectSpans } from '@clew/core/testing';
import { startBackend } from '@clew/testkit';
import { traceFetch } from '@clew/undici';
import { channels, fetchThrough, tracedAgent, VERSIONS, WAYS } from './support/versions.ts';
import { headerLines, serve, serveRaw } from './support/servers.ts';

for (const { name, seesAttempts, start } of WAYS) {
  for (const kind of ['clew', 'sdk'] as const) {
    const what = seesAttempts ? 'numbered attempts' : 'one call';
    test(`${name} on ${kind}: hops of a redirect are ${what} below the caller's span`, async (t) => {
      const url = await serve(t, (request, response) => {
        if (request.url === '/one') response.writeHead(302, { location: '/two?q=1' }).end();
        else if (request.url === '/two?q=1') response.writeHead(307, { location: 'three#part' }).end();
        else response.end(request.headers.traceparent);
      });
      const spans = startBackend(t, kind);
      const send = start(t);
      // Another request's context is that of the sockets from here on.
      await withSpan('other', { root: true }, async () => (await send(`${url}/zero`)).text());
      const answer = await withSpan('caller', { root: true }, async () => (await send(`${url}/one`)).text());
      const caller = await spans.take('caller');
      await spans.take('other');
      await spans.take((span) => String(span.attributes['url.full']).endsWith('/zero'));
      const attempts = spans.all();
      assert.deepEqual(
        attempts.map(({ attributes }) => [
          attributes['url.full'],
          attributes['http.response.status_code'],
          attributes['http.request.resend_count'],
        ]),
        seesAttempts
          ? [
              [`${url}/one`, 302, undefined],
              [`${url}/two?q=1`, 307, 1],
              [`${url}/three`, 200, 2],
            ]
          : [[`${url}/one`, 200, undefined]],
      );
      for (const span of attempts) assert.deepEqual([span.traceId, span.parentSpanId], [caller.traceId, caller.spanId]);
      assert.deepEqual(answer.split('-').slice(1, 3), [caller.traceId, attempts.at(-1)?.spanId]);
    });
  }

  test(`${name}: a redirect to a foreign host carries no header there, and the caller's own arrive`, async (t) => {
    const heads: string[] = [];
    const foreign = await serveRaw(t, (socket, head) => {
      heads.push(head);
      socket.end('HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n');
    });
    let sent: string | undefined;
    const url = await serve(t, (request, response) => {
      sent = request.headers.traceparent as string | undefined;
      response.writeHead(302, { location: foreign.replace('127.0.0.1', 'localhost') }).end();
    });
    const spans = collectSpans(t, { register: true });
    await (await start(t, { propagateTo: ['127.0.0.1'] })(url, { headers: { 'x-mine': '1' } })).text();
    const [first, second] = spans.all();
    assert.equal(sent, `00-${first?.traceId}-${first?.spanId}-03`);
    const [head = ''] = heads;
    assert.deepEqual(headerLines(head, 'traceparent'), []);
    assert.deepEqual(headerLines(head, 'x-mine'), ['1']);
    assert.equal(second?.attributes['server.address'], seesAttempts ? 'localhost' : undefined);
  });
}

for (const [name, module] of VERSIONS) {
  test(`${name}, channels: attempts of undici's retry are numbered below the caller's span`, async (t) => {
    let tries = 0;
    const url = await serve(t, (request, response) => {
      response.writeHead(request.url === '/retry' && tries++ < 2 ? 503 : 200).end();
    });
    const spans = collectSpans(t, { register: true });
    channels(t);
    const agent = new module.Agent().compose(module.interceptors.retry({ maxRetries: 3, minTimeout: 1 }));
    t.after(() => agent.destroy());
    const request = async (path: string) => (await module.request(url + path, { dispatcher: agent })).body.dump();
    await withSpan('other', { root: true }, () => request('/'));
    await withSpan('caller', { root: true }, () => request('/retry'));
    const caller = await spans.take('caller');
    const attempts = spans.all().filter(({ attributes }) => attributes['url.full'] === `${url}/retry`);
    assert.deepEqual(
      attempts.map(({ parentSpanId, attributes }) => [
        parentSpanId,
        attributes['http.response.status_code'],
        attributes['http.request.resend_count'],
      ]),
      [
        [caller.spanId, 503, undefined],
        [caller.spanId, 503, 1],
        [caller.spanId, 200, 2],
      ],
    );
  });
}

for (const [name, module] of VERSIONS) {
  for (const way of ['interceptor', 'channels'] as const) {
    // Behind the channels, undici 7 hides the handler by which such a retry is known.
    if (name === 'undici 7' && way === 'channels') continue;
    test(`${name}, ${way}: a retry after a broken connection is numbered below the caller's span`, async (t) => {
      let tries = 0;
      const url = await serve(t, (request, response) => {
        if (request.url === '/retry' && tries++ === 0) request.socket.resetAndDestroy();
        else response.end();
      });
      const spans = collectSpans(t, { register: true });
      const retry = module.interceptors.retry({ maxRetries: 3, minTimeout: 1 });
      if (way === 'channels') channels(t);
      const agent = way === 'channels' ? new module.Agent().compose(retry) : tracedAgent(t, module, {}, [retry]);
      t.after(() => agent.destroy());
      const request = async (path: string) => (await module.request(url + path, { dispatcher: agent })).body.dump();
      await withSpan('other', { root: true }, () => request('/'));
      await withSpan('caller', { root: true }, () => request('/retry'));
      const caller = await spans.take('caller');
      const attempts = spans.all().filter(({ attributes }) => attributes['url.full'] === `${url}/retry`);
      assert.deepEqual(
        attempts.map(({ parentSpanId, status, attributes }) => [
          parentSpanId,
          status.code,
          attributes['http.request.resend_count'],
        ]),
        [
          [caller.spanId, 2, undefined],
          [caller.spanId, 0, 1],
        ],
      );
    });
  }

  for (const way of ['interceptor', 'channels'] as const) {
    test(`${name}, ${way}: a host that it sends no headers to gets none of the wrapper's either`, async (t) => {
      const url = await serve(t, (request, response) => response.end(String(request.headers.traceparent)));
      const spans = collectSpans(t, { register: true });
      const limits = { propagateTo: ['example.com'] };
      if (way === 'channels') channels(t, limits);
      const agent = way === 'channels' ? undefined : tracedAgent(t, module, limits);
      assert.equal(await (await traceFetch(fetchThrough(t, module, agent))(url)).text(), 'undefined');
      assert.equal(spans.all().length, 1);
    });
  }
}

test('channels: who asks by himself for where a redirect led starts a call of his own', async (t) => {
  const url = await serve(t, (request, response) => {
    response.setHeader('connection', 'close');
    if (request.url === '/') response.writeHead(302, { location: '/next' });
    response.end();
  });
  const spans = collectSpans(t, { register: true });
  channels(t);
  const response = await fetch(url, { redirect: 'manual' });
  await response.text();
  await setImmediate();
  await (await fetch(`${url}/next`)).text();
  assert.deepEqual(
    spans.all().map(({ attributes }) => attributes['http.request.resend_count']),
    [undefined, undefined],
  );
});
