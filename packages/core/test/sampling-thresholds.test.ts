import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isClewError } from '../src/errors.ts';
import { parseTraceState } from '../src/propagation/tracestate.ts';
import type { ClewSampler } from '../src/sampler/clew-sampler.ts';
import { decide } from '../src/sampler/intent.ts';
import { ratio } from '../src/sampler/ratio.ts';
import { thresholdOf } from '../src/sampler/threshold.ts';
import { RECORD_AND_SAMPLED } from '../src/sampler/types.ts';
import { NonRecordingSpan, type SpanIdentity } from '../src/span-context.ts';
import { collectSpans } from '../src/testing/index.ts';
import { seededWords } from './support/seeded.ts';

// The specification's table: one in N, and the threshold with 3, 4 and 5 digits.
const ONE_IN: Array<[n: number, ...texts: [string, string, string]]> = [
  [1, '0', '0', '0'],
  [2, '8', '8', '8'],
  [3, 'aab', 'aaab', 'aaaab'],
  [4, 'c', 'c', 'c'],
  [5, 'ccd', 'cccd', 'ccccd'],
  [8, 'e', 'e', 'e'],
  [10, 'e66', 'e666', 'e6666'],
  [16, 'f', 'f', 'f'],
  [100, 'fd71', 'fd70a', 'fd70a4'],
  [1000, 'ffbe7', 'ffbe77', 'ffbe76d'],
  [10_000, 'fff972', 'fff9724', 'fff97247'],
  [100_000, 'ffff584', 'ffff583a', 'ffff583a5'],
  [1_000_000, 'ffffef4', 'ffffef39', 'ffffef391'],
];
for (const [n, ...texts] of ONE_IN) {
  test(`TraceState probability sampling "Converting floating-point probability": one in ${n}`, () => {
    assert.deepEqual(
      [3, 4, 5].map((precision) => thresholdOf(1 / n, precision)?.text),
      texts,
    );
  });
}

test('thresholds are those of exact arithmetic', () => {
  const random = seededWords(0x7e57);
  for (let i = 0; i < 20_000; i++) {
    // Log-uniform, so that small probabilities are met as often as large ones. At twelve digits the formula of the
    // specification, which is made for doubles, is off by one in the last digit now and then.
    const p = 2 ** -(20 * unit(random())) * (0.5 + unit(random()) / 2);
    const precision = 1 + (i % 6);
    assert.equal(thresholdOf(p, precision)?.text, exactThreshold(p, precision), `p ${p}, precision ${precision}`);
  }
});

test('a probability too small for the digits of a double has the exact threshold', () => {
  for (const p of [2 ** -49.5, 2 ** -50, 3 * 2 ** -53, 2 ** -55, 2 ** -56]) {
    const rest = (1n << 56n) - BigInt(Math.round(p * 2 ** 56));
    assert.equal(thresholdOf(p)?.text, rest.toString(16).replace(/0+$/, ''));
  }
});

test('every threshold that is written says what it compares with', () => {
  const random = seededWords(5);
  for (let i = 0; i < 1000; i++) {
    const threshold = thresholdOf(unit(random()), 1 + (i % 12)) ?? assert.fail();
    assert.match(threshold.text, /^(0|[0-9a-f]*[1-9a-f])$/);
    assert.equal((BigInt(threshold.high) << 32n) | BigInt(threshold.low), toBits(threshold.text));
  }
});

for (const precision of [0, 13, 1.5, '4']) {
  test(`not a precision: ${String(precision)}`, () => {
    // The cast stands for an application in JavaScript.
    assert.throws(() => ratio(0.5, { precision: precision as number }), isClewError);
  });
}

test('an option of ratio that does not exist is named with the nearest one', () => {
  assert.throws(() => ratio(0.5, { precison: 3 } as never), /did you mean "precision"\?/);
});

test('what is kept is spread evenly over the random numbers', () => {
  for (let seed = 1; seed <= 20; seed++) {
    const random = seededWords(seed * 0x9e3779b9);
    const cells = (p: number, count: number): number[] => {
      const found = new Array<number>(16).fill(0);
      const sampler = ratio(p);
      for (let i = 0; i < count; i++) {
        const [t2, t3] = [random(), random()];
        if (isKept(sampler, undefined, t2, t3)) (found[(t2 >>> 20) & 15] as number)++;
      }
      return found;
    };
    // The critical values of chi-squared at 1e-6, with 3 and with 15 degrees of freedom.
    const quarter = cells(0.25, 40_000);
    assert.deepEqual(quarter.slice(0, 12), new Array(12).fill(0));
    assert.ok(chiSquared(quarter.slice(12)) <= 30.7, `seed ${seed}: ${quarter}`);
    const all = cells(1, 40_000);
    assert.ok(chiSquared(all) <= 58.2, `seed ${seed}: ${all}`);
  }
});

test('what a lower ratio keeps, a higher one keeps too, by `rv` as well', () => {
  const random = seededWords(77);
  const [low, high] = [ratio(0.01), ratio(0.013)];
  let kept = 0;
  for (let i = 0; i < 100_000; i++) {
    const [t2, t3] = [random(), random()];
    const rv = (toHex(random()) + toHex(random())).slice(0, 14);
    const parent = i % 2 === 0 ? undefined : remoteParent(`ot=rv:${rv}`);
    if (!isKept(low, parent, t2, t3)) continue;
    kept++;
    assert.ok(isKept(high, parent, t2, t3), `rv ${rv}`);
  }
  assert.ok(kept > 800, `${kept} were kept`);
});

test('the texts on the wire alone say why each span was kept', (t) => {
  const spans = collectSpans(t, { sampler: ratio(0.3) });
  const tracer = spans.tracing.provider.getTracer('wire');
  for (let i = 0; i < 5000; i++) tracer.startSpan('root', { root: true }).end();
  const kept = spans.all();
  assert.ok(kept.length > 1000 && kept.length < 2000, `${kept.length} of 5000`);
  for (const { traceId, span } of kept) {
    const threshold = /^ot=th:([0-9a-f]{1,14})$/.exec(span.spanContext().traceState?.serialize() ?? '')?.[1];
    assert.ok(traceId.slice(18) >= (threshold ?? assert.fail('no th')).padEnd(14, '0'));
  }
});

test('adjusted counts of operations with different ratios add up to what there was', () => {
  const operations = [0.01, 0.05, 0.25, 0.5, 1].map((p) => ({
    p,
    count: 40_000,
    intent: ratio(p).rule.byIds(undefined, 0, 0),
  }));
  const bound = 4.42 * Math.sqrt(operations.reduce((sum, { p, count }) => sum + (count * (1 - p)) / p, 0));
  for (let seed = 1; seed <= 20; seed++) {
    const random = seededWords(seed * 7919);
    let estimate = 0;
    for (const { count, intent } of operations) {
      assert.ok(intent?.reliable === true);
      const weight = Number(1n << 56n) / Number((1n << 56n) - toBits(intent.text));
      for (let i = 0; i < count; i++) {
        if (decide(intent, undefined, random(), random()) === RECORD_AND_SAMPLED) estimate += weight;
      }
    }
    assert.ok(Math.abs(estimate - 200_000) <= bound, `seed ${seed}: ${estimate}, bound ${bound}`);
  }
});

function isKept(sampler: ClewSampler, parent: SpanIdentity | undefined, t2: number, t3: number): boolean {
  return decide(sampler.rule.byIds(parent, t2, t3) ?? assert.fail(), parent, t2, t3) === RECORD_AND_SAMPLED;
}

function remoteParent(tracestate: string): NonRecordingSpan {
  return new NonRecordingSpan(1, 2, 3, 4, 5, 6, 3, true, parseTraceState(tracestate));
}

function unit(word: number): number {
  return (word >>> 0) / 2 ** 32;
}

function toHex(word: number): string {
  return (word >>> 0).toString(16).padStart(8, '0');
}

function toBits(text: string): bigint {
  return BigInt(`0x${text.padEnd(14, '0')}`);
}

function chiSquared(cells: number[]): number {
  const expected = cells.reduce((sum, cell) => sum + cell, 0) / cells.length;
  return cells.reduce((sum, cell) => sum + (cell - expected) ** 2 / expected, 0);
}

/** 1 − p in base 16, rounded to the digits that the specification asks for; with integers only. */
function exactThreshold(p: number, precision: number): string {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, p);
  const bits = view.getBigUint64(0);
  const exponent = Number((bits >> 52n) & 0x7ffn) - 1022;
  const mantissa = (bits & ((1n << 52n) - 1n)) | (1n << 52n);
  const count = Math.max(1, Math.min(12, precision + Math.floor(-exponent / 4)));
  // p = mantissa / 2^scale, so (1 − p)·16^count, plus a half, is this over 2^(scale + 1).
  const scale = BigInt(53 - exponent);
  const digits = BigInt(4 * count);
  const rounded = (((1n << scale) - mantissa) * 2n * (1n << digits) + (1n << scale)) >> (scale + 1n);
  return rounded.toString(16).padStart(count, '0').replace(/0+$/, '') || '0';
}
