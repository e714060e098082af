import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SpanKind } from '@opentelemetry/api';
import { formatMs, formatWaterfall } from '../src/export/waterfall.ts';
import { makeSpan, TRACE_ID } from './support/make-span.ts';

const BAR = 30;

test('a trace is drawn as a tree on its time axis', () => {
  const text = formatWaterfall([
    makeSpan({ id: 'c', parent: 'b', kind: SpanKind.CLIENT, name: 'GET', startMs: 3, endMs: 9 }),
    makeSpan({ id: 'd', parent: 'a', kind: SpanKind.CLIENT, name: 'SELECT orders', startMs: 9, endMs: 12 }),
    makeSpan({ id: 'b', parent: 'a', name: 'charge', startMs: 3, endMs: 9 }),
    makeSpan({ id: 'a', kind: SpanKind.SERVER, name: 'POST /orders/:id', startMs: 0, endMs: 12 }),
  ]);
  assert.equal(
    text,
    [
      `trace ${TRACE_ID}  4 spans  12.0 ms`,
      `shop SERVER POST /orders/:id   12.0 ms  ${'█'.repeat(30)}`,
      `  shop INTERNAL charge          6.0 ms  ${' '.repeat(7)}${'█'.repeat(15)}`,
      `    shop CLIENT GET             6.0 ms  ${' '.repeat(7)}${'█'.repeat(15)}`,
      `  shop CLIENT SELECT orders     3.0 ms  ${' '.repeat(22)}${'█'.repeat(8)}`,
      '',
    ].join('\n'),
  );
});

test('a span that failed is marked and its status is told below it', () => {
  const lines = formatWaterfall([
    makeSpan({ id: 'a' }),
    makeSpan({ id: 'b', parent: 'a', name: 'pay', status: { code: 2, message: 'card declined' } }),
    makeSpan({ id: 'c', parent: 'a', name: 'later', startMs: 0.5, status: { code: 2 } }),
  ]).split('\n');
  assert.match(lines[2] ?? '', /^ {2}✗ shop INTERNAL pay /);
  assert.equal(lines[3], '    card declined');
  assert.match(lines[4] ?? '', /^ {2}✗ shop INTERNAL later /);
  assert.equal(lines.length, 6, 'a status without a message has no line');
});

test('traces are drawn apart, in the order of their first span', () => {
  const other = 'f'.repeat(32);
  const spans = [makeSpan({ id: 'a' }), makeSpan({ id: 'b', traceId: other }), makeSpan({ id: 'c', parent: 'a' })];
  const heads = formatWaterfall(spans)
    .split('\n')
    .filter((line) => line.startsWith('trace '));
  assert.deepEqual(heads, [`trace ${TRACE_ID}  2 spans  1.0 ms`, `trace ${other}  1 span  1.0 ms`]);
});

test('a span whose parent is elsewhere stands at the left', () => {
  const lines = formatWaterfall([makeSpan({ parent: '9', name: 'orphan' })]).split('\n');
  assert.match(lines[1] ?? '', /^shop INTERNAL orphan /);
});

test('children are ordered by their start', () => {
  const text = formatWaterfall([
    makeSpan({ id: 'a', startMs: 0, endMs: 9 }),
    makeSpan({ id: 'b', parent: 'a', name: 'second', startMs: 2, endMs: 3 }),
    makeSpan({ id: 'c', parent: 'a', name: 'first', startMs: 1, endMs: 9 }),
  ]);
  assert.ok(text.indexOf('first') < text.indexOf('second'));
});

test('a ring of parents and a span of its own child are drawn once', () => {
  const ring = [
    makeSpan({ id: 'a', parent: 'b' }),
    makeSpan({ id: 'b', parent: 'a' }),
    makeSpan({ id: 'c', parent: 'c' }),
  ];
  assert.equal(formatWaterfall(ring).split('\n').length, 1 + 3 + 1);
});

test('two spans of one id are both drawn', () => {
  assert.equal(formatWaterfall([makeSpan({ id: 'a' }), makeSpan({ id: 'a' })]).split('\n').length, 1 + 2 + 1);
});

test('a chain of 20 000 spans is drawn, indented no further than 16 levels', () => {
  const spans = Array.from({ length: 20_000 }, (_, i) =>
    makeSpan({ id: i.toString(16), ...(i === 0 ? {} : { parent: (i - 1).toString(16) }), startMs: i / 1e3, endMs: 30 }),
  );
  const lines = formatWaterfall(spans).split('\n');
  assert.equal(lines.length, 20_002);
  assert.ok(lines.every((line) => !line.startsWith(' '.repeat(33))));
});

test('a name from outside cannot steer the terminal', () => {
  const text = formatWaterfall([
    makeSpan({
      name: 'a\u001b[2Jb\r\nc\u202ed\u0000',
      service: '\u009bshop',
      status: { code: 2, message: '\u001b]0;title\u0007x' },
    }),
  ]);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  assert.doesNotMatch(text, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
  assert.equal(text.split('\n').length, 4);
});

for (const width of [10, 80, 81, 200]) {
  test(`lines keep to ${width} columns, at least 80`, () => {
    const message = 'm'.repeat(300);
    const text = formatWaterfall([makeSpan({ name: 'n'.repeat(300), status: { code: 2, message } })], { width });
    for (const line of text.split('\n')) assert.ok([...line].length <= Math.max(80, width), line);
    assert.match(text, /n…/);
  });
}

test('bars stay within their columns, whatever the times are', () => {
  const spans = [
    makeSpan({ id: 'a', startMs: 5, endMs: 5 }),
    makeSpan({ id: 'b', startMs: 5, endMs: 4 }),
    makeSpan({ id: 'c', startMs: 0, endMs: 1e9 }),
    makeSpan({ id: 'd', startMs: 1e9, endMs: 1e9 }),
  ];
  for (const part of [spans, spans.slice(0, 1)]) {
    for (const line of formatWaterfall(part).split('\n').slice(1, -1)) {
      const bar = line.slice(line.indexOf('s  ') + 3);
      assert.ok(bar.length <= BAR && bar.endsWith('█'), JSON.stringify(line));
    }
  }
});

test('colours are used when asked for, and never lose a line', () => {
  const spans = [makeSpan({ id: 'a', status: { code: 2, message: 'no' } })];
  const colored = formatWaterfall(spans, { colors: true });
  assert.ok(colored.includes('\u001b[31m'));
  // biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences are what is removed
  assert.equal(colored.replace(/\u001b\[\d+m/g, ''), formatWaterfall(spans));
});

test('no spans are no text', () => assert.equal(formatWaterfall([]), ''));

for (const [ms, text] of [
  [0, '0 µs'],
  [0.25, '250 µs'],
  [1, '1.0 ms'],
  [12.34, '12.3 ms'],
  [999.9, '999.9 ms'],
  [1000, '1.00 s'],
] as const) {
  test(`${ms} milliseconds are shown as ${text}`, () => assert.equal(formatMs(ms), text));
}
