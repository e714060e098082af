/** The long run: a service at full rate, and a receiver that fails a tenth of the time. */
import { Random } from '../fuzz/random.ts';
import { type Check, ledgerChecks } from './checks.ts';
import { heapSlope, MIN_HEAP_SAMPLES, slopeLimit } from './heap-slope.ts';
import { type Mode, Receiver } from './receiver.ts';
import { reportOf, startService } from './service-process.ts';
import type { ServiceReport } from './service.ts';

/** How long and how hard. */
export interface SoakOptions {
  minutes: number;
  /** Spans a second. */
  rate: number;
  seed: number;
}

/** What came of it. */
export interface SoakResult {
  checks: Check[];
  /** Figures by name, as text with their unit. */
  figures: Array<[name: string, value: string]>;
}

const FAULTS: readonly Mode[] = [
  { kind: 'status', status: 503 },
  { kind: 'status', status: 429, retryAfter: '1' },
  { kind: 'reset' },
  { kind: 'refused' },
  { kind: 'hang' },
  { kind: 'slow', delayMs: 2000 },
  { kind: 'partial' },
];
// Of ten seconds one is faulty.
const FAULT_SHARE = 0.1;
const CONTROL_MS = 20_000;
const MOST_HEAP_SAMPLES = 200;
const MIN_SAMPLE_MS = 1000;
const GROSS_DELAY_MS = 500;

export async function soak({ minutes, rate, seed }: SoakOptions): Promise<SoakResult> {
  const receiver = await Receiver.listen();
  const runMs = minutes * 60_000;
  const child = startService({
    ...{ url: receiver.url, rate, runMs, controlMs: Math.min(CONTROL_MS, runMs / 3) },
    warmUpMs: Math.min(runMs / 3, 3 * 60_000),
    sampleMs: Math.max(MIN_SAMPLE_MS, runMs / MOST_HEAP_SAMPLES),
    blockMs: 0,
  });
  const reported = reportOf(child);
  reported.catch(() => {});
  await Promise.race([new Promise((resolve) => child.once('message', resolve)), reported]);
  const faults = await haveFaults(receiver, runMs, seed);
  const report = await reported;
  receiver.close();
  return judge(receiver, report, faults);
}

/** Faults of all kinds in random order and of random length, a tenth of the time. @returns how long each kind was on */
async function haveFaults(receiver: Receiver, runMs: number, seed: number): Promise<Map<string, number>> {
  const random = new Random(seed);
  const lasted = new Map<string, number>();
  const endMs = performance.now() + runMs;
  // Short enough that each kind has two turns in the shortest run that makes sense.
  const meanMs = Math.min(8000, (runMs * FAULT_SHARE) / FAULTS.length / 1.5);
  let waiting: Mode[] = [];
  while (true) {
    if (waiting.length === 0) waiting = shuffled(FAULTS, random);
    const lengthMs = meanMs * (0.25 + 1.5 * share(random));
    const gapMs = meanMs * (1 / FAULT_SHARE - 1) * (0.5 + share(random));
    if (performance.now() + gapMs + lengthMs > endMs) break;
    await sleep(gapMs);
    const mode = waiting.pop() ?? { kind: 'ok' };
    const startMs = performance.now();
    await receiver.become(mode);
    await sleep(lengthMs);
    await receiver.become({ kind: 'ok' });
    const name = mode.kind === 'status' ? String(mode.status) : mode.kind;
    lasted.set(name, (lasted.get(name) ?? 0) + performance.now() - startMs);
  }
  await sleep(endMs - performance.now());
  return lasted;
}

function shuffled<T>(list: readonly T[], random: Random): T[] {
  return list
    .map((item) => ({ item, key: share(random) }))
    .toSorted((a, b) => a.key - b.key)
    .map(({ item }) => item);
}

/** From 0 up to, not including, 1. */
function share(random: Random): number {
  return random.below(1e6) / 1e6;
}

function judge(receiver: Receiver, report: ServiceReport, faults: Map<string, number>): SoakResult {
  const { heap, delayMs } = report;
  const slope = heapSlope(heap);
  const limit = slopeLimit(heap);
  const [stats] = report.stats.exporters;
  const checks: Check[] = [
    ...ledgerChecks(report.ended, stats, receiver),
    { name: 'every kind of fault had its turn', ok: faults.size === FAULTS.length, saw: [...faults.keys()].join(' ') },
    {
      name: `the heap grows by less than ${limit.toFixed(1)} MB in 10 minutes`,
      ok: heap.length >= MIN_HEAP_SAMPLES && slope < limit,
      saw: `${slope.toFixed(2)} MB in 10 minutes, ${heap.length} readings of ${MIN_HEAP_SAMPLES} at least`,
    },
    {
      name: 'the event loop is not delayed beyond what a busy machine explains',
      ok: delayMs.traced < delayMs.control + GROSS_DELAY_MS,
      saw: `${delayMs.traced.toFixed(2)} ms, ${delayMs.control.toFixed(2)} ms without tracing`,
    },
  ];
  return { checks, figures: figuresOf(receiver, report, faults) };
}

function figuresOf(receiver: Receiver, report: ServiceReport, faults: Map<string, number>): SoakResult['figures'] {
  const { heap, delayMs } = report;
  const [stats] = report.stats.exporters;
  const total = [...faults.values()].reduce((sum, ms) => sum + ms, 0);
  return [
    ['spans ended', String(report.ended)],
    ['exported', String(stats?.exported)],
    ['rejected by the receiver', String(stats?.rejected)],
    ['dropped', JSON.stringify(stats?.dropped)],
    ['requests', String(receiver.seen.length)],
    ['time with a fault', `${(total / 1000).toFixed(0)} s`],
    ...[...faults].toSorted().map(([name, ms]): [string, string] => [`- ${name}`, `${(ms / 1000).toFixed(0)} s`]),
    ['heap after warm-up', `${((heap[0]?.bytes ?? 0) / 2 ** 20).toFixed(2)} MB`],
    ['heap at the end', `${((heap.at(-1)?.bytes ?? 0) / 2 ** 20).toFixed(2)} MB`],
    ['heap slope', `${heapSlope(heap).toFixed(3)} MB in 10 minutes`],
    ['event-loop delay p99 without tracing', `${delayMs.control.toFixed(2)} ms`],
    ['event-loop delay p99 with tracing', `${delayMs.traced.toFixed(2)} ms`],
  ];
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, Math.max(0, ms)));
}
