import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';

import { context, trace, withSpan } from '@clew/core';
import { collectSpans } from '@clew/core/testing';
import pg from 'pg';

import { traceClient, tracePg, tracePool } from '../src/index.ts';
import { openPool, startDatabase, VERSIONS } from './support.ts';

const connectionString = await startDatabase();

function activeSpan(): unknown {
  return trace.getSpan(context.active());
}

for (const [version, module] of VERSIONS) {
  test(`${version}: queries that wait for a client belong to their callers, not to who released it`, async (t) => {
    const spans = collectSpans(t, { register: true });
    const pool = tracePool(openPool(t, module, { connectionString, max: 1 }));
    await Promise.all(
      ['a', 'b', 'c', 'd'].map((name) =>
        withSpan(name, async (span) => {
          await pool.query(`SELECT 1 AS ${name}`);
          assert.equal(activeSpan(), span);
          await new Promise<void>((resolve, reject) => {
            pool.query(`SELECT 2 AS ${name}`, (error) => {
              assert.equal(activeSpan(), span);
              error ? reject(error) : resolve();
            });
          });
        }),
      ),
    );
    for (const name of ['a', 'b', 'c', 'd']) {
      const caller = await spans.take(name);
      for (let i = 0; i < 2; i++) {
        const query = await spans.take(
          (span) => span.kind === 'CLIENT' && String(span.attributes['db.query.text']).endsWith(name),
        );
        assert.equal(query.parentSpanId, caller.spanId);
      }
    }
  });

  test(`${version}: pool.connect with a callback hands a traced client to its caller's context`, async (t) => {
    const spans = collectSpans(t, { register: true });
    const pool = tracePool(openPool(t, module, { connectionString, max: 1 }));
    const first = await pool.connect();
    const waiting = withSpan(
      'waiting',
      (span) =>
        new Promise<void>((resolve, reject) => {
          pool.connect((error, client, release) => {
            assert.equal(activeSpan(), span);
            if (error || client === undefined) return reject(error);
            client.query('SELECT 1', (failure) => {
              assert.equal(activeSpan(), span);
              release();
              failure ? reject(failure) : resolve();
            });
          });
        }),
    );
    await withSpan('releasing', async () => first.release());
    await waiting;
    const query = await spans.take('CLIENT');
    assert.equal(query.parentSpanId, (await spans.take('waiting')).spanId);
    await spans.take('releasing');
  });

  test(`${version}: a transaction on a pool's client has a span for each of its queries`, async (t) => {
    const spans = collectSpans(t, { register: true });
    const pool = tracePool(openPool(t, module, { connectionString }));
    await withSpan('request', async () => {
      const client = await pool.connect();
      await client.query('BEGIN');
      await client.query('CREATE TEMP TABLE IF NOT EXISTS pool_test (n int)');
      await client.query('INSERT INTO pool_test VALUES ($1)', [1]);
      await client.query('ROLLBACK');
      client.release();
    });
    const request = await spans.take('request');
    const queries = spans.all();
    assert.deepEqual(
      queries.map((query) => query.name),
      ['BEGIN', 'CREATE TABLE pool_test', 'INSERT pool_test', 'ROLLBACK'],
    );
    assert.ok(queries.every((query) => query.parentSpanId === request.spanId));
  });

  test(`${version}: clients that a pool had before it was traced are traced too`, async (t) => {
    const spans = collectSpans(t, { register: true });
    const pool = openPool(t, module, { connectionString, max: 1 });
    await pool.query('SELECT 1');
    const client = await tracePool(pool).connect();
    await client.query('SELECT 2');
    client.release();
    await spans.take('CLIENT');
  });

  test(`${version}: queries of a connect handler belong to the request that needed the connection`, async (t) => {
    const spans = collectSpans(t, { register: true });
    const pool = openPool(t, module, { connectionString, max: 1 });
    pool.on('connect', (client) => client.query("SET application_name = 'test'"));
    tracePool(pool);
    await withSpan('request', () => pool.query('SELECT 1'));
    const request = await spans.take('request');
    const queries = spans.all();
    assert.deepEqual(queries.map((query) => query.name).sort(), ['SELECT', 'SET']);
    assert.ok(queries.every((query) => query.parentSpanId === request.spanId));
  });

  test(`${version}: a connection does not keep the span of the request that opened it`, async (t) => {
    const spans = collectSpans(t, { register: true });
    const pool = tracePool(openPool(t, module, { connectionString, max: 1 }));
    await withSpan('opener', () => pool.query('SELECT 1'));
    const client = await pool.connect();
    const active = await new Promise((resolve) => {
      // What the connection emits without being asked runs in its own context.
      client.once('notice', () => resolve(activeSpan()));
      void client.query("DO $$ BEGIN RAISE NOTICE 'hello'; END $$");
    });
    assert.equal(active, undefined);
    client.release();
    await spans.take('opener');
    await spans.take((span) => span.name === 'SELECT');
    await spans.take((span) => span.name === 'DO');
  });

  test(`${version}: an exhausted pool shows as a query that could not connect`, async (t) => {
    const spans = collectSpans(t, { register: true });
    const pool = tracePool(openPool(t, module, { connectionString, max: 1, connectionTimeoutMillis: 50 }));
    const client = await pool.connect();
    await assert.rejects(pool.query('SELECT 1 AS waits'), { message: 'timeout exceeded when trying to connect' });
    const span = await spans.take('CLIENT');
    assert.equal(span.attributes['error.type'], 'connect_timeout');
    assert.equal(span.attributes['db.response.status_code'], undefined);
    assert.equal(span.attributes['db.namespace'], 'postgres');
    client.release();
  });

  test(`${version}: a query on an ended pool`, async (t) => {
    const spans = collectSpans(t, { register: true });
    const pool = tracePool(new module.Pool({ connectionString }));
    await pool.query('SELECT 1');
    await spans.take('CLIENT');
    await pool.end();
    await assert.rejects(pool.query('SELECT 1'), { message: 'Cannot use a pool after calling end on the pool' });
    const span = await spans.take('CLIENT');
    assert.equal(span.attributes['error.type'], 'pool_ended');
    assert.equal(span.attributes['db.namespace'], 'postgres');
    const never = tracePool(new module.Pool({ connectionString }));
    await never.end();
    await assert.rejects(never.query('SELECT 1'));
    assert.equal((await spans.take('CLIENT')).attributes['db.namespace'], undefined);
  });

  test(`${version}: a database that does not answer`, async (t) => {
    const spans = collectSpans(t, { register: true });
    const pool = tracePool(openPool(t, module, { host: '127.0.0.1', port: 1, database: 'orders' }));
    await assert.rejects(pool.query('SELECT 1'), { code: 'ECONNREFUSED' });
    const { attributes, status } = await spans.take('CLIENT');
    assert.equal(attributes['error.type'], 'ECONNREFUSED');
    assert.equal(attributes['server.address'], '127.0.0.1');
    assert.equal(attributes['server.port'], 1);
    assert.equal(attributes['db.namespace'], 'orders');
    assert.equal(status.code, 2);
  });

  test(`${version}: one listener is added to a pool that hands out clients, however often; none to others`, async (t) => {
    const spans = collectSpans(t, { register: true });
    const pool = tracePool(openPool(t, module, { connectionString, max: 2 }));
    const countListeners = (): number =>
      ['connect', 'acquire', 'release', 'remove', 'error'].reduce((sum, name) => sum + pool.listenerCount(name), 0);
    for (let i = 0; i < 12; i++) await pool.query('SELECT 1');
    assert.equal(countListeners(), 0);
    for (let i = 0; i < 12; i++) (await pool.connect()).release();
    assert.equal(pool.listenerCount('release'), 1);
    assert.equal(countListeners(), 1);
    assert.equal(spans.all().length, 12);
  });

  test(`${version}: instances, classes and statics are what the application expects`, async (t) => {
    const traced = tracePg(module);
    const pool = openPool(t, traced as typeof pg, { connectionString });
    assert.ok(pool instanceof module.Pool);
    assert.ok(pool instanceof traced.Pool);
    const client = await pool.connect();
    assert.ok(client instanceof module.Client);
    assert.ok(client instanceof traced.Client);
    client.release();
    assert.equal(Reflect.get(traced.Client, 'Query'), module.Query);
    const patched = tracePool(openPool(t, module, { connectionString }));
    const other = await patched.connect();
    assert.ok(other instanceof module.Client);
    assert.equal(other.constructor.name, 'Client');
    assert.deepEqual(Object.keys(patched).sort(), Object.keys(new module.Pool()).sort());
    other.release();
  });

  test(`${version}: a client class of the application is traced and kept`, async (t) => {
    const spans = collectSpans(t, { register: true });
    class OwnClient extends module.Client {
      greet(): string {
        return 'hello';
      }
    }
    const { Pool } = tracePg(module);
    const pool = openPool(t, { Pool } as typeof pg, { connectionString, Client: OwnClient } as pg.PoolConfig);
    const client = await pool.connect();
    assert.ok(client instanceof OwnClient);
    assert.equal(client.greet(), 'hello');
    await client.query('SELECT 1');
    client.release();
    await spans.take('CLIENT');
  });

  test(`${version}: tracing what is traced already changes nothing`, async (t) => {
    const spans = collectSpans(t, { register: true });
    const { Client, Pool } = tracePg(tracePg(module) as typeof pg);
    const pool = tracePool(openPool(t, { Pool } as typeof pg, { connectionString, max: 1, Client } as pg.PoolConfig));
    const { query, connect } = pool;
    tracePool(pool);
    assert.equal(pool.query, query);
    assert.equal(pool.connect, connect);
    const client = traceClient(await pool.connect());
    await client.query('SELECT 1');
    client.release();
    await pool.query('SELECT 2');
    assert.equal(spans.all().length, 2);
  });
}

function wrongTargets(t: TestContext): Array<[what: string, call: () => unknown]> {
  const pool = openPool(t, pg, {});
  return [
    ['tracePool(undefined)', () => tracePool(undefined as never)],
    ['tracePool({})', () => tracePool({} as never)],
    ['tracePool(client)', () => tracePool(new pg.Client() as never)],
    ['traceClient(null)', () => traceClient(null as never)],
    ['tracePg(pool)', () => tracePg(pool as never)],
  ];
}

test('something else than what is asked for is refused at once', (t) => {
  for (const [what, call] of wrongTargets(t)) {
    assert.throws(call, { name: 'ClewError', code: 'CLEW_ERR_TARGET' }, what);
  }
});
