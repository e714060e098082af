/**
 * What every database package promises, on each back end: one span per query, nothing of the data in it, and an
 * application that sees nothing of it.
 */
import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import type { CollectedSpan } from '@clew/core/testing';
import { context, type Span, SpanStatusCode, trace } from '@clew/core';
import { suppressTracing } from '@opentelemetry/core';
import { type Backend, type BackendKind, BACKENDS, type BackendOptions, startBackend } from './backends.ts';

/** A callback as Node.js libraries call it. */
export type QueryCallback = (error: unknown, result?: unknown) => void;

/** A pool or client of the library. */
export interface DatabaseClient {
  /** Run a query; gives the library's own promise, or what the traced form made of it. */
  query(text: string, values?: readonly unknown[]): Promise<unknown>;
  /** The same with a callback. `undefined` when the library has no such form. */
  queryWithCallback?: ((text: string, values: readonly unknown[], callback: QueryCallback) => void) | undefined;
  close(): Promise<void>;
}

/** The library under test, with its real database. */
export interface DatabaseLibrary {
  /** The npm package that makes the spans. */
  readonly scope: string;
  /** `db.system.name` */
  readonly system: string;
  /** Open a client that runs two queries at the same time; traced twice, or not at all. */
  open(isTraced: boolean): Promise<DatabaseClient>;
  /** The part of a result that two runs of one query have in common. */
  comparable(result: unknown): unknown;
}

type DatabaseCase = readonly [title: string, run: (bench: DatabaseBench) => Promise<void>];

/** Texts that the library's database understands; SQL that all of them do. */
const SELECT_ONE = 'SELECT 1 AS one';
const SECRET = 'pa55word';
const SELECT_SECRET = `SELECT '${SECRET}' AS secret, 4711 AS pin`;
// The database quotes the value in its message.
const FAILS_WITH_DATA = `SELECT CAST('${SECRET}' AS integer)`;
const FAILS_WITHOUT_TABLE = 'SELECT * FROM there_is_no_such_table';

const CASES: readonly DatabaseCase[] = [
  ['a query has one CLIENT span, a child of the active one', oneSpan],
  ['a query with a callback has one CLIENT span, and calls back in its caller’s context', callback],
  ['a failed query carries the code of the database, and rejects with an error that is untouched', failed],
  ['a failed query with a callback carries the code of the database', failedCallback],
  ['literals, parameters and messages of errors are on no span', nothingLeaves],
  ['two requests at the same time keep their own traces', interleaved],
  ['a suppressed context queries without a span', suppressed],
  ['a query after the client was closed fails, and its span ends', afterClose],
];

const CASES_EVERYWHERE: readonly DatabaseCase[] = [
  ['results are those of the library', sameResult],
  ['errors are those of the library', sameError],
  ['nothing is left behind when the client is closed', nothingLeft],
];

/** Run the suite on every back end. Call it at the top level of a test file. */
export function databaseSuite(name: string, library: DatabaseLibrary): void {
  for (const kind of BACKENDS) {
    test(`${name} on ${kind === 'none' ? 'no provider' : kind}`, { timeout: 60_000 }, async (t) => {
      const bench = await DatabaseBench.start(t, kind, library);
      for (const [title, run] of kind === 'none' ? CASES_EVERYWHERE : [...CASES, ...CASES_EVERYWHERE]) {
        await t.test(title, () => run(bench));
      }
    });
  }
  for (const kind of ['clew', 'sdk'] as const) {
    test(`${name} on ${kind}: a trace that is not sampled has no spans, and its queries work`, async (t) => {
      const bench = await DatabaseBench.start(t, kind, library, { sampler: 0 });
      await inSpan('request', () => bench.client.query(SELECT_ONE));
      await assert.rejects(bench.client.query(FAILS_WITHOUT_TABLE));
      assert.deepEqual(bench.backend.all(), []);
    });
  }
}

/** One back end with one client; the cases run on it one after another. */
class DatabaseBench {
  readonly backend: Backend;
  readonly library: DatabaseLibrary;
  readonly client: DatabaseClient;

  constructor(backend: Backend, library: DatabaseLibrary, client: DatabaseClient) {
    this.backend = backend;
    this.library = library;
    this.client = client;
  }

  static async start(
    t: TestContext,
    kind: BackendKind,
    library: DatabaseLibrary,
    options?: BackendOptions,
  ): Promise<DatabaseBench> {
    const backend = startBackend(t, kind, options);
    const client = await library.open(true);
    t.after(() => client.close());
    return new DatabaseBench(backend, library, client);
  }

  takeQuery(): Promise<CollectedSpan> {
    return this.backend.take('CLIENT');
  }
}

async function inSpan<R>(name: string, fn: (span: Span) => Promise<R>): Promise<R> {
  return trace.getTracer('suite').startActiveSpan(name, async (span) => {
    try {
      return await fn(span);
    } finally {
      span.end();
    }
  });
}

function activeSpanId(): string | undefined {
  return trace.getSpan(context.active())?.spanContext().spanId;
}

async function caught(query: Promise<unknown>): Promise<Error & { code?: unknown }> {
  const error: unknown = await query.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof Error, 'the query fails with an error');
  return error;
}

async function oneSpan({ backend, library, client }: DatabaseBench): Promise<void> {
  const caller = await inSpan('request', async (span) => {
    await client.query(SELECT_ONE);
    assert.equal(activeSpanId(), span.spanContext().spanId);
    return span.spanContext();
  });
  const query = await backend.take('CLIENT');
  assert.equal(query.parentSpanId, caller.spanId);
  assert.equal(query.traceId, caller.traceId);
  assert.equal(query.scope, library.scope);
  assert.equal(query.name, 'SELECT');
  assert.equal(query.attributes['db.system.name'], library.system);
  assert.equal(query.attributes['db.query.summary'], 'SELECT');
  assert.equal(query.attributes['error.type'], undefined);
  assert.equal(query.status.code, SpanStatusCode.UNSET);
  await backend.take('request');
  // The client was traced twice.
  assert.deepEqual(backend.all(), []);
}

async function callback({ backend, client }: DatabaseBench): Promise<void> {
  const { queryWithCallback } = client;
  if (queryWithCallback === undefined) return;
  const caller = await inSpan('request', async (span) => {
    const active = await new Promise<string | undefined>((resolve, reject) => {
      queryWithCallback(SELECT_ONE, [], (error) => (error ? reject(error) : resolve(activeSpanId())));
    });
    assert.equal(active, span.spanContext().spanId);
    return span.spanContext();
  });
  assert.equal((await backend.take('CLIENT')).parentSpanId, caller.spanId);
  await backend.take('request');
  assert.deepEqual(backend.all(), []);
}

async function failed(bench: DatabaseBench): Promise<void> {
  const error = await caught(bench.client.query(FAILS_WITHOUT_TABLE));
  assertFailed(await bench.takeQuery(), error);
}

async function failedCallback(bench: DatabaseBench): Promise<void> {
  const { queryWithCallback } = bench.client;
  if (queryWithCallback === undefined) return;
  const error = await new Promise<Error & { code?: unknown }>((resolve) => {
    // Only errors are given to it here.
    queryWithCallback(FAILS_WITHOUT_TABLE, [], (reason) => resolve(reason as Error));
  });
  assertFailed(await bench.takeQuery(), error);
}

function assertFailed(query: CollectedSpan, error: Error & { code?: unknown }): void {
  assert.equal(query.status.code, SpanStatusCode.ERROR);
  assert.equal(query.status.message, undefined);
  assert.equal(typeof error.code, 'string');
  assert.equal(query.attributes['db.response.status_code'], error.code);
  assert.equal(query.attributes['error.type'], error.code);
  assert.deepEqual(
    query.events.map((event) => event.name),
    ['exception'],
  );
}

async function nothingLeaves(bench: DatabaseBench): Promise<void> {
  await inSpan('request', async (span) => {
    await bench.client.query(SELECT_SECRET);
    await bench.client.query('SELECT CAST($1 AS text)', [SECRET]);
    const error = await caught(bench.client.query(FAILS_WITH_DATA));
    assert.match(error.message, new RegExp(SECRET), 'the database quotes the value, else this proves nothing');
    span.setStatus({ code: SpanStatusCode.ERROR });
  });
  const spans = bench.backend.all();
  assert.equal(spans.length, 4);
  for (const { span, ...collected } of spans) {
    const { name, attributes, events, status } = span;
    assert.doesNotMatch(JSON.stringify([collected, name, attributes, events, status]), /pa55word|4711/);
  }
}

async function interleaved(bench: DatabaseBench): Promise<void> {
  const names = ['a', 'b', 'c'];
  const callers = await Promise.all(
    names.map((name) =>
      inSpan(name, async (span) => {
        for (let i = 0; i < 3; i++) {
          await bench.client.query(`SELECT 1 AS ${name}${i}`);
          assert.equal(activeSpanId(), span.spanContext().spanId);
        }
        return span.spanContext();
      }),
    ),
  );
  const spans = bench.backend.all();
  for (const { spanId, traceId } of callers) {
    const own = spans.filter((span) => span.kind === 'CLIENT' && span.parentSpanId === spanId);
    assert.equal(own.length, 3);
    assert.ok(own.every((span) => span.traceId === traceId));
  }
  assert.equal(spans.length, 12);
}

async function suppressed({ backend, client }: DatabaseBench): Promise<void> {
  await context.with(suppressTracing(context.active()), () => client.query(SELECT_ONE));
  await client.query('SELECT 2 AS two');
  const query = await backend.take('CLIENT');
  assert.equal(query.attributes['db.query.text'], 'SELECT ? AS two');
  assert.deepEqual(backend.all(), []);
}

async function afterClose({ backend, library }: DatabaseBench): Promise<void> {
  const client = await library.open(true);
  await client.query(SELECT_ONE);
  await backend.take('CLIENT');
  await client.close();
  await caught(client.query(SELECT_ONE));
  const query = await backend.take('CLIENT');
  assert.equal(query.status.code, SpanStatusCode.ERROR);
  assert.equal(typeof query.attributes['error.type'], 'string');
  assert.equal(query.attributes['db.response.status_code'], undefined);
}

async function sameResult({ backend, library, client }: DatabaseBench): Promise<void> {
  const bare = await library.open(false);
  for (const [text, values] of [
    [SELECT_SECRET, undefined],
    ['SELECT CAST($1 AS text) AS a', ['x']],
  ] as const) {
    const expected = library.comparable(await bare.query(text, values));
    assert.deepEqual(library.comparable(await client.query(text, values)), expected);
  }
  await bare.close();
  backend.all();
}

async function sameError({ backend, library, client }: DatabaseBench): Promise<void> {
  const bare = await library.open(false);
  const expected = await caught(bare.query(FAILS_WITH_DATA));
  const error = await caught(client.query(FAILS_WITH_DATA));
  assert.equal(error.message, expected.message);
  assert.deepEqual({ ...error }, { ...expected });
  assert.equal(error.constructor, expected.constructor);
  await bare.close();
  backend.all();
}

async function nothingLeft({ backend, library }: DatabaseBench): Promise<void> {
  const before = resources();
  const client = await library.open(true);
  await Promise.all([client.query(SELECT_ONE), client.query(SELECT_ONE)]);
  await client.query(FAILS_WITHOUT_TABLE).catch(() => undefined);
  await client.close();
  backend.all();
  // Sockets say goodbye after `close` has resolved.
  const deadlineMs = performance.now() + 5000;
  while (resources().length > before.length && performance.now() < deadlineMs) await new Promise(setImmediate);
  assert.ok(resources().length <= before.length, `before: ${before}; left: ${resources()}`);
}

function resources(): string[] {
  return process
    .getActiveResourcesInfo()
    .filter((resource) => /TCP|Timeout/.test(resource))
    .sort();
}
