import assert from 'node:assert/strict';
import { Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { test } from 'node:test';

import { collectSpans } from '@clew/core/testing';
import type pg from 'pg';

import { openTraced, VERSIONS } from './support.ts';

/** pg's connection, as far as COPY needs it. */
interface CopyConnection {
  query(text: string): void;
  sendCopyFromChunk(chunk: Buffer): void;
  endCopyFrom(): void;
  sendCopyFail(message: string): void;
}

type Done = (error?: Error | null) => void;

/** COPY … FROM STDIN as a stream, by the methods that pg calls on query objects. */
class CopyFrom extends Writable {
  readonly text: string;
  #connection: CopyConnection | undefined;
  #ready: Done = () => {};
  #finished: Done = () => {};

  constructor(text: string) {
    super();
    this.text = text;
    this.cork();
  }

  submit(connection: pg.Connection): void {
    // Its types lack the methods for COPY.
    this.#connection = connection as unknown as CopyConnection;
    this.#connection.query(this.text);
  }

  handleCopyInResponse(): void {
    this.uncork();
    this.#ready();
  }

  handleCommandComplete(): void {}

  handleReadyForQuery(): void {
    this.#finished();
  }

  handleError(error: Error): void {
    this.destroy(error);
  }

  override _write(chunk: Buffer, _encoding: string, done: Done): void {
    this.#connection?.sendCopyFromChunk(chunk);
    done();
  }

  override _final(done: Done): void {
    this.#finished = done;
    this.#connection?.endCopyFrom();
  }

  override _destroy(error: Error | null, done: Done): void {
    if (error !== null && !('severity' in error)) this.#connection?.sendCopyFail('given up');
    done(error);
  }
}

/** COPY … TO STDOUT as a stream. */
class CopyTo extends Readable {
  readonly text: string;

  constructor(text: string) {
    super();
    this.text = text;
  }

  submit(connection: pg.Connection): void {
    connection.query(this.text);
  }

  handleCopyData({ chunk }: { chunk: Buffer }): void {
    this.push(chunk);
  }

  handleCommandComplete(): void {}

  handleReadyForQuery(): void {
    this.push(null);
  }

  handleError(error: Error): void {
    this.destroy(error);
  }

  override _read(): void {}
}

for (const [version, module] of VERSIONS) {
  const prepare = async (client: pg.Client): Promise<void> => {
    await client.query('CREATE TEMP TABLE copied (n int)');
  };

  test(`${version}: COPY FROM and COPY TO each have one span, until the end of the stream`, async (t) => {
    const spans = collectSpans(t, { register: true });
    const client = await openTraced(t, module);
    await prepare(client);
    await pipeline(Readable.from(['1\n', '2\n', '3\n']), client.query(new CopyFrom('COPY copied FROM STDIN')));
    const rows = await client.query(new CopyTo('COPY (SELECT n FROM copied ORDER BY n) TO STDOUT')).toArray();
    assert.equal(Buffer.concat(rows).toString(), '1\n2\n3\n');
    const [, from, to] = spans.all();
    assert.equal(from?.name, 'COPY copied');
    assert.equal(from?.attributes['db.query.text'], 'COPY copied FROM STDIN');
    assert.equal(to?.name, 'COPY SELECT copied');
    assert.equal(to?.status.code, 0);
  });

  test(`${version}: rows that the server refuses fail the span of the COPY`, async (t) => {
    const spans = collectSpans(t, { register: true });
    const client = await openTraced(t, module);
    await prepare(client);
    await assert.rejects(
      pipeline(Readable.from(['no number\n']), client.query(new CopyFrom('COPY copied FROM STDIN'))),
    );
    const [, copy] = spans.all();
    assert.equal(copy?.attributes['db.response.status_code'], '22P02');
    assert.doesNotMatch(JSON.stringify(copy?.events), /no number/);
    await client.query('SELECT 1');
    await spans.take('CLIENT');
  });

  test(`${version}: a COPY whose source fails midway records that error`, async (t) => {
    const spans = collectSpans(t, { register: true });
    const client = await openTraced(t, module);
    await prepare(client);
    const source = Readable.from(
      (function* () {
        yield '1\n';
        throw new RangeError('the source is broken');
      })(),
    );
    const failed = assert.rejects(pipeline(source, client.query(new CopyFrom('COPY copied FROM STDIN'))), RangeError);
    await failed;
    const [, copy] = spans.all();
    assert.equal(copy?.attributes['error.type'], 'RangeError');
    assert.equal((await client.query('SELECT count(*)::int AS n FROM copied')).rows[0].n, 0);
    await spans.take('CLIENT');
  });

  test(`${version}: a COPY whose client is destroyed ends`, async (t) => {
    const spans = collectSpans(t, { register: true });
    const client = await openTraced(t, module);
    client.on('error', () => {});
    await prepare(client);
    await spans.take('CLIENT');
    const copy = client.query(new CopyTo('COPY (SELECT generate_series(1, 1000000)) TO STDOUT'));
    const closed = new Promise((resolve) => copy.once('close', resolve));
    copy.on('error', () => {});
    copy.once('data', () => void client.end());
    await closed;
    assert.equal((await spans.take('CLIENT')).attributes['error.type'], 'connection_terminated');
  });
}
