import assert from 'node:assert/strict';
import { test } from 'node:test';

import pg from 'pg';

import { connectionFacts, POSTGRESQL } from '../src/spans.ts';
import { VERSIONS } from './support.ts';

type Facts = ReturnType<typeof connectionFacts>;

const CONNECTIONS: Array<[what: string, config: pg.ClientConfig, facts: Partial<Facts>]> = [
  [
    'options',
    { host: 'db', port: 6543, database: 'orders', user: 'me' },
    { address: 'db', port: 6543, database: 'orders', user: 'me' },
  ],
  ['the default port', { host: 'db', database: 'orders' }, { address: 'db', port: 5432 }],
  [
    'a socket directory',
    { host: '/var/run/postgresql', database: 'orders' },
    { address: '/var/run/postgresql', port: 5432 },
  ],
  ['IPv6', { connectionString: 'postgres://me@[::1]:6543/orders' }, { address: '::1', port: 6543 }],
  [
    'a connection string with a password',
    { connectionString: 'postgres://me:p%40ss@db:6543/or%20ders' },
    { address: 'db', port: 6543, database: 'or ders', user: 'me', schema: undefined },
  ],
  [
    'a schema in the connection string',
    { connectionString: 'postgres://db/orders?options=-c%20search_path%3Dapp' },
    { schema: 'app' },
  ],
  ['a list of schemas', { options: '-c statement_timeout=5 -c search_path=app,public' }, { schema: 'app' }],
  ['the long form', { options: '--search_path=app' }, { schema: 'app' }],
  ['a quoted schema', { options: '-csearch_path="My App",public' }, { schema: 'My App' }],
  ['the schema of the user', { options: '-c search_path="$user",public' }, { schema: undefined }],
  ['other options', { options: '-c work_mem=64MB' }, { schema: undefined }],
];

for (const [version, module] of VERSIONS) {
  for (const [what, config, facts] of CONNECTIONS) {
    test(`${version}: where a client connects to: ${what}`, () => {
      const all: Record<string, unknown> = { ...connectionFacts(new module.Client(config)) };
      for (const [key, value] of Object.entries(facts)) assert.equal(all[key], value, key);
    });
  }
}

test('facts that are of no use are left out', () => {
  const nothing = { database: undefined, schema: undefined, address: undefined, port: undefined, user: undefined };
  assert.deepEqual(connectionFacts({}), nothing);
  assert.deepEqual(
    connectionFacts({ host: '', port: Number.NaN, database: null, user: 7, connectionParameters: { options: 7 } }),
    nothing,
  );
});

function serverError(code: string): Error {
  return Object.assign(new pg.DatabaseError('a message', 9, 'error'), { code, severity: 'ERROR' });
}

const CODES: Array<[what: string, error: unknown, code: string | undefined]> = [
  ['a duplicate key', serverError('23505'), '23505'],
  ['no table', serverError('42P01'), '42P01'],
  ['a class of an extension', serverError('XX000'), 'XX000'],
  ['a network error with five letters', Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }), undefined],
  ['lower case', serverError('42p01'), undefined],
  ['six characters', serverError('420001'), undefined],
  ['no error at all', { code: '23505', severity: 'ERROR' }, undefined],
  ['undefined', undefined, undefined],
];

for (const [what, error, code] of CODES) {
  test(`SQLSTATE of ${what}`, () => assert.equal(POSTGRESQL.statusCode(error), code));
}

const DRIVER_ERRORS: Array<[message: string, type: string | undefined]> = [
  ['Query read timeout', 'query_timeout'],
  ['timeout exceeded when trying to connect', 'connect_timeout'],
  ['timeout expired', 'connect_timeout'],
  ['Connection terminated due to connection timeout', 'connect_timeout'],
  ['Connection terminated unexpectedly', 'connection_terminated'],
  ['Connection terminated', 'connection_terminated'],
  ['Client has encountered a connection error and is not queryable', 'connection_terminated'],
  ['Client was closed and is not queryable', 'client_closed'],
  ['Cannot use a pool after calling end on the pool', 'pool_ended'],
  ['something else', undefined],
];

for (const [message, type] of DRIVER_ERRORS) {
  test(`type of the driver's error: ${message}`, () =>
    assert.equal(POSTGRESQL.libraryErrorType(new Error(message)), type));
}

test('rows are counted in one result, in several, and in none', () => {
  const result = (rows: unknown[]) => ({ command: 'SELECT', rowCount: rows.length, rows });
  assert.equal(POSTGRESQL.rowCount(result([1, 2])), 2);
  assert.equal(POSTGRESQL.rowCount([result([1]), result([]), result([2, 3])]), 3);
  assert.equal(POSTGRESQL.rowCount(undefined as never), undefined);
});
