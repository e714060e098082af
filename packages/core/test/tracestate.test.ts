import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTraceState } from '@opentelemetry/api';
import { EMPTY_TRACE_STATE, parseTraceState, serializeTraceState } from '../src/propagation/tracestate.ts';

const members = (count: number): string => Array.from({ length: count }, (_, i) => `k${i}=v${i}`).join(',');

const ACCEPTED: Array<[what: string, header: string, pairs: Array<[string, string]>]> = [
  ['one member', 'rojo=00f067aa0ba902b7', [['rojo', '00f067aa0ba902b7']]],
  [
    'blanks around members',
    ' a=1 \t,\tb=2 ',
    [
      ['a', '1'],
      ['b', '2'],
    ],
  ],
  [
    'empty members',
    ',a=1,, ,b=2,',
    [
      ['a', '1'],
      ['b', '2'],
    ],
  ],
  ['key with a digit first', '1a-_*/=x', [['1a-_*/', 'x']]],
  ['key with @ inside', 'fw529a3039@dt=x', [['fw529a3039@dt', 'x']]],
  ['key of several @', 'a@@b@=x', [['a@@b@', 'x']]],
  ['key of 256 characters', `${'k'.repeat(256)}=x`, [['k'.repeat(256), 'x']]],
  ['value of 256 characters', `a=${'v'.repeat(256)}`, [['a', 'v'.repeat(256)]]],
  ['value with a leading space', 'a= x', [['a', ' x']]],
  ['value with a space inside', 'a=x y', [['a', 'x y']]],
  ['value of one character', 'a=~', [['a', '~']]],
  [
    '32 members',
    members(32),
    [
      ['k0', 'v0'],
      ['k31', 'v31'],
    ],
  ],
  [
    'a duplicate key keeps the first',
    'a=1,b=2,a=3',
    [
      ['a', '1'],
      ['b', '2'],
    ],
  ],
];
for (const [what, header, pairs] of ACCEPTED) {
  test(`Trace Context "tracestate Header Field Values": accepted: ${what}`, () => {
    const state = parseTraceState(header);
    assert.ok(state);
    for (const [key, value] of pairs) assert.equal(state.get(key), value);
    assert.equal(state.get('missing'), undefined);
  });
}

const REFUSED: Array<[what: string, header: string]> = [
  ['empty', ''],
  ['only commas', ' ,\t, '],
  ['33 members', members(33)],
  ['33 members with duplicates', `${members(32)},k0=x`],
  ['no equals sign', 'a=1,b'],
  ['empty key', '=1'],
  ['empty value', 'a='],
  ['value of a single space', 'a= ,b=1'],
  ['key in upper case', 'A=1'],
  ['key with @ first', '@a=1'],
  ['key with - first', '-a=1'],
  ['key with a blank', 'a b=1'],
  ['blank between key and equals sign', 'a =1'],
  ['key of 257 characters', `${'k'.repeat(257)}=x`],
  ['value of 257 characters', `a=${'v'.repeat(257)}`],
  ['equals sign in the value', 'a=1=2'],
  ['control character in the value', 'a=1\u0000'],
  ['line break in the value', 'a=1\r\nb'],
  ['tab inside the value', 'a=1\t2'],
  ['non-ASCII in the value', 'a=ä'],
  ['DEL in the value', 'a=\u007f'],
];
for (const [what, header] of REFUSED) {
  test(`Trace Context "tracestate Header Field Values": refused: ${what}`, () => {
    assert.equal(parseTraceState(header), undefined);
  });
}

const FORWARDED: Array<[what: string, header: string, out: string]> = [
  ['an unchanged list as it was', 'a=1 ,\tb= 2,', 'a=1 ,\tb= 2,'],
  ['without later duplicates', 'a=1, b=2,a=3', 'a=1,b=2'],
  ['an unchanged list of 2048 characters', ...twice(list(2048))],
];
for (const [what, header, out] of FORWARDED) {
  test(`Trace Context "Mutating the tracestate Field": forwarded ${what}`, () => {
    assert.equal(parseTraceState(header)?.serialize(), out);
  });
}

test('a list of 2049 characters is cut to 2048, whole members from the right', () => {
  const header = list(2049);
  const out = parseTraceState(header)?.serialize() ?? '';
  assert.ok(header.startsWith(`${out},`));
  assert.equal(out.split(',').length, header.split(',').length - 1);
});

test('Trace Context "tracestate Limits": members above 128 characters are cut first, from the right', () => {
  const long1 = `long1=${'x'.repeat(128)}`;
  const long2 = `long2=${'x'.repeat(123)}`;
  const at128 = `at128=${'x'.repeat(122)}`;
  const state = parseTraceState([long1, 'a=1', long2, at128, `b=${'y'.repeat(120)}`].join(','));
  const changed = state?.set('own', '1');
  // Together more than 512 characters; without long2, the long one further right, they fit.
  assert.equal(changed?.serialize(), ['own=1', long1, 'a=1', at128, `b=${'y'.repeat(120)}`].join(','));
  assert.equal(changed?.get('long2'), undefined);
});

test('a changed list of short members is cut to 512 characters from the right', () => {
  const state = parseTraceState(list(600));
  const text = state?.set('own', 'first').serialize() ?? '';
  assert.ok(text.length <= 512 && text.length > 512 - 60, `${text.length}`);
  assert.ok(`own=first,${list(600)}`.startsWith(`${text},`));
});

test('set moves a key to the front and leaves the order of the others', () => {
  const state = parseTraceState('a=1,b=2,c=3');
  assert.equal(state?.set('b', '9').serialize(), 'b=9,a=1,c=3');
  assert.equal(state?.set('new', 'x').serialize(), 'new=x,a=1,b=2,c=3');
  assert.equal(state?.serialize(), 'a=1,b=2,c=3', 'the original does not change');
});

test('set beyond 32 members drops the last one', () => {
  const state = parseTraceState(members(32))?.set('own', 'x');
  assert.equal(state?.serialize().split(',').length, 32);
  assert.equal(state?.get('k31'), undefined);
  assert.equal(state?.get('k30'), 'v30');
});

for (const [key, value] of [
  ['A', '1'],
  ['', '1'],
  ['a', ''],
  ['a', 'x '],
  ['a', 'x,y'],
  ['a', 'x\r\ny'],
  ['a', '\ud800'],
] as const) {
  test(`set refuses ${JSON.stringify(key)}=${JSON.stringify(value)}`, () => {
    const state = parseTraceState('k=v');
    assert.equal(state?.set(key, value), state);
  });
}

test('unset removes a key, and gives the same object when there is none', () => {
  const state = parseTraceState('a=1, b=2');
  assert.equal(state?.unset('a').serialize(), 'b=2');
  assert.equal(state?.unset('a').unset('b').serialize(), '');
  assert.equal(state?.unset('c'), state);
});

test('an empty trace state can be started with set', () => {
  assert.equal(EMPTY_TRACE_STATE.serialize(), '');
  assert.equal(EMPTY_TRACE_STATE.set('a', '1').serialize(), 'a=1');
});

test('a foreign trace state is written when it is well-formed', () => {
  assert.equal(serializeTraceState(createTraceState('a=1,b=2')), 'a=1,b=2');
  assert.equal(serializeTraceState(undefined), '');
  const throws = createTraceState('a=1');
  throws.serialize = () => assert.fail('a foreign trace state threw');
  assert.equal(serializeTraceState(throws), '');
});

/** Members of 20 characters and one that fills up, `length` characters in all. */
function list(length: number): string {
  const texts: string[] = [];
  let rest = length;
  // 32 members are the limit, so they grow with the list.
  const size = Math.max(20, Math.ceil(length / 30));
  for (let i = 0; rest > 2 * size; i++, rest -= size + 1) texts.push(`m${i}=`.padEnd(size, 'x'));
  texts.push('last='.padEnd(rest, 'x'));
  return texts.join(',');
}

function twice(text: string): [string, string] {
  return [text, text];
}
