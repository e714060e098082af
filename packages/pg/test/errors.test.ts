import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';

import { withSpan } from '@clew/core';
import { collectSpans } from '@clew/core/testing';
import type pg from 'pg';

import { traceClient, tracePool } from '../src/index.ts';
import { openClient, openPool, startDatabase, VERSIONS } from './support.ts';

const connectionString = await startDatabase();

for (const [version, module] of VERSIONS) {
  test(`${version}: the application gets pg's very error, with a stack that leads to its own code`, async (t) => {
    const spans = collectSpans(t, { register: true });
    const pool = tracePool(openPool(t, module, { connectionString }));
    const client = await openClient(t, traceClient(new module.Client({ connectionString })));
    for (const queryable of [pool, client]) {
      const error = await (async function whereItWasAsked() {
        return await queryable.query('SELECT * FROM nowhere');
      })().catch((reason: pg.DatabaseError) => reason);
      assert.ok(error instanceof module.DatabaseError);
      assert.equal(error.code, '42P01');
      assert.match(String(error.stack), /whereItWasAsked/);
      await spans.take('CLIENT');
    }
  });

  test(`${version}: the message of an error is on no span that it passes`, async (t) => {
    const spans = collectSpans(t, { register: true });
    const pool = tracePool(openPool(t, module, { connectionString }));
    await assert.rejects(
      withSpan('request', () => withSpan('work', () => pool.query("SELECT CAST('secret' AS integer)"))),
      /secret/,
    );
    for (const name of ['SELECT', 'work', 'request']) {
      const { status, events } = await spans.take(name);
      assert.equal(status.code, 2);
      assert.equal(status.message, undefined);
      assert.doesNotMatch(JSON.stringify(events), /secret/);
    }
  });

  test(`${version}: an exception event has the type and the frames of the error`, async (t) => {
    const spans = collectSpans(t, { register: true });
    const client = await openClient(t, traceClient(new module.Client({ connectionString })));
    await assert.rejects(client.query("SELECT CAST('secret\n    at fake (secret.js:1:1)' AS integer)"));
    const { events } = await spans.take('CLIENT');
    const [event] = events;
    assert.equal(event?.name, 'exception');
    assert.equal(event?.attributes?.['exception.type'], 'error');
    assert.equal(event?.attributes?.['exception.message'], undefined);
    const stack = String(event?.attributes?.['exception.stacktrace']);
    assert.match(stack, /^error\n {4}at /);
    assert.doesNotMatch(stack, /secret/);
  });

  test(`${version}: an error is described once, on the span of its query`, async (t) => {
    const spans = collectSpans(t, { register: true });
    const pool = tracePool(openPool(t, module, { connectionString }));
    await assert.rejects(withSpan('request', () => pool.query('SELECT * FROM nowhere')));
    assert.equal((await spans.take('CLIENT')).events.length, 1);
    assert.equal((await spans.take('request')).events.length, 0);
  });

  test(`${version}: queries behind one that fails are not concerned`, async (t) => {
    const spans = collectSpans(t, { register: true });
    const client = await openClient(t, traceClient(new module.Client({ connectionString })));
    const outcomes = await Promise.allSettled(
      ['SELECT 1 AS a', 'SELECT * FROM nowhere', 'SELECT 3 AS c'].map((query) => client.query(query)),
    );
    assert.deepEqual(
      outcomes.map((outcome) => outcome.status),
      ['fulfilled', 'rejected', 'fulfilled'],
    );
    assert.deepEqual(
      spans.all().map((span) => span.attributes['error.type']),
      [undefined, '42P01', undefined],
    );
  });

  test(`${version}: a query on a client that has ended`, async (t) => {
    const spans = collectSpans(t, { register: true });
    const client = traceClient(new module.Client({ connectionString }));
    await client.connect();
    await client.end();
    await assert.rejects(client.query('SELECT 1'));
    assert.match(
      String((await spans.take('CLIENT')).attributes['error.type']),
      /^(client_closed|connection_terminated)$/,
    );
  });

  test(`${version}: queries that are still queued when their client ends`, async (t) => {
    const spans = collectSpans(t, { register: true });
    const client = traceClient(new module.Client({ connectionString }));
    await client.connect();
    client.on('error', () => {});
    const queries = ['SELECT 1', 'SELECT 2', 'SELECT 3'].map((query) => client.query(query));
    const [outcomes] = await Promise.all([Promise.allSettled(queries), client.end()]);
    assert.ok(outcomes.every((outcome) => outcome.status === 'rejected'));
    assert.deepEqual(
      spans.all().map((span) => span.attributes['error.type']),
      ['connection_terminated', 'connection_terminated', 'connection_terminated'],
    );
  });

  test(`${version}: a value that cannot be sent`, async (t) => {
    const spans = collectSpans(t, { register: true });
    const client = await openClient(t, traceClient(new module.Client({ connectionString })));
    const value = {
      toPostgres() {
        throw new RangeError('secret');
      },
    };
    await assert.rejects(client.query('SELECT $1::text', [value]), RangeError);
    const span = await spans.take('CLIENT');
    assert.equal(span.attributes['error.type'], 'RangeError');
    assert.doesNotMatch(JSON.stringify(span.events), /secret/);
  });

  test(`${version}: a callback that throws ends the process as it does without us`, async () => {
    const outcome = await run(`client.query('SELECT 1', () => { throw new Error('from the callback'); });`, version);
    assert.match(outcome.stderr, /from the callback/);
    assert.notEqual(outcome.code, 0);
  });

  test(`${version}: a rejection that nobody handles ends the process as it does without us`, async () => {
    for (const queryable of ['client', 'pool']) {
      const outcome = await run(`${queryable}.query('SELECT * FROM nowhere');`, version);
      assert.match(outcome.stderr, /relation "nowhere" does not exist/);
      assert.notEqual(outcome.code, 0);
    }
  });

  test(`${version}: a stream's error that nobody handles ends the process as it does without us`, async () => {
    const outcome = await run(`client.query(new QueryStream('SELECT * FROM nowhere')).resume();`, version);
    assert.match(outcome.stderr, /relation "nowhere" does not exist/);
    assert.notEqual(outcome.code, 0);
  });
}

/** Run a few lines in a process of their own, with a traced client and pool. */
async function run(lines: string, version: string): Promise<{ code: number | null; stderr: string }> {
  const program = `
    import { createRequire } from 'node:module';
    import { startTracing } from '@clew/core';
    import { traceClient, tracePool } from '@clew/pg';
    import QueryStream from 'pg-query-stream';
    const pg = createRequire(import.meta.url)('${version.replace(' ', '-')}');
    startTracing({ serviceName: 'test', exporter: 'none' });
    const pool = tracePool(new pg.Pool({ connectionString: '${connectionString}' }));
    const client = traceClient(new pg.Client({ connectionString: '${connectionString}' }));
    await client.connect();
    setTimeout(() => process.exit(0), 5000);
    ${lines}
  `;
  const args = ['--conditions=clew-source', '--input-type=module', '--eval', program];
  const child = spawn(process.execPath, args, { cwd: import.meta.dirname, stdio: ['ignore', 'ignore', 'pipe'] });
  const exited = new Promise<number | null>((resolve) => child.on('close', resolve));
  const stderr = await text(child.stderr);
  return { code: await exited, stderr };
}
