import assert from 'node:assert/strict';
import { test } from 'node:test';

import fc from 'fast-check';

import { MAX_SUMMARY_LENGTH, summarizeQuery } from '../../src/database/summarize-query.ts';

const SUMMARIES: Array<[text: string, summary: string | undefined]> = [
  // Reading
  ['SELECT * FROM wuser_table', 'SELECT wuser_table'],
  ['select * from users', 'select users'],
  ['SELECT * FROM songs, artists', 'SELECT songs artists'],
  ['SELECT * FROM songs s JOIN artists a ON s.artist = a.id WHERE s.x IN (1, 2)', 'SELECT songs artists'],
  ['SELECT * FROM songs AS s LEFT OUTER JOIN artists USING (id), albums', 'SELECT songs artists albums'],
  ['SELECT * FROM (songs JOIN artists ON true)', 'SELECT songs artists'],
  ['SELECT * FROM "song list", \'artists\'', 'SELECT "song list"'],
  ['SELECT * FROM public.songs', 'SELECT public.songs'],
  ['SELECT * FROM "My App" . "Song ""List"""', 'SELECT "My App"."Song ""List"""'],
  ['SELECT * FROM ONLY songs', 'SELECT songs'],
  ['SELECT * FROM comment, "end", lock', 'SELECT comment "end" lock'],
  ['SELECT a, b, c FROM songs ORDER BY a, b', 'SELECT songs'],
  ['SELECT 1', 'SELECT'],
  ['SELECT a FROM x UNION ALL SELECT b FROM y', 'SELECT x SELECT y'],
  ['SELECT * FROM songs FOR UPDATE OF songs', 'SELECT songs'],
  ['SELECT a INTO copied FROM songs', 'SELECT copied songs'],
  ['TABLE songs', 'TABLE songs'],
  ['VALUES (1), (2)', 'VALUES'],
  // Sub-selects and functions
  ['SELECT * FROM (SELECT * FROM orders) o JOIN customers c ON true', 'SELECT SELECT orders customers'],
  ['SELECT (SELECT max(id) FROM a) FROM b', 'SELECT SELECT a b'],
  ['SELECT * FROM a WHERE id IN (SELECT id FROM b)', 'SELECT a SELECT b'],
  ['SELECT * FROM generate_series(1, 10)', 'SELECT'],
  ['SELECT * FROM a, LATERAL unnest(a.tags) AS tag, b', 'SELECT a b'],
  ['SELECT * FROM (VALUES (1, 2), (3, 4)) v, a', 'SELECT a'],
  ["SELECT EXTRACT(year FROM at), trim(both 'x' FROM name), substring(name FROM 2) FROM a", 'SELECT a'],
  ['SELECT * FROM a WHERE x IS DISTINCT FROM y', 'SELECT a'],
  // Common table expressions
  [
    'WITH recent AS (SELECT * FROM orders) SELECT * FROM recent JOIN customers ON true',
    'SELECT orders SELECT customers',
  ],
  [
    'WITH RECURSIVE tree(id) AS (SELECT id FROM nodes UNION SELECT id FROM nodes JOIN tree ON true), "B" AS (SELECT 1) ' +
      'SELECT * FROM tree, "B"',
    'SELECT nodes SELECT nodes SELECT SELECT',
  ],
  ['WITH gone AS (DELETE FROM a RETURNING *) INSERT INTO b SELECT * FROM gone', 'DELETE a INSERT b SELECT'],
  ['INSERT INTO a WITH x AS (SELECT * FROM b) SELECT * FROM x', 'INSERT a SELECT b SELECT'],
  // Writing
  ['INSERT INTO shipping_details (a, b) SELECT a, b FROM orders', 'INSERT shipping_details SELECT orders'],
  ['INSERT INTO t (comment, "end") VALUES ($1, $2), ($3, $4) RETURNING id', 'INSERT t'],
  ['INSERT INTO t VALUES (1) ON CONFLICT (id) DO UPDATE SET a = excluded.a', 'INSERT t'],
  ['UPDATE t SET a = 1, b = 2 WHERE id = 3', 'UPDATE t'],
  ['UPDATE ONLY t SET a = b.x FROM b, c WHERE true', 'UPDATE t b c'],
  ['DELETE FROM t WHERE id = 1', 'DELETE t'],
  ['DELETE FROM t USING a, b WHERE true', 'DELETE t a b'],
  ['MERGE INTO t USING s ON true WHEN MATCHED THEN UPDATE SET a = 1 WHEN NOT MATCHED THEN DELETE', 'MERGE t s'],
  ['MERGE INTO t USING (SELECT * FROM s) s ON true WHEN MATCHED THEN DO NOTHING', 'MERGE t SELECT s'],
  ['TRUNCATE TABLE a, ONLY b CASCADE', 'TRUNCATE a b'],
  ['COPY orders (a, b) FROM STDIN', 'COPY orders'],
  ['COPY (SELECT * FROM orders) TO STDOUT', 'COPY SELECT orders'],
  // Defining
  ['CREATE TABLE IF NOT EXISTS a (id int, n text DEFAULT now())', 'CREATE TABLE a'],
  ['CREATE TEMP TABLE a AS SELECT * FROM b', 'CREATE TABLE a SELECT b'],
  ['CREATE OR REPLACE VIEW a AS WITH c AS (SELECT * FROM b) SELECT * FROM c', 'CREATE VIEW a SELECT b SELECT'],
  ['CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS i ON a (x, y)', 'CREATE INDEX i'],
  ['CREATE INDEX ON a (x)', 'CREATE INDEX'],
  ['ALTER TABLE ONLY a ADD COLUMN x int, ADD COLUMN y int', 'ALTER TABLE a'],
  ['DROP TABLE IF EXISTS a, b CASCADE', 'DROP TABLE a b'],
  ['REFRESH MATERIALIZED VIEW a', 'REFRESH a'],
  // Commands
  ['BEGIN', 'BEGIN'],
  ['COMMIT;', 'COMMIT'],
  ['rollback to savepoint s1', 'rollback'],
  ["SET application_name TO 'x'", 'SET'],
  ['LISTEN orders', 'LISTEN'],
  ['GRANT SELECT, INSERT ON a TO b', 'GRANT'],
  ['CALL refresh(1)', 'CALL refresh'],
  ['EXPLAIN (ANALYZE, BUFFERS) SELECT * FROM a', 'EXPLAIN SELECT a'],
  ['EXPLAIN ANALYZE SELECT * FROM a', 'EXPLAIN SELECT a'],
  ['PREPARE p (int) AS SELECT * FROM a', 'PREPARE SELECT a'],
  ['DECLARE c CURSOR FOR SELECT * FROM a', 'DECLARE SELECT a'],
  ['BEGIN; INSERT INTO a VALUES (1); COMMIT', 'BEGIN INSERT a COMMIT'],
  // Around
  ['/* SELECT x FROM y */ SELECT * -- FROM z\nFROM a', 'SELECT a'],
  ["SELECT 'FROM b' FROM a", 'SELECT a'],
  ['  (SELECT * FROM a)  ', 'SELECT a'],
  ["SELECT * FROM a WHERE b = 'not closed FROM c", 'SELECT a'],
  ['hello world', undefined],
  ['', undefined],
];

for (const [text, summary] of SUMMARIES) {
  test(`summary of: ${text}`, () => assert.equal(summarizeQuery(text).text, summary));
}

test('the first command and the tables are told apart', () => {
  const { operation, targets } = summarizeQuery('create table a as select * from b, a');
  assert.equal(operation, 'create table');
  assert.deepEqual(targets, ['a', 'b']);
});

test('a summary has 255 characters at most, and no name is cut', () => {
  const exact = 'a'.repeat(MAX_SUMMARY_LENGTH - 'SELECT '.length);
  assert.equal(summarizeQuery(`SELECT * FROM ${exact}`).text, `SELECT ${exact}`);
  assert.equal(summarizeQuery(`SELECT * FROM ${exact}b`).text, 'SELECT');
  assert.equal(summarizeQuery(`SELECT * FROM a, ${exact}, c`).text, 'SELECT a');
});

const words = fc.constantFrom(
  'SELECT',
  'FROM',
  'WITH',
  'AS',
  'JOIN',
  'INTO',
  'INSERT',
  'UPDATE',
  'DELETE',
  'CREATE',
  'TABLE',
  'EXPLAIN',
  'USING',
  'DROP',
  'ON',
  '(',
  ')',
  ',',
  ';',
  '.',
  '"q"',
  "'s'",
  '$1',
  'a',
  '1',
  '--\n',
  '/*',
  '"',
  '\0',
);

test('any text at all is summarized without an exception, in 255 characters', () => {
  const texts = fc.oneof(
    fc.array(words, { maxLength: 80 }).map((parts) => parts.join(' ')),
    fc.string({ unit: 'binary' }),
  );
  fc.assert(
    fc.property(texts, (text) => assert.ok((summarizeQuery(text).text ?? '').length <= MAX_SUMMARY_LENGTH)),
    { numRuns: 3000 },
  );
});

test('values of a query are never in its summary', () => {
  const before = fc.array(words, { maxLength: 20 }).map((parts) => parts.join(' ').replaceAll(/["']|--|\/\*/g, ''));
  const value = fc.constantFrom("'s3cr3t'", "E's3cr3t'", '$$s3cr3t$$', "U&'s3cr3t'", '0xs3cr3t');
  fc.assert(
    fc.property(before, value, before, (start, secret, end) => {
      assert.doesNotMatch(summarizeQuery(`${start} ${secret} ${end}`).text ?? '', /s3cr3t/);
    }),
    { numRuns: 3000 },
  );
});
