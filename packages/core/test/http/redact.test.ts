import assert from 'node:assert/strict';
import { test } from 'node:test';
import { methodInName, OTHER_METHOD, readKnownMethods } from '../../src/http/method.ts';
import { DEFAULT_REDACTED_QUERY_KEYS, queryRedactor, urlRedactor } from '../../src/http/redact.ts';

test('every default key loses its value and keeps its name', () => {
  const redact = queryRedactor();
  for (const key of DEFAULT_REDACTED_QUERY_KEYS) {
    assert.equal(redact(`a=1&${key}=se%20cret&b=2`), `a=1&${key}=REDACTED&b=2`);
  }
});

const QUERIES: Array<[title: string, query: string, expected: string]> = [
  ['first parameter', 'sig=abc', 'sig=REDACTED'],
  ['repeated key', 'sig=a&sig=b', 'sig=REDACTED&sig=REDACTED'],
  ['other case', 'SIG=abc', 'SIG=abc'],
  ['longer name', 'mysig=abc&sigs=d', 'mysig=abc&sigs=d'],
  ['no value', 'sig&a', 'sig&a'],
  ['empty value', 'sig=&a=1', 'sig=&a=1'],
  ['value with an equals sign', 'sig=a==&b=1', 'sig=REDACTED&b=1'],
  ['odd encodings stay', 'q=%zz+%20&&=x&sig=1', 'q=%zz+%20&&=x&sig=REDACTED'],
  ['question mark in a value', 'q=?sig=1', 'q=?sig=1'],
  ['dollar sign in a value', 'q=$1&sig=$1', 'q=$1&sig=REDACTED'],
];
for (const [title, query, expected] of QUERIES) {
  test(`a query is redacted by name: ${title}`, () => assert.equal(queryRedactor()(query), expected));
}

test('a list of the user replaces the default list entirely', () => {
  const redact = queryRedactor(['to.ken', 'a|b']);
  assert.equal(redact('to.ken=1&toXken=2&a|b=3&sig=4'), 'to.ken=REDACTED&toXken=2&a|b=REDACTED&sig=4');
  assert.equal(queryRedactor([])('sig=1'), 'sig=1');
});

const URLS: Array<[title: string, url: string, expected: string]> = [
  ['name and password', 'https://me:pw@host:8443/a?b=1', 'https://REDACTED:REDACTED@host:8443/a?b=1'],
  ['name only', 'https://me@host/', 'https://REDACTED:REDACTED@host/'],
  ['password with @', 'https://me:p@w@host/', 'https://REDACTED:REDACTED@host/'],
  ['@ in the path', 'https://host/me@there', 'https://host/me@there'],
  ['@ in the query', 'https://host?a=me@there', 'https://host?a=me@there'],
  ['query', 'https://host/a?x=1&sig=2', 'https://host/a?x=1&sig=REDACTED'],
  ['fragment is kept', 'https://host/a?sig=2#sig=3', 'https://host/a?sig=REDACTED#sig=3'],
  ['question mark in the fragment', 'https://host/a#b?sig=3', 'https://host/a#b?sig=3'],
  ['relative', '/a?sig=2', '/a?sig=REDACTED'],
  ['nothing to redact', 'http://host/a', 'http://host/a'],
];
for (const [title, url, expected] of URLS) {
  test(`a URL is redacted: ${title}`, () => assert.equal(urlRedactor()(url), expected));
}

test('the variable replaces the list of known methods, and case counts', () => {
  const known = readKnownMethods({ OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS: ' GET,PROPFIND ,,' });
  assert.deepEqual([...known], ['GET', 'PROPFIND']);
  assert.equal(readKnownMethods({ OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS: '' }).has('QUERY'), true);
  assert.equal(readKnownMethods({}).has('get'), false);
  assert.equal(methodInName(OTHER_METHOD), 'HTTP');
  assert.equal(methodInName('GET'), 'GET');
});
