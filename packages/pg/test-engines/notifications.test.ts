import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';

import { context, trace, withSpan } from '@clew/core';
import { collectSpans } from '@clew/core/testing';

import { traceClient } from '../src/index.ts';
import { connectionString, openBare, VERSIONS } from './support.ts';

for (const [version, module] of VERSIONS) {
  test(`${version}: notifications do not run in the request that opened the connection`, async (t) => {
    const spans = collectSpans(t, { register: true });
    const bare = await openBare(t);
    const client = traceClient(new module.Client({ connectionString }));
    t.after(() => client.end());
    await withSpan('request', async () => {
      await client.connect();
      await client.query('LISTEN orders');
    });
    const notified = new Promise<[string | undefined, unknown]>((resolve) => {
      client.on('notification', ({ payload }) => resolve([payload, trace.getSpan(context.active())]));
    });
    await bare.query("NOTIFY orders, 'hello'");
    assert.deepEqual(await notified, ['hello', undefined]);
    assert.equal((await spans.take('CLIENT')).name, 'LISTEN');
    await spans.take('request');
  });

  test(`${version}: a handler that queries starts a trace of its own, or the one it is wrapped in`, async (t) => {
    const spans = collectSpans(t, { register: true });
    const bare = await openBare(t);
    const client = traceClient(new module.Client({ connectionString }));
    t.after(() => client.end());
    await client.connect();
    await client.query('LISTEN orders');
    client.once('notification', () => void withSpan('handle', () => client.query('SELECT 1')));
    const handled = once(client, 'drain').then(() => once(client, 'drain'));
    await client.query('SELECT 2');
    await bare.query('NOTIFY orders');
    await handled;
    const handle = await spans.take('handle');
    assert.equal(handle.parentSpanId, undefined);
    await spans.take((span) => span.parentSpanId === handle.spanId);
    assert.equal(spans.all().length, 2);
  });
}
