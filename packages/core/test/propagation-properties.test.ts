/**
 * Propagators against whatever a network can bring. A failure prints the seed that repeats it.
 * `CLEW_FUZZ_RUNS` sets how many inputs each property gets; default 2000.
 */
import assert from 'node:assert/strict';
import { validateHeaderName, validateHeaderValue } from 'node:http';
import { test } from 'node:test';
import {
  type Baggage,
  baggageEntryMetadataFromString,
  type Context,
  createTraceState,
  propagation,
} from '@opentelemetry/api';
import { headerSetFault } from '@clew/testkit';
import fc from 'fast-check';
import { ROOT, withBaggageIn, withSpanIn } from '../src/context.ts';
import type { HeaderCarrier } from '../src/propagation/carrier.ts';
import { createPropagator, PROPAGATOR_NAMES, type PropagatorName } from '../src/propagation/composite.ts';
import { parseTraceState } from '../src/propagation/tracestate.ts';
import { DeferredSpan } from '../src/remote-parent.ts';
import { NonRecordingSpan } from '../src/span-context.ts';
import { baggageIn, extract, foundIn, inject } from './support/headers.ts';

const numRuns = Number(process.env.CLEW_FUZZ_RUNS ?? 2000);
const byName = new Map(PROPAGATOR_NAMES.map((name) => [name, createPropagator([name])]));
const all = createPropagator(PROPAGATOR_NAMES);

const word = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
const spanOfWords = fc
  .record({
    words: fc.tuple(word, word, word, word, word, word),
    flags: fc.integer({ min: 0, max: 255 }),
    isDeferred: fc.boolean(),
    tracestate: fc.option(fc.string({ maxLength: 80, unit: 'binary' })),
  })
  .map(({ words, flags, isDeferred, tracestate }) => {
    const state = tracestate === null ? undefined : (parseTraceState(tracestate) ?? createTraceState(tracestate));
    if (isDeferred) return new DeferredSpan(...words, 0, true, state);
    return new NonRecordingSpan(...words, flags, true, state);
  });

/** Any text, with lone surrogates, control characters and everything else that TypeScript calls a string. */
const anyText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 40 }).map((codes) => String.fromCharCode(...codes)),
);
const anyBaggage: fc.Arbitrary<Baggage> = fc
  .array(fc.tuple(anyText, anyText, fc.option(anyText)), { maxLength: 8 })
  .map((entries) => {
    const pairs = entries.map(([key, value, metadata]) => {
      return [key, metadata === null ? { value } : { value, metadata: baggageEntryMetadataFromString(metadata) }];
    });
    return propagation.createBaggage(Object.fromEntries(pairs));
  });

/** Texts that look like headers of ours, with some characters wrong. */
const written: fc.Arbitrary<HeaderCarrier> = spanOfWords.map((span) => inject(all, withSpanIn(ROOT, span)));
const edit = fc.record({
  at: fc.nat(200),
  deleted: fc.nat(3),
  inserted: fc.oneof(anyText, fc.constantFrom('', '-', ':', ';', '=', ',', '%', '0', 'f', ' ', '\t', '\r\n')),
});
const mutated: fc.Arbitrary<HeaderCarrier> = fc
  .tuple(written, fc.array(fc.tuple(fc.nat(20), edit), { maxLength: 4 }), fc.dictionary(anyText, anyText))
  .map(([headers, edits, more]) => {
    const names = Object.keys(headers);
    for (const [index, { at, deleted, inserted }] of edits) {
      const name = names[index % names.length];
      const text = name === undefined ? undefined : headers[name];
      if (name === undefined || typeof text !== 'string') continue;
      headers[name] = text.slice(0, at % (text.length + 1)) + inserted + text.slice((at % (text.length + 1)) + deleted);
    }
    return { ...more, ...headers };
  });
const hostile: fc.Arbitrary<HeaderCarrier> = fc.dictionary(
  fc.constantFrom(...all.fields(), 'jaeger-baggage', 'jaeger-debug-id', 'uberctx-a', 'ot-baggage-b', '__proto__'),
  // Headers of Node.js are texts and lists of texts; other carriers hold what they like.
  fc.oneof(
    anyText,
    fc.array(anyText, { maxLength: 3 }),
    fc.anything().map((value) => value as string),
  ),
);

function assertLegal(headers: HeaderCarrier): void {
  for (const [name, value] of Object.entries(headers)) {
    validateHeaderName(name);
    validateHeaderValue(name, value as string);
  }
  assert.equal(headerSetFault(headers), undefined);
}

for (const [name, propagator] of [...byName, ['all together', all] as const]) {
  test(`${name}: whatever arrives, nothing throws and what leaves is a header of its format`, () => {
    const property = fc.property(fc.oneof(mutated, hostile), (headers) => {
      assertLegal(inject(propagator, extract(propagator, headers)));
      assertLegal(inject(all, extract(propagator, headers)));
    });
    fc.assert(property, { numRuns });
  });

  test(`${name}: whatever the application puts into the context, what leaves is a header of its format`, () => {
    const property = fc.property(spanOfWords, anyBaggage, (span, baggage) => {
      assertLegal(inject(propagator, withBaggageIn(withSpanIn(ROOT, span), baggage)));
    });
    fc.assert(property, { numRuns });
  });
}

/** Flags that a format carries, and how much of the trace id. */
const CARRIES: Record<
  Exclude<PropagatorName, 'baggage'>,
  { flags: number; canDefer: boolean; isLowerHalf?: boolean }
> = {
  tracecontext: { flags: 3, canDefer: false },
  b3: { flags: 1, canDefer: true },
  b3multi: { flags: 1, canDefer: true },
  jaeger: { flags: 1, canDefer: false },
  xray: { flags: 1, canDefer: true },
  ottrace: { flags: 1, canDefer: true, isLowerHalf: true },
  datadog: { flags: 1, canDefer: true },
};
for (const [name, { flags, canDefer, isLowerHalf }] of Object.entries(CARRIES)) {
  test(`${name}: a span that was injected is extracted as it was`, () => {
    const propagator = createPropagator([name as PropagatorName]);
    const property = fc.property(spanOfWords, (given) => {
      const { t0, t1, t2, t3, s0, s1 } = given;
      // A half of zeros is no id in the formats that carry one half; random ids have none.
      fc.pre((t2 | t3) !== 0 && (s0 | s1) !== 0);
      const upper: [number, number] = isLowerHalf === true ? [0, 0] : [t0, t1];
      const span =
        given instanceof DeferredSpan && canDefer
          ? new DeferredSpan(...upper, t2, t3, s0, s1, 0, true, undefined)
          : new NonRecordingSpan(...upper, t2, t3, s0, s1, given.traceFlags & flags, true, undefined);
      const context = withSpanIn(ROOT, span);
      assert.equal(foundIn(extract(propagator, inject(propagator, context))), foundIn(context));
    });
    fc.assert(property, { numRuns });
  });
}

const token = fc.stringMatching(/^[!#$%&'*+\-.^_`|~0-9a-z]{1,12}$/);
const wellFormed = fc.string({ unit: 'grapheme', maxLength: 20 });
const BAGGAGE_VALUES: Record<string, fc.Arbitrary<string>> = {
  baggage: wellFormed,
  jaeger: wellFormed,
  // No coding there: what is no header text cannot be carried.
  ottrace: fc.stringMatching(/^[\x21-\x7e]{1,12}$/),
};
for (const [name, values] of Object.entries(BAGGAGE_VALUES)) {
  test(`${name}: baggage that was injected is extracted as it was`, () => {
    const propagator = createPropagator([name as PropagatorName]);
    const property = fc.property(fc.uniqueArray(fc.tuple(token, values), { selector: ([key]) => key }), (entries) => {
      const given = Object.fromEntries(entries.map(([key, value]) => [key, { value }]));
      const context: Context = withBaggageIn(ROOT, propagation.createBaggage(given));
      assert.deepEqual(baggageIn(extract(propagator, inject(propagator, context))), Object.fromEntries(entries));
    });
    fc.assert(property, { numRuns });
  });
}

test('tracecontext: a trace state that was injected is extracted as it was', () => {
  const propagator = createPropagator(['tracecontext']);
  const key = fc.stringMatching(/^[a-z0-9][a-z0-9_\-*/@]{0,20}$/);
  const value = fc.stringMatching(/^[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,20}[\x21-\x2b\x2d-\x3c\x3e-\x7e]$/);
  const members = fc.uniqueArray(fc.tuple(key, value), { selector: ([name]) => name, minLength: 1, maxLength: 32 });
  const property = fc.property(members, (list) => {
    const header = list.map(([name, text]) => `${name}=${text}`).join(',');
    const span = new NonRecordingSpan(1, 1, 1, 1, 1, 1, 1, true, parseTraceState(header));
    const headers = inject(propagator, withSpanIn(ROOT, span));
    assert.equal(headers.tracestate, header);
    assert.equal(inject(propagator, extract(propagator, headers)).tracestate, header);
  });
  fc.assert(property, { numRuns });
});
