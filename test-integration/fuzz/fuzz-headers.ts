/** Propagators against mutated headers and hostile contexts: nothing throws, and what leaves is of its format. */
import {
  anyCaseGetter,
  type Baggage,
  type Context,
  createPropagator,
  type PropagatorName,
  propagation,
  startTracing,
  type TextMapGetter,
  type TextMapPropagator,
  trace,
} from '@clew/core';
import { headerSetFault } from '@clew/testkit';
import {
  baggageEntryMetadataFromString,
  createTraceState,
  defaultTextMapGetter,
  defaultTextMapSetter,
  ROOT_CONTEXT,
} from '@opentelemetry/api';
import { FORMATS, type HeaderCase, type Headers, makeHeaders } from './headers.ts';
import { noteCase } from './progress.ts';
import { Random } from './random.ts';
import { type Failures, noteFailure, show } from './report.ts';

const NAMES = Object.keys(FORMATS) as PropagatorName[];
const byName = new Map<string, TextMapPropagator>(NAMES.map((name) => [name, createPropagator([name])]));
const all = createPropagator(NAMES);
byName.set('all together', all);

// Reading the count of faults after each set would take as long as the set.
const BLOCK = 500;

/** What became of one propagator's share. */
export interface PropagatorCount {
  /** Header sets in which it found a span, a decision or baggage. */
  accepted: number;
  /** Those in which it found nothing. */
  refused: number;
  /** The same of sets that began as its own format and were then harmed. */
  ownAccepted: number;
  ownRefused: number;
}

/** What a run has seen. */
export interface HeaderReport {
  sets: number;
  contexts: number;
  written: number;
  byPropagator: Record<string, PropagatorCount>;
  failures: Failures;
}

/**
 * Try header sets.
 *
 * @param first  number of the first one; a set depends on the seed and its number alone
 */
export function fuzzHeaders(seed: number, first: number, count: number): HeaderReport {
  const report = makeReport();
  const watch = startTracing({ exporter: 'none', register: false });
  const thrown = (): number => watch.stats().faults.propagator_threw ?? 0;
  for (let at = first; at < first + count; at += BLOCK) {
    const end = Math.min(at + BLOCK, first + count);
    const before = thrown();
    for (let index = at; index < end; index++) trySet(report, { seed, index });
    if (thrown() > before) noteThrown(report, { seed, index: at }, end, thrown);
  }
  void watch.shutdown();
  return report;
}

function makeReport(): HeaderReport {
  const byPropagator: Record<string, PropagatorCount> = {};
  for (const name of byName.keys()) byPropagator[name] = { accepted: 0, refused: 0, ownAccepted: 0, ownRefused: 0 };
  return { sets: 0, contexts: 0, written: 0, byPropagator, failures: { count: 0, first: [] } };
}

function trySet(report: HeaderReport, where: Where): void {
  noteCase('headers', where.index);
  const random = Random.forCase(where.seed, where.index);
  const made = makeHeaders(random);
  const getter = random.oneIn(2) ? defaultTextMapGetter : (anyCaseGetter as TextMapGetter);
  for (const [name, propagator] of byName) tryHeaders(report, where, name, propagator, made, getter);
  if (random.oneIn(4)) tryContext(report, where, random);
  report.sets++;
}

/** What a propagator throws is caught and counted before it comes out, so the sets of the block are tried one by one. */
function noteThrown(report: HeaderReport, { seed, index }: Where, end: number, thrown: () => number): void {
  for (let at = index; at < end; at++) {
    const before = thrown();
    trySet(makeReport(), { seed, index: at });
    if (thrown() === before) continue;
    noteFailure(report.failures, () => ({
      what: 'a propagator threw, and was caught',
      input: show(makeHeaders(Random.forCase(seed, at)).headers),
      repeat: repeat({ seed, index: at }),
    }));
  }
}

interface Where {
  seed: number;
  index: number;
}

function repeat({ seed, index }: Where): string {
  return `--seed ${seed} --first ${index} --headers 1 --api 0 --spans 0`;
}

function tryHeaders(
  report: HeaderReport,
  where: Where,
  name: string,
  propagator: TextMapPropagator,
  { headers, format, isValid }: HeaderCase,
  getter: TextMapGetter,
): void {
  const isOwn = name === format;
  const fault = headerFault(propagator, headers, getter, isOwn && isValid);
  // The keys of both are the same.
  const count = report.byPropagator[name] as PropagatorCount;
  count[fault.found ? 'accepted' : 'refused']++;
  if (isOwn && !isValid) count[fault.found ? 'ownAccepted' : 'ownRefused']++;
  report.written += fault.written;
  if (fault.text === undefined) return;
  noteFailure(report.failures, () => {
    const fails = (smaller: Headers) => headerFault(propagator, smaller, getter, false).text !== undefined;
    // A valid set that is refused is small already, and any part of it is refused too.
    const input = fails(headers) ? shrink(headers, fails) : headers;
    return { what: `${name}: ${fault.text}`, input: show(input), repeat: repeat(where) };
  });
}

interface Verdict {
  found: boolean;
  written: number;
  text: string | undefined;
}

function headerFault(
  propagator: TextMapPropagator,
  headers: Headers,
  getter: TextMapGetter,
  mustBeFound: boolean,
): Verdict {
  try {
    const context = propagator.extract(ROOT_CONTEXT, headers, getter);
    if (context === ROOT_CONTEXT) {
      // The same context for all of these sets: what leaves with it is no matter of theirs.
      return { found: false, written: 0, text: mustBeFound ? 'a valid header set was refused' : undefined };
    }
    const out = inject(propagator, context);
    const written = Object.keys(out).length;
    // All together write some things several times, each as far as its format goes, so they do not read back the same.
    if (propagator === all) return { found: true, written, text: headerSetFault(out) };
    const text = headerSetFault(out) ?? headerSetFault(inject(all, context)) ?? readBackFault(propagator, out);
    return { found: true, written, text };
  } catch (error) {
    return { found: false, written: 0, text: `threw ${String(error)}` };
  }
}

/** What a propagator wrote, it reads as the same. */
function readBackFault(propagator: TextMapPropagator, out: Record<string, string>): string | undefined {
  const again = inject(propagator, propagator.extract(ROOT_CONTEXT, out, defaultTextMapGetter));
  const [before, after] = [JSON.stringify(out), JSON.stringify(again)];
  return before === after ? undefined : `what was written is read as something else: ${before} became ${after}`;
}

/** A context as an application can make it: any baggage, any foreign span. */
function tryContext(report: HeaderReport, where: Where, random: Random): void {
  report.contexts++;
  const [context, input] = makeContext(random);
  try {
    const out = inject(all, context);
    const fault = headerSetFault(out);
    if (fault !== undefined)
      noteFailure(report.failures, () => ({ what: `context: ${fault}`, input, repeat: repeat(where) }));
  } catch (error) {
    noteFailure(report.failures, () => ({ what: `context: threw ${String(error)}`, input, repeat: repeat(where) }));
  }
}

function makeContext(random: Random): [context: Context, input: string] {
  const entries = Array.from({ length: random.below(4) }, () => {
    const key = random.oneIn(2) ? random.token(8) : random.anyText(8);
    const value = random.oneIn(20) ? random.anyText(20).repeat(300) : random.anyText(20);
    const metadata = random.oneIn(2) ? baggageEntryMetadataFromString(random.anyText(10)) : undefined;
    return [key, metadata === undefined ? { value } : { value, metadata }] as const;
  });
  const baggage: Baggage = propagation.createBaggage(Object.fromEntries(entries));
  const spanContext = {
    traceId: random.oneIn(4) ? random.anyText(32) : random.hex(32),
    spanId: random.oneIn(4) ? random.anyText(16) : random.hex(16),
    traceFlags: random.pick([0, 1, 2, 3, 255, -1, Number.NaN, 1.5, 2 ** 40]),
    traceState: createTraceState(random.oneIn(2) ? `a=1,${random.anyText(10)}=${random.anyText(10)}` : 'a=1,b=2'),
  };
  const context = trace.setSpanContext(propagation.setBaggage(ROOT_CONTEXT, baggage), spanContext);
  return [context, show({ entries, spanContext: { ...spanContext, traceState: spanContext.traceState.serialize() } })];
}

function inject(propagator: TextMapPropagator, context: Context): Record<string, string> {
  const carrier: Record<string, string> = {};
  propagator.inject(context, carrier, defaultTextMapSetter);
  return carrier;
}

/** The smallest header set that still fails, as far as leaving out headers and pieces of values goes. */
function shrink(headers: Headers, fails: (headers: Headers) => boolean): Headers {
  let smallest = headers;
  const take = (candidate: Headers): boolean => {
    if (!fails(candidate)) return false;
    smallest = candidate;
    return true;
  };
  for (const name of Object.keys(headers)) {
    const { [name]: _, ...rest } = smallest;
    take(rest);
  }
  for (const name of Object.keys(smallest)) {
    const value = smallest[name];
    if (typeof value !== 'string') continue;
    for (let size = value.length >> 1; size >= 1; size >>= 1) {
      for (let at = 0; ; ) {
        const text = String(smallest[name]);
        if (at >= text.length) break;
        if (!take({ ...smallest, [name]: text.slice(0, at) + text.slice(at + size) })) at += size;
      }
    }
  }
  return smallest;
}
