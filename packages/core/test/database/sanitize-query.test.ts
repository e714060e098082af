import assert from 'node:assert/strict';
import { test } from 'node:test';

import fc from 'fast-check';

import { MAX_SCANNED_LENGTH, MAX_TEXT_LENGTH, sanitizeQuery } from '../../src/database/sanitize-query.ts';

const LITERALS: Array<[what: string, text: string, sanitized: string]> = [
  ['a string', `select * from t where a = 'secret'`, 'select * from t where a = ?'],
  ['an empty string', `select ''`, 'select ?'],
  ['a doubled quote', `select 'it''s secret' from t`, 'select ? from t'],
  ['an escaped quote', String.raw`select E'it\'s secret' from t`, 'select ? from t'],
  ['an escaped backslash before the quote', String.raw`select E'\\', x`, 'select ?, x'],
  ['a backslash in a plain string', String.raw`select 'a\', x from t`, 'select ?, x from t'],
  ['a Unicode string', `select U&'\\0441' from t`, 'select ? from t'],
  ['a bit string', `select B'101', b'1', X'1F'`, 'select ?, ?, ?'],
  ['a national string', `select N'secret'`, 'select ?'],
  ['a dollar quote', `select $$it's secret$$, x`, 'select ?, x'],
  ['a tagged dollar quote', `select $a$ one $b$ two $$ $a$, x`, 'select ?, x'],
  ['a string over two lines', `select 'a'\n'b'`, 'select ?\n?'],
  ['an integer', 'select 42', 'select ?'],
  ['a decimal', 'select 1.5, .5, 5.', 'select ?, ?, ?'],
  ['an exponent', 'select 1e-3, 2E+10, 3e5', 'select ?, ?, ?'],
  ['a hexadecimal number', 'select 0xFF, 0b101, 1_000', 'select ?, ?, ?'],
  ['a number with letters behind it', 'select 12abc', 'select ?'],
  [
    'a negative number',
    'select * from t where a=-5 and b in (-1) and c = -2',
    'select * from t where a=? and b in (?) and c = ?',
  ],
  ['a subtraction', 'select a-5, a - 5, (a) -5', 'select a-?, a - ?, (a) -?'],
  ['a boolean', 'select true, FALSE', 'select ?, ?'],
  ['a date', `select DATE '2020-01-01'`, 'select DATE ?'],
  ['a cast date', `select '2020-01-01'::date`, 'select ?::date'],
  ['an interval', `select INTERVAL '1' DAY`, 'select INTERVAL ? DAY'],
  ['a password', `create role bob password 'secret'`, 'create role bob password ?'],
];

for (const [what, text, sanitized] of LITERALS) {
  test(`literals are replaced: ${what}`, () => assert.equal(sanitizeQuery(text), sanitized));
}

const KEPT: Array<[what: string, text: string]> = [
  ['quoted identifiers', `select "Weird ""Name""", "a'b", U&"d\\0061t" from "T"`],
  ['digits in names', 'select a1, t2.b_3 from t2$x'],
  ['parameters', 'select $1, $23::text'],
  ['operators of jsonb', `select a ? b, a ?| c, a @> d, a #>> e from t`],
  ['named arguments', 'select f(a := b, c => d)'],
  ['tests for truth', 'select a is true, b is not false, c is null'],
  ['names beside quotes', 'select e, u, x from e'],
  ['letters of other scripts', 'select größe, 名前 from täble'],
];

for (const [what, text] of KEPT) {
  test(`names and operators stay: ${what}`, () => assert.equal(sanitizeQuery(text), text));
}

const COMMENTS: Array<[what: string, text: string, sanitized: string]> = [
  ['to the end of the line', 'select a -- secret\nfrom t', 'select a \nfrom t'],
  ['at the end', 'select a -- secret', 'select a'],
  ['at the start', '/* secret */ select a', 'select a'],
  ['between tokens', 'select/*secret*/a', 'select a'],
  ['nested', 'select /* a /* secret */ b */ c', 'select c'],
  ['with a quote in it', `select /* it's */ a, 'x'`, 'select a, ?'],
  ['inside of a string it is none', `select '/* ' from t -- */`, 'select ? from t'],
  ['inside of an identifier it is none', 'select "--a" from t', 'select "--a" from t'],
];

for (const [what, text, sanitized] of COMMENTS) {
  test(`comments are removed: ${what}`, () => assert.equal(sanitizeQuery(text), sanitized));
}

const LISTS: Array<[what: string, text: string, sanitized: string]> = [
  ['numbers', 'a IN (1, 2, 3)', 'a IN (?)'],
  ['strings without spaces', `a in('x','y')`, 'a in(?)'],
  ['negative numbers', 'a in (-1, - 2)', 'a in (?)'],
  ['one element', 'a in (1)', 'a in (?)'],
  ['two lists', 'a in (1,2) and b not in (3,4)', 'a in (?) and b not in (?)'],
  ['a list with a name stays', 'a in (1, b, 2)', 'a in (?, b, ?)'],
  ['a list of rows stays', 'a in ((1,2), (3,4))', 'a in ((?,?), (?,?))'],
  ['a sub-select stays', 'a in (select 1)', 'a in (select ?)'],
  ['other parentheses stay', 'f(1, 2)', 'f(?, ?)'],
];

for (const [what, text, sanitized] of LISTS) {
  test(`IN lists become one placeholder: ${what}`, () => assert.equal(sanitizeQuery(text), sanitized));
}

const UNCLOSED = [
  `'secret`,
  `E'secret\\'`,
  `$$ secret`,
  `$a$ secret $b$`,
  `"secret`,
  `/* secret`,
  `/* /* secret */`,
  `U&'secret`,
];

for (const rest of UNCLOSED) {
  test(`what is not closed is replaced to the end: ${rest}`, () => {
    assert.equal(sanitizeQuery(`select a, ${rest}, 'secret`.slice(0, 10 + rest.length)), 'select a, ?');
  });
}

test('the text is cut at 8192 characters', () => {
  const exact = 'a'.repeat(MAX_TEXT_LENGTH);
  assert.equal(sanitizeQuery(exact), exact);
  assert.equal(sanitizeQuery(`${exact}b`), exact);
});

test('a list of literals that is longer than the text may be is still one placeholder', () => {
  const values = Array.from({ length: 5000 }, (_, i) => i % 10).join(', ');
  assert.equal(sanitizeQuery(`select a in (${values}) from t`), 'select a in (?) from t');
});

test('a literal that is longer than what is looked at leaves nothing of itself', () => {
  assert.equal(sanitizeQuery(`select '${'x'.repeat(MAX_SCANNED_LENGTH * 2)}' from t`), 'select ?');
});

const pieces = fc.constantFrom(
  "'",
  '"',
  '$$',
  '$a$',
  '$1',
  '--',
  '/*',
  '*/',
  '\n',
  ' ',
  'E',
  'U&',
  '\\',
  '(',
  ')',
  ',',
  '-',
  '1',
  '.',
  'e',
  'IN (',
  'select',
  'from',
  'a',
  ';',
  '?',
  'true',
  '\u{1F600}',
  '\uD800',
  '\0',
);
const texts = fc.array(pieces, { maxLength: 60 }).map((parts) => parts.join(''));

test('any text at all is sanitized without an exception', () => {
  fc.assert(
    fc.property(fc.oneof(texts, fc.string({ unit: 'binary' })), (text) => {
      assert.equal(typeof sanitizeQuery(text), 'string');
    }),
    { numRuns: 2000 },
  );
});

test('sanitizing a sanitized text changes nothing', () => {
  fc.assert(
    fc.property(texts, (text) => {
      const once = sanitizeQuery(text);
      assert.equal(sanitizeQuery(once), once);
    }),
    { numRuns: 2000 },
  );
});

test('no quoted value is found in the result, wherever it stands', () => {
  const quote = fc.constantFrom<(value: string) => string>(
    (value) => `'${value}'`,
    (value) => `E'\\'${value}'`,
    (value) => `'''${value}'`,
    (value) => `$$${value}$$`,
    (value) => `$q$'${value}$q$`,
    (value) => `/*${value}*/`,
    (value) => `--${value}\n`,
  );
  // Without a partner a quote pairs with the next one, so it can only be the last.
  const tail = fc.constantFrom('', "'s3cr3t", '"s3cr3t', '$$s3cr3t', '/* s3cr3t');
  const clean = fc.constantFrom('select a', 'from t', '=', 'in (', ',', ')', '"name"', '$1', 'AND', '-', '/');
  fc.assert(
    fc.property(fc.array(fc.tuple(clean, quote), { minLength: 1, maxLength: 8 }), tail, (parts, end) => {
      const text = parts.map(([before, wrap]) => `${before} ${wrap('s3cr3t')} `).join('') + end;
      assert.doesNotMatch(sanitizeQuery(text), /s3cr3t/);
    }),
    { numRuns: 2000 },
  );
});
