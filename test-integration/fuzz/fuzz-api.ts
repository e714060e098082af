/** Hostile values through every entry point, beside healthy spans, through the real pipeline to a real socket. */
import { types } from 'node:util';
import { BatchSpanProcessor, OtlpHttpTransport, startTracing, type Tracing, ZipkinTransport } from '@clew/core';
import { ENTRY_POINTS, type EntryPoint } from './entry-points.ts';
import { HOSTILE_VALUES, type HostileValue } from './hostile-values.ts';
import { noteCase } from './progress.ts';
import { Random } from './random.ts';
import { type Failures, noteFailure } from './report.ts';
import { type Sink, type Sunk, startSink } from './sink.ts';

/** One call of a combination. */
interface Call {
  readonly entry: EntryPoint;
  readonly a: HostileValue;
  readonly b: HostileValue;
}

/** What a run has seen. */
export interface ApiReport {
  combinations: number;
  calls: number;
  /** Spans that arrived, by format; the neighbours among them. */
  arrived: { protobuf: number; json: number; zipkin: number };
  neighbours: number;
  /** Spans that were given up, by reason; counted is not lost, but none is expected. */
  dropped: Record<string, number>;
  faults: Record<string, number>;
  failures: Failures;
}

const FORMATS = ['protobuf', 'json', 'zipkin'] as const;
const BATCH = 100;
const ROOMY = { maxQueueSpans: 100_000, maxQueueBytes: 2 ** 30, scheduledDelayMs: 60_000 };

/** How many combinations it takes to try every value at every entry point once. */
export const EACH_ONCE: number = ENTRY_POINTS.length * HOSTILE_VALUES.length;

/**
 * Try combinations: first each value at each entry point, then random ones of up to three calls on one span.
 *
 * @param first  number of the first one; a combination depends on the seed and its number alone
 */
export async function fuzzApi(seed: number, first: number, count: number): Promise<ApiReport> {
  const report: ApiReport = {
    ...{ combinations: 0, calls: 0, neighbours: 0, dropped: {}, faults: {} },
    arrived: { protobuf: 0, json: 0, zipkin: 0 },
    failures: { count: 0, first: [] },
  };
  const stage = await Stage.open();
  const prototypeBefore = describePrototype();
  for (let at = first; at < first + count; at += BATCH) {
    const end = Math.min(at + BATCH, first + count);
    const combinations = Array.from({ length: end - at }, (_, i) => combine(seed, at + i));
    const faults = await stage.play(combinations, report, at);
    report.combinations += combinations.length;
    for (const [i, what] of faults) {
      const calls = i === undefined ? [] : (combinations[i] ?? []);
      const input = i === undefined ? 'the whole batch' : calls.map(describeCall).join('; ');
      const repeat = `--seed ${seed} --first ${at + (i ?? 0)} --headers 0 --spans 0 --api ${i === undefined ? combinations.length : 1}`;
      noteFailure(report.failures, () => ({ what, input, repeat }));
    }
  }
  if (describePrototype() !== prototypeBefore) {
    noteFailure(report.failures, () => ({
      what: 'Object.prototype has changed',
      input: describePrototype(),
      repeat: '',
    }));
  }
  await stage.close(report);
  return report;
}

function combine(seed: number, index: number): Call[] {
  const random = Random.forCase(seed, index);
  if (index < EACH_ONCE) {
    // Both lists are as long as the divisions say.
    const entry = ENTRY_POINTS[index % ENTRY_POINTS.length] as EntryPoint;
    const a = HOSTILE_VALUES[Math.floor(index / ENTRY_POINTS.length)] as HostileValue;
    return [{ entry, a, b: random.pick(HOSTILE_VALUES) }];
  }
  const call = (): Call => ({
    entry: random.pick(ENTRY_POINTS),
    a: random.pick(HOSTILE_VALUES),
    b: random.pick(HOSTILE_VALUES),
  });
  return Array.from({ length: 1 + random.below(3) }, call);
}

function describeCall({ entry, a, b }: Call): string {
  return `${entry[0]} with ${a[0]} and ${b[0]}`;
}

type Fault = readonly [combination: number | undefined, what: string];

/** Tracing with an exporter for each format, and the receiver behind them. */
class Stage {
  readonly #sink: Sink;
  readonly #tracing: Tracing;
  readonly #processors: readonly BatchSpanProcessor[];
  readonly #rejections: unknown[] = [];
  readonly #onRejection = (reason: unknown): void => void this.#rejections.push(reason);

  constructor(sink: Sink, tracing: Tracing, processors: readonly BatchSpanProcessor[]) {
    this.#sink = sink;
    this.#tracing = tracing;
    this.#processors = processors;
    process.on('unhandledRejection', this.#onRejection);
  }

  static async open(): Promise<Stage> {
    const sink = await startSink();
    const processors = [
      new BatchSpanProcessor(new OtlpHttpTransport({ url: sink.url('protobuf') }), ROOMY),
      new BatchSpanProcessor(new OtlpHttpTransport({ url: sink.url('json'), encoding: 'json' }), ROOMY),
      new BatchSpanProcessor(new ZipkinTransport({ url: sink.url('zipkin') }), ROOMY),
    ];
    const tracing = startTracing({ serviceName: 'fuzz', exporter: 'none', spanProcessors: processors });
    return new Stage(sink, tracing, processors);
  }

  /** Run combinations side by side with healthy spans; if something is lost, find out which combination did it. */
  async play(combinations: ReadonlyArray<readonly Call[]>, report: ApiReport, first: number): Promise<Fault[]> {
    const [faults, lost] = await this.#playAll(combinations, report, first);
    if (lost.length === 0) return faults;
    for (const [i, calls] of combinations.entries()) {
      const [, alone] = await this.#playAll([calls], report, first + i);
      for (const what of alone) faults.push([i, what]);
    }
    return faults.length > 0 ? faults : lost.map((what) => [undefined, what]);
  }

  async #playAll(
    combinations: ReadonlyArray<readonly Call[]>,
    report: ApiReport,
    first: number,
  ): Promise<[faults: Fault[], lost: string[]]> {
    const faults: Fault[] = [];
    const names: string[] = [];
    for (const [i, calls] of combinations.entries()) {
      noteCase('api', first + i);
      names.push(this.#neighbour(report.neighbours++));
      for (const what of await this.#call(calls, report)) faults.push([i, what]);
      names.push(this.#neighbour(report.neighbours++));
    }
    await this.#tracing.forceFlush();
    const sunk = this.#sink.take();
    for (const format of FORMATS) report.arrived[format] += sunk[format].length;
    return [faults, [...sunk.malformed, ...FORMATS.flatMap((format) => missing(sunk, format, names))]];
  }

  async #call(calls: readonly Call[], report: ApiReport): Promise<string[]> {
    const faults: string[] = [];
    const { provider } = this.#tracing;
    const span = provider.getTracer('fuzz').startSpan('hostile');
    for (const call of calls) {
      report.calls++;
      try {
        // The casts stand for an application in JavaScript.
        const result = call.entry[1]({ provider, span }, call.a[1]() as never, call.b[1]() as never);
        // Anything else may be the hostile value itself, which throws when it is awaited.
        if (types.isPromise(result)) await result;
      } catch (error) {
        if (!isOwnFault(call, error)) faults.push(`${call.entry[0]}: threw ${String(error)}`);
      }
    }
    span.end();
    // A rejection that nobody handles is reported when the microtasks are done.
    if (this.#rejections.length > 0) faults.push(`rejected: ${String(this.#rejections.splice(0)[0])}`);
    return faults;
  }

  #neighbour(number: number): string {
    const name = `neighbour ${number}`;
    this.#tracing.provider
      .getTracer('neighbours')
      .startSpan(name, { attributes: { 'neighbour.name': `ä ${name}` } })
      .end();
    return name;
  }

  async close(report: ApiReport): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    process.off('unhandledRejection', this.#onRejection);
    for (const reason of this.#rejections) {
      noteFailure(report.failures, () => ({ what: `rejected: ${String(reason)}`, input: 'unknown', repeat: '' }));
    }
    for (const { stats } of this.#processors) {
      const dropped = Object.values(stats.dropped).reduce((sum, one) => sum + one, 0);
      for (const [reason, one] of Object.entries(stats.dropped))
        report.dropped[reason] = (report.dropped[reason] ?? 0) + one;
      if (stats.accepted !== stats.exported + dropped) {
        const input = JSON.stringify(stats);
        noteFailure(report.failures, () => ({ what: 'the ledger does not add up', input, repeat: '' }));
      }
    }
    report.faults = this.#tracing.stats().faults;
    await this.#tracing.shutdown();
    await this.#sink.close();
  }
}

/** Neighbours that did not arrive exactly once and whole. */
function missing(sunk: Sunk, format: (typeof FORMATS)[number], names: readonly string[]): string[] {
  const counts = new Map<string, number>();
  for (const { name, attributes } of sunk[format]) {
    if (attributes.get('neighbour.name') === `ä ${name}`) counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return names
    .filter((name) => counts.get(name) !== 1)
    .map((name) => `${format}: ${name} arrived ${counts.get(name) ?? 0} times`);
}

/** A function that the application gives to be called is called, and what it throws is the application's own. */
function isOwnFault({ entry, b }: Call, error: unknown): boolean {
  if (entry[0] !== 'tracer.startActiveSpan') return false;
  const given = b[1]();
  return typeof given !== 'function' || (error instanceof Error && error.message.startsWith('the application'));
}

function describePrototype(): string {
  const names = Reflect.ownKeys(Object.prototype).map(String);
  return `${names.sort().join(' ')} ${'polluted' in {}}`;
}
