import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { type Baggage, baggageEntryMetadataFromString, propagation, ROOT_CONTEXT } from '@opentelemetry/api';
import { baggageOf, ROOT, suppressIn, withBaggageIn } from '../src/context.ts';
import { faultCounts, resetFaults } from '../src/faults.ts';
import { BaggagePropagator, formatBaggage, parseBaggage } from '../src/propagation/baggage.ts';
import { type HeaderCarrier, headerGetter, headerSetter } from '../src/propagation/carrier.ts';

afterEach(() => resetFaults());

const members = (count: number): string => Array.from({ length: count }, (_, i) => `k${i}=v`).join(',');

const PARSED: Array<[what: string, header: string, entries: Array<[key: string, value: string, properties?: string]>]> =
  [
    ['one member', 'a=1', [['a', '1']]],
    [
      'blanks around everything',
      ' a \t=\t 1 ; p = x ;q, b=2 ',
      [
        ['a', '1', 'p = x ;q'],
        ['b', '2'],
      ],
    ],
    ['empty value', 'a=', [['a', '']]],
    ['equals sign in the value', 'a=x=y=', [['a', 'x=y=']]],
    ['percent-encoded value', 'a=%C3%A4%20%25%2C', [['a', 'ä %,']]],
    ['bytes that are no UTF-8', 'a=%ff%C3x', [['a', '\ufffd\ufffdx']]],
    [
      'percent sign without digits',
      'a=100%,b=%zz%41',
      [
        ['a', '100%'],
        ['b', '%zzA'],
      ],
    ],
    [
      'keys are not decoded and keep their case',
      'A%41=1,a%41=2',
      [
        ['A%41', '1'],
        ['a%41', '2'],
      ],
    ],
    [
      'the last one of a name wins',
      'a=1,b=2,a=3',
      [
        ['b', '2'],
        ['a', '3'],
      ],
    ],
    [
      'names of Object.prototype',
      '__proto__=1,constructor=2',
      [
        ['__proto__', '1'],
        ['constructor', '2'],
      ],
    ],
    [
      'a bad member is skipped, the others are kept',
      'a=1,no,=x,b c=2,d=\u0000,é=1,e=5',
      [
        ['a', '1'],
        ['e', '5'],
      ],
    ],
    ['empty members', ',,a=1,,', [['a', '1']]],
    ['nothing', '', []],
    ['no comma at all', 'garbage', []],
  ];
for (const [what, header, entries] of PARSED) {
  test(`W3C Baggage "Header Content": read: ${what}`, () => {
    const read = [...parseBaggage(header)].map(([key, { value, metadata }]) =>
      metadata === undefined ? [key, value] : [key, value, metadata.toString()],
    );
    assert.deepEqual(read, entries);
  });
}

test('W3C Baggage "Limits": read: 180 members are kept, the 181st is left out', () => {
  assert.equal(parseBaggage(members(180)).size, 180);
  const read = parseBaggage(`${members(180)},last=v`);
  assert.equal(read.size, 180);
  assert.equal(read.has('last'), false);
});

test('W3C Baggage "Limits": read: 8192 bytes are kept, a member beyond them is left out whole', () => {
  const half = 'x'.repeat(4000);
  const fits = `a=${half},b=${half},c=${'y'.repeat(8192 - 2 * 4003 - 2)}`;
  assert.equal(fits.length, 8192);
  assert.deepEqual([...parseBaggage(fits).keys()], ['a', 'b', 'c']);
  assert.deepEqual([...parseBaggage(`${fits}y`).keys()], ['a', 'b']);
});

test('W3C Baggage "Limits": read: a member of 4096 bytes is kept, a longer one left out', () => {
  assert.deepEqual([...parseBaggage(`a=${'x'.repeat(4094)},b=1`).keys()], ['a', 'b']);
  assert.deepEqual([...parseBaggage(`a=${'x'.repeat(4095)},b=1`).keys()], ['b']);
});

test('a header of a megabyte is not read to its end', () => {
  assert.equal(parseBaggage('a=1,'.repeat(262_144)).size, 1);
});

const WRITTEN: Array<[what: string, entries: Record<string, string>, header: string]> = [
  ['plain', { a: '1', b: '2' }, 'a=1,b=2'],
  ['empty value', { a: '' }, 'a='],
  ['everything outside the baggage octets', { a: ' ",;\\%ä€😀' }, 'a=%20%22%2C%3B%5C%25%C3%A4%E2%82%AC%F0%9F%98%80'],
  ['all baggage octets as they are', { a: "!#$&'()*+-./:<=>?@[]^_`{|}~" }, "a=!#$&'()*+-./:<=>?@[]^_`{|}~"],
  ['line breaks', { a: '1\r\nx: 1' }, 'a=1%0D%0Ax:%201'],
  ['lone surrogates', { a: '\ud800', b: 'x\udc00y' }, 'a=%EF%BF%BD,b=x%EF%BF%BDy'],
  ['keys that are no tokens are left out', { 'a b': '1', '': '2', ä: '3', 'a,b': '4', ok: '5' }, 'ok=5'],
];
for (const [what, entries, header] of WRITTEN) {
  test(`W3C Baggage "Header Content": written: ${what}`, () => {
    assert.equal(formatBaggage(baggage(entries)), header);
  });
}

const PROPERTIES: Array<[properties: string, header: string]> = [
  ['p=1;q', 'a=1;p=1;q,b=2'],
  [' p ', 'a=1;p,b=2'],
  ['', 'a=1,b=2'],
  ['p=1\r\nX: 1', 'b=2'],
  ['p,c=3', 'b=2'],
  ['ä', 'b=2'],
];
for (const [properties, header] of PROPERTIES) {
  test(`an application's properties ${JSON.stringify(properties)} give the header ${header}`, () => {
    const entries = baggage({ a: '1', b: '2' }).setEntry('a', {
      value: '1',
      metadata: baggageEntryMetadataFromString(properties),
    });
    const sorted = formatBaggage(entries).split(',').sort().join(',');
    assert.equal(sorted, header);
    assert.equal(faultCounts().baggage_dropped, header === 'b=2' ? 1 : undefined);
  });
}

test('W3C Baggage "Limits": written: 180 members at most, the rest is counted', () => {
  const many = (count: number) => baggage(Object.fromEntries(Array.from({ length: count }, (_, i) => [`k${i}`, 'v'])));
  assert.equal(formatBaggage(many(180)).split(',').length, 180);
  assert.equal(faultCounts().baggage_dropped, undefined);
  assert.equal(formatBaggage(many(183)).split(',').length, 180);
  assert.equal(faultCounts().baggage_dropped, 3);
});

test('W3C Baggage "Limits": written: 8192 bytes at most, whole members', () => {
  const fits = { a: 'x'.repeat(4000), b: 'x'.repeat(4000), c: 'y'.repeat(184) };
  assert.equal(formatBaggage(baggage(fits)).length, 8192);
  const beyond = formatBaggage(baggage({ ...fits, c: 'y'.repeat(185), d: '1' }));
  assert.deepEqual(
    beyond.split(',').map((member) => member.slice(0, 1)),
    ['a', 'b', 'd'],
  );
});

test('W3C Baggage "Limits": written: 4096 bytes a member, counted after encoding', () => {
  assert.equal(formatBaggage(baggage({ a: 'x'.repeat(4094) })).length, 4096);
  assert.equal(formatBaggage(baggage({ a: 'x'.repeat(4095) })), '');
  assert.equal(formatBaggage(baggage({ a: ' '.repeat(1400) })), '', '1400 spaces are 4200 bytes');
});

test('values that TypeScript would refuse are left out', () => {
  // The casts stand for an application in JavaScript.
  const broken = propagation.createBaggage({
    a: { value: 7 as unknown as string },
    b: undefined as unknown as { value: string },
    c: { value: '1', metadata: { toString: () => assert.fail('threw') } as never },
    d: { value: 'ok' },
  });
  assert.equal(formatBaggage(broken), 'd=ok');
});

test('extract adds to the baggage that is there, and a later entry replaces an earlier one', () => {
  const context = withBaggageIn(ROOT, baggage({ kept: '1', replaced: '1' }));
  const extracted = new BaggagePropagator().extract(context, { baggage: ['replaced=2', 'new=3'] }, headerGetter);
  assert.deepEqual(valuesOf(baggageOf(extracted)), { kept: '1', replaced: '2', new: '3' });
});

test('extract without usable members leaves the context as it was', () => {
  for (const header of [undefined, '', 'x', []]) {
    assert.equal(new BaggagePropagator().extract(ROOT, { baggage: header }, headerGetter), ROOT);
  }
});

test('inject writes the baggage, of a foreign context too, and none when suppressed or empty', () => {
  const header = (context: typeof ROOT_CONTEXT): HeaderCarrier => {
    const carrier: HeaderCarrier = {};
    new BaggagePropagator().inject(context, carrier, headerSetter);
    return carrier;
  };
  assert.deepEqual(header(withBaggageIn(ROOT, baggage({ a: '1' }))), { baggage: 'a=1' });
  assert.deepEqual(header(propagation.setBaggage(ROOT_CONTEXT, baggage({ a: '1' }))), { baggage: 'a=1' });
  assert.deepEqual(header(suppressIn(withBaggageIn(ROOT, baggage({ a: '1' })))), {});
  assert.deepEqual(header(withBaggageIn(ROOT, baggage({}))), {});
  assert.deepEqual(header(ROOT), {});
});

function baggage(values: Record<string, string>): Baggage {
  return propagation.createBaggage(Object.fromEntries(Object.entries(values).map(([key, value]) => [key, { value }])));
}

function valuesOf(entries: Baggage | undefined): Record<string, string> {
  return Object.fromEntries((entries?.getAllEntries() ?? []).map(([key, { value }]) => [key, value]));
}

test('extracted baggage is changed by copies only, and each copy is written anew', () => {
  const read = baggageOf(new BaggagePropagator().extract(ROOT, { baggage: 'a=1,b=2,c=3' }, headerGetter));
  assert.ok(read);
  assert.equal(formatBaggage(read), 'a=1,b=2,c=3');
  assert.equal(formatBaggage(read.setEntry('b', { value: 'x y' })), 'a=1,b=x%20y,c=3');
  assert.equal(formatBaggage(read.setEntry('d', { value: '4' })), 'a=1,b=2,c=3,d=4');
  assert.equal(formatBaggage(read.removeEntry('a')), 'b=2,c=3');
  assert.equal(formatBaggage(read.removeEntries('a', 'c', 'none')), 'b=2');
  assert.equal(formatBaggage(read.clear()), '');
  assert.equal(formatBaggage(read), 'a=1,b=2,c=3');
  const entry = read.getEntry('a');
  assert.ok(entry);
  entry.value = 'changed';
  assert.equal(read.getEntry('a')?.value, '1');
  assert.equal(read.getEntry('missing'), undefined);
});
