/** Timers of sockets that cut answers off. */
import assert from 'node:assert/strict';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import test from 'node:test';
import { SpanStatusCode } from '@clew/core';
import { closeServer, EXPRESS_VERSIONS, get, tracedApp } from './support.ts';

for (const [name, express] of EXPRESS_VERSIONS) {
  test(`${name}, a server timeout before the headers is an error of type timeout`, async (t) => {
    const { app, spans } = tracedApp(t, express);
    app.get('/slow', () => undefined);
    const server = http.createServer(app);
    server.setTimeout(50);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    t.after(() => closeServer(server));
    await assert.rejects(get(`http://127.0.0.1:${(server.address() as AddressInfo).port}/slow`));
    const span = await spans.take('SERVER');
    assert.equal(span.attributes['error.type'], 'timeout');
    assert.equal(span.attributes['http.response.status_code'], undefined);
    assert.equal(span.status.code, SpanStatusCode.ERROR);
    assert.equal(span.name, 'GET /slow');
  });

  test(`${name}, a timeout that the application answers is what it answered`, async (t) => {
    const { app, spans, listen } = tracedApp(t, express);
    app.get('/slow', (_req, res) => {
      res.setTimeout(50, () => {
        res.status(504).send('too slow');
      });
    });
    assert.equal((await get(`${await listen()}/slow`)).status, 504);
    assert.equal((await spans.take('SERVER')).attributes['error.type'], '504');
  });
}
