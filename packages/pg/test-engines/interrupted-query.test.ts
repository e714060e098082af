import assert from 'node:assert/strict';
import { test } from 'node:test';

import { context, trace, withSpan } from '@clew/core';
import { collectSpans } from '@clew/core/testing';
import pg from 'pg';

import { tracePool } from '../src/index.ts';
import { backendPid, connectionString, openBare, openTraced, untilRunning, VERSIONS } from './support.ts';

for (const [version, module] of VERSIONS) {
  test(`${version}: query_timeout ends the span once, and the late result changes nothing`, async (t) => {
    const spans = collectSpans(t, { register: true });
    const client = await openTraced(t, module, { query_timeout: 100 });
    await assert.rejects(client.query('SELECT pg_sleep(0.4), 1 AS late'), { message: 'Query read timeout' });
    const span = await spans.take('CLIENT');
    assert.equal(span.attributes['error.type'], 'query_timeout');
    assert.equal(span.attributes['db.response.status_code'], undefined);
    // Sent behind the late one, whose result comes first.
    await assert.rejects(client.query('SELECT 2'), { message: 'Query read timeout' });
    await spans.take('CLIENT');
    spans.assertNone();
  });

  test(`${version}: query_timeout with a callback runs it in its caller's context`, async (t) => {
    const spans = collectSpans(t, { register: true });
    const client = await openTraced(t, module, { query_timeout: 50 });
    await withSpan('request', async (request) => {
      const [error, active] = await new Promise<[Error, unknown]>((resolve) => {
        client.query('SELECT pg_sleep(0.3)', (failure) => resolve([failure, trace.getSpan(context.active())]));
      });
      assert.equal(error.message, 'Query read timeout');
      assert.equal(active, request);
    });
    assert.equal(spans.all().length, 2);
  });

  test(`${version}: statement_timeout is the server's error`, async (t) => {
    const spans = collectSpans(t, { register: true });
    const client = await openTraced(t, module, { statement_timeout: 50 });
    await assert.rejects(client.query('SELECT pg_sleep(5)'), { code: '57014' });
    assert.equal((await spans.take('CLIENT')).attributes['db.response.status_code'], '57014');
  });

  test(`${version}: a cancelled query is the server's error`, async (t) => {
    const spans = collectSpans(t, { register: true });
    const client = await openTraced(t, module);
    const bare = await openBare(t);
    const query = client.query('SELECT pg_sleep(60) AS to_cancel');
    const failed = assert.rejects(query, { code: '57014' });
    const pid = await untilRunning(bare, 'to_cancel');
    await bare.query('SELECT pg_cancel_backend($1)', [pid]);
    await failed;
    assert.equal((await spans.take('CLIENT')).attributes['error.type'], '57014');
  });

  test(`${version}: a session that is terminated ends the spans of all its queries`, async (t) => {
    const spans = collectSpans(t, { register: true });
    const client = await openTraced(t, module);
    client.on('error', () => {});
    const bare = await openBare(t);
    const queries = ['SELECT pg_sleep(60) AS to_kill', 'SELECT 2', 'SELECT 3'].map((text) => client.query(text));
    const outcomes = Promise.allSettled(queries);
    await bare.query('SELECT pg_terminate_backend($1)', [await untilRunning(bare, 'to_kill')]);
    assert.deepEqual(
      (await outcomes).map((outcome) => outcome.status),
      ['rejected', 'rejected', 'rejected'],
    );
    const [first, ...others] = spans.all();
    assert.equal(first?.attributes['error.type'], '57P01');
    assert.equal(others.length, 2);
    for (const span of others) assert.equal(span.attributes['error.type'], 'connection_terminated');
  });

  test(`${version}: a pool's client that is lost midway fails its query, and the pool goes on`, async (t) => {
    const spans = collectSpans(t, { register: true });
    const pool = tracePool(new module.Pool({ connectionString, max: 1 }));
    pool.on('error', () => {});
    t.after(() => pool.end());
    const bare = await openBare(t);
    const failed = assert.rejects(pool.query('SELECT pg_sleep(60) AS to_lose'));
    await bare.query('SELECT pg_terminate_backend($1)', [await untilRunning(bare, 'to_lose')]);
    await failed;
    assert.equal((await spans.take('CLIENT')).attributes['error.type'], '57P01');
    await pool.query('SELECT 1');
    await spans.take('CLIENT');
  });

  test(`${version}: a client that ends with queries in its queue ends their spans`, async (t) => {
    const spans = collectSpans(t, { register: true });
    const client = await openTraced(t, module);
    client.on('error', () => {});
    const queries = Promise.allSettled(['SELECT pg_sleep(60)', 'SELECT 2'].map((text) => client.query(text)));
    await client.end();
    await queries;
    assert.deepEqual(
      spans.all().map((span) => span.attributes['error.type']),
      ['connection_terminated', 'connection_terminated'],
    );
  });

  test(`${version}: a query object that is taken out of the queue ends with its client`, async (t) => {
    const spans = collectSpans(t, { register: true });
    const client = await openTraced(t, module);
    const query = new module.Query('SELECT 2 AS taken_out');
    const running = client.query('SELECT pg_sleep(0.1)');
    client.query(query);
    // pg's own way to cancel; not in its types.
    (new module.Client({ connectionString }) as unknown as { cancel(client: pg.Client, query: pg.Query): void }).cancel(
      client,
      query,
    );
    await running;
    await spans.take('CLIENT');
    await client.end();
    assert.match(String((await spans.take('CLIENT')).attributes['db.query.text']), /taken_out/);
  });

  test(`${version}: a duplicate key shows its code and none of its values`, async (t) => {
    const spans = collectSpans(t, { register: true });
    const client = await openTraced(t, module);
    await client.query('CREATE TEMP TABLE customers (email text PRIMARY KEY)');
    await client.query('INSERT INTO customers VALUES ($1)', ['me@example.com']);
    await assert.rejects(
      client.query('INSERT INTO customers VALUES ($1)', ['me@example.com']),
      (error: pg.DatabaseError) => {
        assert.match(String(error.detail), /me@example.com/);
        return true;
      },
    );
    const all = spans.all();
    assert.equal(all[2]?.attributes['error.type'], '23505');
    for (const { attributes, events, status } of all) {
      assert.doesNotMatch(JSON.stringify([attributes, events, status]), /example/);
    }
  });

  test(`${version}: sessions do not mix when a pool is under load`, async (t) => {
    const spans = collectSpans(t, { register: true });
    const pool = tracePool(new module.Pool({ connectionString, max: 3 }));
    t.after(() => pool.end());
    await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        withSpan(`request ${i}`, async () => {
          await pool.query(`SELECT pg_sleep(0.01) AS r${i}_first`);
          const client = await pool.connect();
          await client.query(`SELECT 1 AS r${i}_second`);
          client.release();
        }),
      ),
    );
    const all = spans.all();
    for (let i = 0; i < 20; i++) {
      const request = all.find((span) => span.name === `request ${i}`);
      const own = all.filter((span) => String(span.attributes['db.query.text']).includes(`r${i}_`));
      assert.equal(own.length, 2);
      assert.ok(own.every((span) => span.parentSpanId === request?.spanId));
    }
  });
}

test('queries in pipeline mode end each with its own outcome', async (t) => {
  const spans = collectSpans(t, { register: true });
  const client = await openTraced(t, pg, { pipeline: true } as pg.ClientConfig);
  const outcomes = await Promise.allSettled([
    client.query('SELECT 1 AS a'),
    client.query('SELECT * FROM nowhere'),
    client.query('SELECT $1::int AS c', [3]),
  ]);
  assert.deepEqual(
    outcomes.map((outcome) => outcome.status),
    ['fulfilled', 'rejected', 'fulfilled'],
  );
  assert.deepEqual(
    spans.all().map((span) => span.attributes['error.type']),
    [undefined, '42P01', undefined],
  );
});

test('a traced session is the one that the server sees', async (t) => {
  const spans = collectSpans(t, { register: true });
  const client = await openTraced(t, pg);
  assert.ok((await backendPid(client)) > 0);
  await spans.take('CLIENT');
});
