import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { EACH_ONCE, fuzzApi } from './fuzz-api.ts';
import { fuzzHeaders } from './fuzz-headers.ts';
import { fuzzSpans } from './fuzz-spans.ts';
import { type Failures, formatFailure } from './report.ts';

// `npm run fuzz` tries many times as much.
const SEED = 20_260_801;

before(() => {
  // The faults of hostile input are counted; their reports would hide a failure.
  process.env.OTEL_LOG_LEVEL = 'none';
});

function assertNone({ count, first }: Failures): void {
  assert.equal(count, 0, first.map(formatFailure).join('\n'));
}

test('50 000 mutated header sets: no propagator throws or writes what its format forbids', () => {
  const report = fuzzHeaders(SEED, 0, 50_000);
  assertNone(report.failures);
  assert.equal(report.sets, 50_000);
  for (const [name, { accepted, refused, ownAccepted, ownRefused }] of Object.entries(report.byPropagator)) {
    // The mutations reach both sides of every rule, else they would prove nothing.
    assert.ok(accepted > 1000 && refused > 1000, `${name}: ${accepted} accepted, ${refused} refused`);
    if (name === 'all together') continue;
    assert.ok(ownAccepted > 1000 && ownRefused > 1000, `${name}: ${ownAccepted} accepted, ${ownRefused} refused`);
  }
});

test('hostile values at every entry point: nothing is thrown, and every healthy span arrives in every format', async () => {
  const report = await fuzzApi(SEED, EACH_ONCE, 1000);
  assertNone(report.failures);
  assert.equal(report.combinations, 1000);
  assert.deepEqual(report.dropped, {});
  const { protobuf, json, zipkin } = report.arrived;
  assert.ok(protobuf > report.neighbours && json === protobuf && zipkin === protobuf);
});

test('2000 random spans: both encodings decode to what was recorded, and are the same bytes twice', () => {
  const report = fuzzSpans(SEED, 0, 2000);
  assertNone(report.failures);
  assert.equal(report.spans, 2000);
});
