import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';

import { withSpan } from '@clew/core';
import { type CollectedSpans, collectSpans } from '@clew/core/testing';
import pg from 'pg';

import { type TracePgOptions, traceClient, tracePg, tracePool } from '../src/index.ts';
import { openPool, startDatabase } from './support.ts';

const connectionString = await startDatabase();

function setUp(t: TestContext, options?: TracePgOptions): { spans: CollectedSpans; pool: pg.Pool } {
  const spans = collectSpans(t, { register: true });
  return { spans, pool: tracePool(openPool(t, pg, { connectionString, max: 2 }), options) };
}

const LITERAL = "SELECT 'secret' AS s, 7 AS n";
const PARAMETERS = "SELECT $1::text AS s, 'kept' AS k";

const MODES: Array<[mode: TracePgOptions['queryText'], literal: string | undefined, parameters: string | undefined]> = [
  [undefined, 'SELECT ? AS s, ? AS n', PARAMETERS],
  ['sanitized', 'SELECT ? AS s, ? AS n', PARAMETERS],
  ['parameterized-only', undefined, PARAMETERS],
  ['always', LITERAL, PARAMETERS],
  ['never', undefined, undefined],
];

for (const [queryText, literal, parameters] of MODES) {
  test(`queryText: ${queryText ?? 'by default'}`, async (t) => {
    const { spans, pool } = setUp(t, queryText === undefined ? {} : { queryText });
    await pool.query(LITERAL);
    assert.equal((await spans.take('CLIENT')).attributes['db.query.text'], literal);
    await pool.query(PARAMETERS, ['x']);
    const span = await spans.take('CLIENT');
    assert.equal(span.attributes['db.query.text'], parameters);
    assert.equal(span.name, 'SELECT');
  });
}

test('a text is cut at 8192 characters', async (t) => {
  const { spans, pool } = setUp(t);
  await pool.query(`SELECT $1::text AS a${' '.repeat(9000)}`, ['x']);
  assert.equal(String((await spans.take('CLIENT')).attributes['db.query.text']).length, 8192);
});

test('summarize names the span, is called once for a text, and may leave it to us or throw', async (t) => {
  const asked: string[] = [];
  const { spans, pool } = setUp(t, {
    summarize(text) {
      asked.push(text);
      if (text.includes('throws')) throw new Error('from the hook');
      return text.includes('own') ? 'get the answer' : undefined;
    },
  });
  for (const text of ['SELECT 1 AS own', 'SELECT 1 AS own', 'SELECT 1 AS other', 'SELECT 1 AS throws'])
    await pool.query(text);
  const queries = spans.all();
  assert.deepEqual(
    queries.map((query) => query.name),
    ['get the answer', 'get the answer', 'SELECT', 'SELECT'],
  );
  assert.equal(queries[0]?.attributes['db.query.summary'], 'get the answer');
  assert.equal(asked.length, 3);
});

test('ignored queries get no span, and a hook that throws ignores nothing', async (t) => {
  const seen: unknown[] = [];
  const { spans, pool } = setUp(t, {
    ignore(query) {
      seen.push(query);
      if (query.text === 'SELECT 2') throw new Error('from the hook');
      return query.text === 'SELECT 1';
    },
  });
  await pool.query('SELECT 1');
  await pool.query('SELECT 2');
  await pool.query('SELECT $1::int', [3]);
  assert.equal(spans.all().length, 2);
  assert.deepEqual(seen.at(-1), { text: 'SELECT $1::int', values: [3] });
});

test('requireParent leaves out what happens outside of spans', async (t) => {
  const { spans, pool } = setUp(t, { requireParent: true });
  await pool.query('SELECT 1');
  spans.assertNone();
  await withSpan('request', () => pool.query('SELECT 1'));
  await spans.take('CLIENT');
  await spans.take('request');
});

test('recordParameters records values as text, without null and without the content of buffers', async (t) => {
  const { spans, pool } = setUp(t, { recordParameters: true });
  const values = ['x', 7, true, null, Buffer.from('secret'), new Date(0), { a: 1 }, 'y'.repeat(2000)];
  const casts = ['text', 'int', 'bool', 'text', 'bytea', 'timestamptz', 'json', 'text'].map(
    (type, i) => `$${i + 1}::${type}`,
  );
  await pool.query(`SELECT ${casts.join(', ')}`, values);
  const { attributes } = await spans.take('CLIENT');
  const recorded = values.map((_, i) => attributes[`db.query.parameter.${i}`]);
  assert.deepEqual(recorded.slice(0, 7), [
    'x',
    '7',
    'true',
    undefined,
    '<binary 6 bytes>',
    '1970-01-01T00:00:00.000Z',
    '{"a":1}',
  ]);
  assert.equal(String(recorded[7]).length, 1024);
});

test('recordReturnedRows records how many rows came back', async (t) => {
  const { spans, pool } = setUp(t, { recordReturnedRows: true });
  await pool.query('SELECT generate_series(1, 3)');
  await pool.query('SELECT 1; SELECT generate_series(1, 2)');
  await pool.query('SELECT 1 WHERE false');
  const client = await pool.connect();
  await client.query('SELECT generate_series(1, 4)');
  client.release();
  assert.deepEqual(
    spans.all().map((span) => span.attributes['db.response.returned_rows']),
    [3, 3, 0, 4],
  );
});

test('recordErrorMessage records the message, and never the detail', async (t) => {
  const { spans, pool } = setUp(t, { recordErrorMessage: true });
  await assert.rejects(pool.query("SELECT CAST('secret' AS integer)"));
  const { status, events } = await spans.take('CLIENT');
  assert.match(String(status.message), /invalid input syntax for type integer: "secret"/);
  assert.match(String(events[0]?.attributes?.['exception.message']), /secret/);
});

test('hooks add attributes at the start and with the result', async (t) => {
  const { spans, pool } = setUp(t, {
    queryAttributes: ({ values }) => ({ 'app.values': values?.length ?? 0 }),
    resultAttributes: ({ text }, result) => ({
      'app.text': String(text),
      'app.command': Array.isArray(result) ? '' : result.command,
    }),
  });
  await pool.query('SELECT $1::int', [1]);
  const { attributes } = await spans.take('CLIENT');
  assert.equal(attributes['app.values'], 1);
  assert.equal(attributes['app.text'], 'SELECT $1::int');
  assert.equal(attributes['app.command'], 'SELECT');
});

test('hooks that throw or reject change nothing for the application', async (t) => {
  const fail = (): never => {
    throw new Error('from the hook');
  };
  const reject = (() => Promise.reject(new Error('from the hook'))) as never;
  for (const hook of [fail, reject]) {
    const { spans, pool } = setUp(t, { queryAttributes: hook, resultAttributes: hook });
    assert.deepEqual((await pool.query('SELECT 7 AS n')).rows, [{ n: 7 }]);
    await spans.take('CLIENT');
    await spans.tracing.shutdown();
  }
});

test('semconv dup writes the old names beside the current ones', async (t) => {
  const { spans, pool } = setUp(t, { semconv: 'dup' });
  await pool.query("SELECT * FROM pg_class WHERE relname = 'none'");
  const { attributes } = await spans.take('CLIENT');
  const { port } = new URL(connectionString);
  assert.deepEqual(attributes, {
    'db.system.name': 'postgresql',
    'db.namespace': 'postgres',
    'db.query.summary': 'SELECT pg_class',
    'db.query.text': 'SELECT * FROM pg_class WHERE relname = ?',
    'server.address': '127.0.0.1',
    'server.port': Number(port),
    'db.system': 'postgresql',
    'db.statement': 'SELECT * FROM pg_class WHERE relname = ?',
    'db.name': 'postgres',
    'db.operation': 'SELECT',
    'db.sql.table': 'pg_class',
    'db.user': 'postgres',
    'db.rows': 0,
    'net.peer.name': '127.0.0.1',
    'net.peer.port': Number(port),
    'net.transport': 'ip_tcp',
  });
});

test('OTEL_SEMCONV_STABILITY_OPT_IN is read when a pool is traced, and the option wins', async (t) => {
  process.env.OTEL_SEMCONV_STABILITY_OPT_IN = 'http, DATABASE/dup';
  t.after(() => delete process.env.OTEL_SEMCONV_STABILITY_OPT_IN);
  const { spans, pool } = setUp(t);
  const stable = tracePool(openPool(t, pg, { connectionString }), { semconv: 'stable' });
  await pool.query('SELECT 1');
  assert.equal((await spans.take('CLIENT')).attributes['db.system'], 'postgresql');
  await stable.query('SELECT 1');
  assert.equal((await spans.take('CLIENT')).attributes['db.system'], undefined);
});

test('a provider that is given is used, and the global one is not', async (t) => {
  const global = collectSpans(t, { register: true });
  const own = collectSpans(t);
  const pool = tracePool(openPool(t, pg, { connectionString }), { tracerProvider: own.tracing.provider });
  await pool.query('SELECT 1');
  await own.take('CLIENT');
  global.assertNone();
});

const WRONG: Array<[options: object, message: RegExp]> = [
  [{ querytext: 'never' }, /tracePool has no option "querytext", did you mean "queryText"/],
  [{ queryText: 'sanitised' }, /queryText must be one of .*, got "sanitised", did you mean "sanitized"/],
  [{ recordParameters: 'yes' }, /recordParameters must be true or false, got "yes"/],
  [{ recordReturnedRows: 1 }, /recordReturnedRows must be true or false, got 1/],
  [{ recordErrorMessage: null }, /recordErrorMessage must be true or false, got null/],
  [{ requireParent: 0 }, /requireParent must be true or false, got 0/],
  [{ ignore: /x/ }, /ignore must be a function, got an object/],
  [{ summarize: 'x' }, /summarize must be a function, got "x"/],
  [{ semconv: 'old' }, /semconv must be one of stable, dup, got "old"/],
  [{ tracerProvider: {} }, /tracerProvider is not usable, got an object/],
];

for (const [options, message] of WRONG) {
  test(`a wrong option is refused: ${Object.keys(options).join()}`, (t) => {
    const pool = openPool(t, pg, { connectionString });
    assert.throws(() => tracePool(pool, options as TracePgOptions), {
      name: 'ClewError',
      code: 'CLEW_ERR_OPTION',
      message,
    });
    assert.throws(() => traceClient(new pg.Client(), options as TracePgOptions), { code: 'CLEW_ERR_OPTION' });
    assert.throws(() => tracePg(pg, options as TracePgOptions), { code: 'CLEW_ERR_OPTION' });
  });
}
