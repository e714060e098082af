import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test, type TestContext } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';

import { context, trace, withSpan } from '@clew/core';
import { type CollectedSpans, collectSpans } from '@clew/core/testing';
import pg from 'pg';
import Cursor from 'pg-cursor';
import QueryStream from 'pg-query-stream';

import { traceClient, tracePool } from '../src/index.ts';
import { openClient, openPool, startDatabase, VERSIONS } from './support.ts';

const connectionString = await startDatabase();

const SERIES = 'SELECT n FROM generate_series(1, $1::int) AS n';
// Fails in the row behind the tenth: 10 / 0.
const FAILING_SERIES = 'SELECT 10 / (11 - n) FROM generate_series(1, $1::int) AS n';

for (const [version, module] of VERSIONS) {
  const setUp = async (t: TestContext): Promise<{ spans: CollectedSpans; client: pg.Client }> => ({
    spans: collectSpans(t, { register: true }),
    client: await openClient(t, traceClient(new module.Client({ connectionString }))),
  });

  test(`${version}: a cursor's span lasts until its last row is read`, async (t) => {
    const { spans, client } = await setUp(t);
    await withSpan('request', async () => {
      const cursor = new Cursor(SERIES, [5]);
      assert.equal(client.query(cursor), cursor);
      assert.deepEqual(await cursor.read(3), [{ n: 1 }, { n: 2 }, { n: 3 }]);
      spans.assertNone();
      assert.deepEqual(await cursor.read(3), [{ n: 4 }, { n: 5 }]);
    });
    const request = await spans.take('request');
    const span = await spans.take('CLIENT');
    assert.equal(span.parentSpanId, request.spanId);
    assert.equal(span.attributes['db.query.text'], SERIES);
    assert.equal(span.status.code, 0);
  });

  test(`${version}: a cursor's span ends when it is closed early`, async (t) => {
    const { spans, client } = await setUp(t);
    const cursor = client.query(new Cursor(SERIES, [5]));
    await cursor.read(1);
    spans.assertNone();
    await cursor.close();
    assert.equal((await spans.take('CLIENT')).status.code, 0);
    await client.query('SELECT 1');
    await spans.take('CLIENT');
  });

  test(`${version}: an error in a cursor's second read is recorded, and given to the reader`, async (t) => {
    const { spans, client } = await setUp(t);
    const cursor = client.query(new Cursor(FAILING_SERIES, [20]));
    assert.equal((await cursor.read(5)).length, 5);
    const error = await cursor.read(10).catch((reason: pg.DatabaseError) => reason);
    assert.equal((error as pg.DatabaseError).code, '22012');
    const span = await spans.take('CLIENT');
    assert.equal(span.attributes['db.response.status_code'], '22012');
    // The server waits for the end of a cursor that failed.
    await cursor.close();
    await client.query('SELECT 1');
    await spans.take('CLIENT');
  });

  test(`${version}: a cursor calls back in the context of the call`, async (t) => {
    const { spans, client } = await setUp(t);
    await withSpan('request', async (request) => {
      const cursor = client.query(new Cursor(SERIES, [2]));
      const active = await new Promise((resolve) => cursor.read(5, () => resolve(trace.getSpan(context.active()))));
      assert.equal(active, request);
      const closed = await new Promise((resolve) => cursor.close(() => resolve(trace.getSpan(context.active()))));
      assert.equal(closed, request);
    });
    assert.equal(spans.all().length, 2);
  });

  test(`${version}: a cursor that nobody reads ends with the release of its client`, async (t) => {
    const spans = collectSpans(t, { register: true });
    const pool = tracePool(openPool(t, module, { connectionString }));
    const client = await pool.connect();
    client.query(new Cursor(SERIES, [5]));
    await nextTurn();
    spans.assertNone();
    // The connection cannot be used any more.
    client.release(true);
    await spans.take('CLIENT');
  });

  test(`${version}: a cursor that nobody reads ends with its client`, async (t) => {
    const spans = collectSpans(t, { register: true });
    const client = traceClient(new module.Client({ connectionString }));
    await client.connect();
    client.query(new Cursor(SERIES, [5]));
    await nextTurn();
    await client.end();
    assert.equal((await spans.take('CLIENT')).attributes['error.type'], 'connection_terminated');
  });

  test(`${version}: a stream's span lasts until its last row is read, and has its text`, async (t) => {
    const { spans, client } = await setUp(t);
    const rows: unknown[] = [];
    await withSpan('request', async (request) => {
      const stream = new QueryStream(SERIES, [10], { batchSize: 3 });
      assert.equal(client.query(stream), stream);
      for await (const row of stream) {
        rows.push(row);
        spans.assertNone();
        assert.equal(trace.getSpan(context.active()), request);
      }
    });
    assert.equal(rows.length, 10);
    const span = await spans.take('CLIENT');
    assert.equal(span.attributes['db.query.text'], SERIES);
    assert.equal(span.parentSpanId, (await spans.take('request')).spanId);
  });

  test(`${version}: a stream gives its rows in the context of the reader`, async (t) => {
    const { spans, client } = await setUp(t);
    await withSpan('request', async (request) => {
      const stream = client.query(new QueryStream(SERIES, [10], { batchSize: 3 }));
      const seen = new Set<unknown>();
      stream.on('data', () => seen.add(trace.getSpan(context.active())));
      await once(stream, 'end');
      assert.deepEqual([...seen], [request]);
    });
    assert.equal(spans.all().length, 2);
  });

  test(`${version}: a stream that is destroyed midway ends its span without an error`, async (t) => {
    const { spans, client } = await setUp(t);
    const stream = client.query(new QueryStream(SERIES, [1000], { batchSize: 2 }));
    for await (const row of stream) {
      assert.deepEqual(row, { n: 1 });
      break;
    }
    assert.equal((await spans.take('CLIENT')).status.code, 0);
    const other = client.query(new QueryStream(SERIES, [1000], { batchSize: 2 }));
    await once(other, 'readable');
    other.destroy();
    assert.equal((await spans.take('CLIENT')).status.code, 0);
    await client.query('SELECT 1');
    await spans.take('CLIENT');
  });

  test(`${version}: a stream that fails is recorded, and fails for its reader`, async (t) => {
    const { spans, client } = await setUp(t);
    const stream = client.query(new QueryStream(FAILING_SERIES, [20], { batchSize: 5 }));
    await assert.rejects(
      async () => {
        for await (const row of stream) assert.ok(row);
      },
      { code: '22012' },
    );
    assert.equal((await spans.take('CLIENT')).attributes['error.type'], '22012');
    await client.query('SELECT 1');
    await spans.take('CLIENT');
  });

  test(`${version}: a stream that its reader destroys with an error records that error`, async (t) => {
    const { spans, client } = await setUp(t);
    const stream = client.query(new QueryStream(SERIES, [1000], { batchSize: 2 }));
    await once(stream, 'readable');
    const failure = new RangeError('enough');
    stream.destroy(failure);
    await assert.rejects(once(stream, 'close'), failure);
    assert.equal((await spans.take('CLIENT')).attributes['error.type'], 'RangeError');
    await client.query('SELECT 1');
    await spans.take('CLIENT');
  });

  test(`${version}: nothing of ours handles the errors of a stream`, async (t) => {
    const { spans, client } = await setUp(t);
    const stream = client.query(new QueryStream('SELECT * FROM nowhere'));
    assert.equal(stream.listenerCount('error'), 0);
    stream.on('error', () => {});
    stream.resume();
    await spans.take('CLIENT');
  });
}

// The client of pg 8.11 does not tell a pool when a stream ends.
test('a traced pool runs a stream by itself', async (t) => {
  const spans = collectSpans(t, { register: true });
  const pool = tracePool(openPool(t, pg, { connectionString, max: 1 }));
  const stream = new QueryStream(SERIES, [4]);
  const done = pool.query(stream as never);
  assert.equal((await stream.toArray()).length, 4);
  await done;
  assert.equal((await spans.take('CLIENT')).attributes['db.query.text'], SERIES);
  await pool.query('SELECT 1');
  await spans.take('CLIENT');
});
