import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';

import { context, trace, withSpan } from '@clew/core';
import { collectSpans } from '@clew/core/testing';
import type pg from 'pg';

import { traceClient, tracePool } from '../src/index.ts';
import { openClient, openPool, startDatabase, VERSIONS } from './support.ts';

const connectionString = await startDatabase();

/** What is read of both a pool and a client. */
type Query = (...args: unknown[]) => unknown;

const TEXT = 'SELECT $1::int AS n';

/** A query object with a getter, as template libraries make them. */
class Template {
  readonly #n: number;
  readonly strings = ['SELECT ', '::int AS n'];
  readonly values: number[];

  constructor(n: number) {
    this.#n = n;
    this.values = [n];
  }

  get text(): string {
    return this.strings.join(`$${this.values.length}`);
  }

  get sum(): number {
    return this.#n;
  }
}

// Connections to the embedded database share their statements.
let names = 0;

const PROMISES: Array<[shape: string, args: () => unknown[], text: string]> = [
  ['(text)', () => ['SELECT 7 AS n'], 'SELECT ? AS n'],
  ['(text, values)', () => [TEXT, [7]], TEXT],
  ['(config)', () => [{ text: TEXT, values: [7] }], TEXT],
  ['(config, values)', () => [{ text: TEXT }, [7]], TEXT],
  ['(config with a name)', () => [{ name: `seven ${++names}`, text: 'SELECT 7 AS n' }], 'SELECT 7 AS n'],
  ['(instance with a getter)', () => [new Template(7)], TEXT],
  ['(text, undefined, undefined)', () => ['SELECT 7 AS n', undefined, undefined], 'SELECT ? AS n'],
];

const CALLBACKS: Array<[shape: string, args: (callback: Query) => unknown[], text: string]> = [
  ['(text, callback)', (callback) => ['SELECT 7 AS n', callback], 'SELECT ? AS n'],
  ['(text, values, callback)', (callback) => [TEXT, [7], callback], TEXT],
  ['(text, undefined, callback)', (callback) => ['SELECT 7 AS n', undefined, callback], 'SELECT ? AS n'],
  ['(config, callback)', (callback) => [{ text: TEXT, values: [7] }, callback], TEXT],
  ['(config, values, callback)', (callback) => [{ text: TEXT }, [7], callback], TEXT],
];

async function openBoth(t: TestContext, module: typeof pg): Promise<Array<[what: string, query: Query]>> {
  const pool = tracePool(openPool(t, module, { connectionString, max: 1 }));
  const client = await openClient(t, traceClient(new module.Client({ connectionString })));
  // The shapes are more than the types of pg allow.
  return [
    ['pool', pool.query.bind(pool) as Query],
    ['client', client.query.bind(client) as Query],
  ];
}

for (const [version, module] of VERSIONS) {
  test(`${version}: every shape with a promise`, async (t) => {
    const spans = collectSpans(t, { register: true });
    for (const [what, query] of await openBoth(t, module)) {
      const shapes = [...PROMISES];
      // The pool of pg 8.11 writes a callback into it.
      if (what === 'client') shapes.push(['(frozen config)', () => [Object.freeze({ text: TEXT, values: [7] })], TEXT]);
      for (const [shape, args, text] of shapes) {
        await t.test(`${what}.query${shape}`, async () => {
          const promise = query(...args());
          assert.ok(promise instanceof Promise);
          assert.deepEqual(((await promise) as pg.QueryResult).rows, [{ n: 7 }]);
          const span = await spans.take('CLIENT');
          assert.equal(span.attributes['db.query.text'], text);
          assert.equal(span.name, 'SELECT');
          spans.assertNone();
        });
      }
    }
  });

  test(`${version}: every shape with a callback`, async (t) => {
    const spans = collectSpans(t, { register: true });
    for (const [what, query] of await openBoth(t, module)) {
      const shapes: typeof CALLBACKS = [...CALLBACKS];
      // A pool has a callback of its own for it.
      if (what === 'client')
        shapes.push(['(config with a callback)', (callback) => [{ text: TEXT, values: [7], callback }], TEXT]);
      for (const [shape, args, text] of shapes) {
        await t.test(`${what}.query${shape}`, async () => {
          await withSpan('request', async (request) => {
            const result = await new Promise<pg.QueryResult>((resolve, reject) => {
              const returned = query(
                ...args((error, result) => {
                  assert.equal(trace.getSpan(context.active()), request);
                  if (error) reject(error);
                  else resolve(result as pg.QueryResult);
                }),
              );
              assert.equal(returned, undefined);
            });
            assert.deepEqual(result.rows, [{ n: 7 }]);
          });
          const span = await spans.take('CLIENT');
          assert.equal(span.parentSpanId, (await spans.take('request')).spanId);
          assert.equal(span.attributes['db.query.text'], text);
          spans.assertNone();
        });
      }
    }
  });

  test(`${version}: a config with a callback can be used again, and is not changed`, async (t) => {
    const spans = collectSpans(t, { register: true });
    const client = await openClient(t, traceClient(new module.Client({ connectionString })));
    let calls = 0;
    const config = { text: 'SELECT 7 AS n', callback: () => calls++ };
    const { callback } = config;
    for (let i = 0; i < 2; i++) client.query(config as never);
    await client.query('SELECT 8');
    assert.equal(calls, 2);
    assert.equal(config.callback, callback);
    assert.deepEqual(Object.keys(config), ['text', 'callback']);
    assert.equal(spans.all().length, 3);
  });

  test(`${version}: rowMode and a text with several statements give what pg gives`, async (t) => {
    const spans = collectSpans(t, { register: true });
    for (const [, query] of await openBoth(t, module)) {
      const rows = (await query({ text: TEXT, values: [7], rowMode: 'array' })) as pg.QueryArrayResult;
      assert.deepEqual(rows.rows, [[7]]);
      const results = (await query('SELECT 7 AS n; SELECT 8 AS n')) as pg.QueryResult[];
      assert.deepEqual(
        results.map((result) => result.rows[0].n),
        [7, 8],
      );
      const [first, second] = spans.all();
      assert.equal(first?.name, 'SELECT');
      assert.equal(second?.name, 'SELECT SELECT');
      assert.equal(second?.attributes['db.query.text'], 'SELECT ? AS n; SELECT ? AS n');
    }
  });

  test(`${version}: a named statement runs again by its name alone`, async (t) => {
    const spans = collectSpans(t, { register: true });
    const client = await openClient(t, traceClient(new module.Client({ connectionString })));
    const name = `again ${++names}`;
    await client.query({ name, text: 'SELECT 7 AS n' });
    const { rows } = await client.query({ name } as pg.QueryConfig);
    assert.deepEqual(rows, [{ n: 7 }]);
    const [, byName] = spans.all();
    assert.equal(byName?.name, 'postgres');
    assert.equal(byName?.attributes['db.query.text'], undefined);
  });

  for (const nothing of [null, undefined]) {
    test(`${version}: query(${nothing}) throws what pg throws, and makes no span`, async (t) => {
      const spans = collectSpans(t, { register: true });
      const client = await openClient(t, traceClient(new module.Client({ connectionString })));
      assert.throws(() => client.query(nothing as never), /^TypeError: Client was passed a null or undefined query$/);
      spans.assertNone();
    });
  }

  test(`${version}: a function as the first argument of pool.query fails as in pg, and makes no span`, async (t) => {
    const spans = collectSpans(t, { register: true });
    const pool = tracePool(openPool(t, module, { connectionString }));
    const error = await new Promise<Error>((resolve) => pool.query(resolve as never));
    assert.match(error.message, /Passing a function as the first parameter/);
    spans.assertNone();
  });

  test(`${version}: a query that cannot be sent ends its span with the error`, async (t) => {
    const spans = collectSpans(t, { register: true });
    const client = await openClient(t, traceClient(new module.Client({ connectionString })));
    await assert.rejects(client.query({} as pg.QueryConfig), /must have either text or a name/);
    const span = await spans.take('CLIENT');
    assert.equal(span.attributes['error.type'], '_OTHER');
    assert.deepEqual((await client.query('SELECT 7 AS n')).rows, [{ n: 7 }]);
    await spans.take('CLIENT');
  });

  test(`${version}: pg's own Query object works with events and with a callback`, async (t) => {
    const spans = collectSpans(t, { register: true });
    const client = await openClient(t, traceClient(new module.Client({ connectionString })));
    const query = new module.Query('SELECT 7 AS n', [] as never);
    const rows: unknown[] = [];
    await withSpan('request', async (request) => {
      assert.equal(client.query(query), query);
      query.on('row', (row) => rows.push(row));
      const active = await new Promise((resolve) => query.once('end', () => resolve(trace.getSpan(context.active()))));
      assert.equal(active, request);
    });
    assert.deepEqual(rows, [{ n: 7 }]);
    assert.equal((await spans.take('CLIENT')).parentSpanId, (await spans.take('request')).spanId);

    const failing = new module.Query('SELECT * FROM nowhere');
    client.query(failing);
    const error = await new Promise<pg.DatabaseError>((resolve) => failing.once('error', resolve as never));
    assert.equal((await spans.take('CLIENT')).attributes['error.type'], error.code);

    const result = await new Promise((resolve, reject) => {
      const own = new module.Query('SELECT 8 AS n', ((failure: Error, answer: pg.QueryResult) =>
        failure ? reject(failure) : resolve(answer.rows)) as never);
      client.query(own);
    });
    assert.deepEqual(result, [{ n: 8 }]);
    assert.equal((await spans.take('CLIENT')).attributes['db.query.text'], 'SELECT ? AS n');
  });

  test(`${version}: a promise library that the application gives to pg is the one that comes back`, async (t) => {
    const spans = collectSpans(t, { register: true });
    class OwnPromise<T> extends Promise<T> {}
    const options = { connectionString, Promise: OwnPromise } as pg.PoolConfig;
    const client = await openClient(t, traceClient(new module.Client(options)));
    const pool = tracePool(openPool(t, module, options));
    for (const queryable of [client, pool]) {
      const promise = queryable.query('SELECT 7 AS n');
      assert.ok(promise instanceof OwnPromise);
      await promise;
    }
    assert.equal(spans.all().length, 2);
  });
}
