import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parameterAttributes } from '../../src/database/query-parameters.ts';
import { throwingProxy } from '../support/hostile.ts';

let bomb: unknown[] = ['x'];
for (let i = 0; i < 60; i++) bomb = [bomb, bomb];

const VALUES: Array<[what: string, value: unknown, text: string | undefined]> = [
  ['a text', 'a', 'a'],
  ['a text of 1025 characters', 'x'.repeat(1025), 'x'.repeat(1024)],
  ['null', null, undefined],
  ['bytes', new Uint8Array(3), '<binary 3 bytes>'],
  ['an object', { a: [1] }, '{"a":[1]}'],
  ['a list of 9999 values', new Array(9999).fill(1), `[${'1,'.repeat(512)}`.slice(0, 1024)],
  ['a list of 10 000 values', new Array(10_000).fill(1), undefined],
  ['a list of lists with 2^60 members', bomb, undefined],
  ['a proxy that throws', throwingProxy({}), undefined],
];
for (const [what, value, text] of VALUES) {
  test(`query parameter: ${what}`, () => {
    const expected = text === undefined ? [] : ['db.query.parameter.0', text];
    assert.deepEqual(parameterAttributes([value]), expected);
  });
}
