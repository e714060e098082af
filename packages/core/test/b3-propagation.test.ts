import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ROOT, suppressIn, withSpanIn } from '../src/context.ts';
import { B3Propagator } from '../src/propagation/b3.ts';
import type { HeaderCarrier } from '../src/propagation/carrier.ts';
import { NonRecordingSpan } from '../src/span-context.ts';
import { extract, foundIn, inject } from './support/headers.ts';

const T = '0af7651916cd43dd8448eb211c80319c';
const LOW = T.slice(16);
const S = 'b7ad6b7169203331';
const single = new B3Propagator('single');
const multi = new B3Propagator('multi');

const SINGLE: Array<[header: string, found: string, written: string | undefined]> = [
  [`${T}-${S}-1`, `${T}-${S}-1`, `${T}-${S}-1`],
  [`${T}-${S}-0`, `${T}-${S}-0`, `${T}-${S}-0`],
  [`${T}-${S}-d`, `${T}-${S}-1`, `${T}-${S}-d`],
  [`${T}-${S}`, `${T}-${S}-?`, `${T}-${S}`],
  [`${T}-${S}-1-05e3ac9a4f6e3b90`, `${T}-${S}-1`, `${T}-${S}-1`],
  [` ${T}-${S}-1\t`, `${T}-${S}-1`, `${T}-${S}-1`],
  [`${LOW}-${S}-1`, `${'0'.repeat(16)}${LOW}-${S}-1`, `${'0'.repeat(16)}${LOW}-${S}-1`],
  ['0', 'decision-0', '0'],
  ['1', 'decision-1', '1'],
  ['d', 'decision-1', '1'],
  ['', 'nothing', undefined],
  ['2', 'nothing', undefined],
  ['-1', 'nothing', undefined],
  [`${T.toUpperCase()}-${S}-1`, 'nothing', undefined],
  [`${T}-${S}-2`, 'nothing', undefined],
  [`${T}-${S}-true`, 'nothing', undefined],
  [`${T}-${S}-`, 'nothing', undefined],
  [`${T}-${S}-1-`, 'nothing', undefined],
  [`${T}-${S}-1-05e3`, 'nothing', undefined],
  [`${T}-${S}-1-05e3ac9a4f6e3b90-x`, 'nothing', undefined],
  [`${T.slice(1)}-${S}-1`, 'nothing', undefined],
  [`${T}0-${S}-1`, 'nothing', undefined],
  [`${T}-${S.slice(1)}-1`, 'nothing', undefined],
  [`${'0'.repeat(32)}-${S}-1`, 'nothing', undefined],
  [`${T}-${'0'.repeat(16)}-1`, 'nothing', undefined],
  [T, 'nothing', undefined],
  [`${T}-${S}-1, ${T}-${S}-1`, 'nothing', undefined],
];
for (const [header, found, written] of SINGLE) {
  test(`b3-propagation "Single Header": ${JSON.stringify(header)}`, () => {
    const context = extract(single, { b3: header });
    assert.equal(foundIn(context), found);
    assert.deepEqual(inject(single, context), written === undefined ? {} : { b3: written });
  });
}

const ids: HeaderCarrier = { 'x-b3-traceid': T, 'x-b3-spanid': S };
const MULTI: Array<[headers: HeaderCarrier, found: string, written: HeaderCarrier]> = [
  [{ ...ids, 'x-b3-sampled': '1' }, `${T}-${S}-1`, { ...ids, 'x-b3-sampled': '1' }],
  [{ ...ids, 'x-b3-sampled': '0' }, `${T}-${S}-0`, { ...ids, 'x-b3-sampled': '0' }],
  [{ ...ids, 'x-b3-sampled': 'true' }, `${T}-${S}-1`, { ...ids, 'x-b3-sampled': '1' }],
  [{ ...ids, 'x-b3-sampled': 'false' }, `${T}-${S}-0`, { ...ids, 'x-b3-sampled': '0' }],
  [{ ...ids, 'x-b3-flags': '1' }, `${T}-${S}-1`, { ...ids, 'x-b3-flags': '1' }],
  [{ ...ids, 'x-b3-flags': '1', 'x-b3-sampled': '0' }, `${T}-${S}-1`, { ...ids, 'x-b3-flags': '1' }],
  [{ ...ids, 'x-b3-flags': '0', 'x-b3-sampled': '0' }, `${T}-${S}-0`, { ...ids, 'x-b3-sampled': '0' }],
  [{ ...ids, 'x-b3-parentspanid': '05e3ac9a4f6e3b90' }, `${T}-${S}-?`, ids],
  [ids, `${T}-${S}-?`, ids],
  [{ ...ids, 'x-b3-sampled': 'maybe' }, `${T}-${S}-?`, ids],
  [
    { 'x-b3-traceid': LOW, 'x-b3-spanid': S },
    `${'0'.repeat(16)}${LOW}-${S}-?`,
    { 'x-b3-traceid': `${'0'.repeat(16)}${LOW}`, 'x-b3-spanid': S },
  ],
  [{ 'x-b3-sampled': '0' }, 'decision-0', { 'x-b3-sampled': '0' }],
  [{ 'x-b3-sampled': '1' }, 'decision-1', { 'x-b3-sampled': '1' }],
  [{ 'x-b3-flags': '1' }, 'decision-1', { 'x-b3-sampled': '1' }],
  [{ 'x-b3-traceid': T }, 'nothing', {}],
  [{ 'x-b3-spanid': S, 'x-b3-sampled': '1' }, 'nothing', {}],
  [{ ...ids, 'x-b3-traceid': `0${LOW}` }, 'nothing', {}],
  [{ ...ids, 'x-b3-traceid': T.toUpperCase() }, 'nothing', {}],
  [{ ...ids, 'x-b3-spanid': '0'.repeat(16) }, 'nothing', {}],
  [{ ...ids, 'x-b3-spanid': [S, S] }, 'nothing', {}],
  [{}, 'nothing', {}],
];
for (const [headers, found, written] of MULTI) {
  test(`b3-propagation "Multiple Headers": ${JSON.stringify(headers)}`, () => {
    const context = extract(multi, headers);
    assert.equal(foundIn(context), found);
    assert.deepEqual(inject(multi, context), written);
  });
}

test('both forms read both, the single header first', () => {
  const other = { 'x-b3-traceid': 'f'.repeat(32), 'x-b3-spanid': S, 'x-b3-sampled': '1' };
  for (const propagator of [single, multi]) {
    assert.equal(foundIn(extract(propagator, { ...other, b3: `${T}-${S}-0` })), `${T}-${S}-0`);
    assert.equal(foundIn(extract(propagator, { ...other, b3: 'malformed' })), `${'f'.repeat(32)}-${S}-1`);
  }
});

test('the debug mark stays with the spans of its trace and does not pass to another', () => {
  const context = extract(single, { b3: `${T}-${S}-d` });
  const child = new NonRecordingSpan(0x0af76519, 0x16cd43dd, 0x8448eb21 | 0, 0x1c80319c, 1, 2, 1, false, undefined);
  assert.deepEqual(inject(single, withSpanIn(context, child)), { b3: `${T}-0000000100000002-d` });
  const other = new NonRecordingSpan(1, 1, 1, 1, 1, 2, 1, false, undefined);
  assert.match(String(inject(single, withSpanIn(context, other)).b3), /-1$/);
});

test('nothing is written in a suppressed context or without a span', () => {
  for (const propagator of [single, multi]) {
    assert.deepEqual(inject(propagator, suppressIn(extract(propagator, { b3: `${T}-${S}-1` }))), {});
    assert.deepEqual(inject(propagator, suppressIn(extract(propagator, { b3: '1' }))), {});
    assert.deepEqual(inject(propagator, ROOT), {});
  }
});

test('fields are the names that are written', () => {
  assert.deepEqual(single.fields(), ['b3']);
  assert.deepEqual(multi.fields(), ['x-b3-traceid', 'x-b3-spanid', 'x-b3-sampled', 'x-b3-flags']);
});
