/** The faults of a backend at their real length, each with what has to come of them. All can run at the same time. */
import { startTracing, type StartTracingOptions, type Tracing } from '@clew/core';
import { type Check, equal, type Expected, ledgerChecks } from './checks.ts';
import { type Mode, Receiver } from './receiver.ts';
import { reportOf, startService } from './service-process.ts';
import { SpanMaker } from './span-maker.ts';

/** One fault. */
export interface Row {
  name: string;
  run(): Promise<Check[]>;
}

interface Fault {
  mode: Mode;
  /** How long it lasts. Milliseconds. */
  lastsMs: number;
  /** Spans a second. Default 200. */
  rate?: number;
  options?: StartTracingOptions;
  /** More to be judged, after everything is sent. */
  also?: (receiver: Receiver) => Check[];
  expected?: Expected;
}

const RATE = 200;
const HEALTHY_MS = 2000;
const DRAIN_MS = 120_000;
// Answers to requests and readings of clocks are made in different ticks.
const CLOCK_SLACK_MS = 10;

const STATUS_503: Mode = { kind: 'status', status: 503 };
const SLOW: Mode = { kind: 'slow', delayMs: 2000 };
const HANG: Mode = { kind: 'hang' };

export const ROWS: readonly Row[] = [
  passing('no fault for 10 s', { mode: { kind: 'ok' }, lastsMs: 10_000 }),
  ...[10, 30, 120].map((s) => passing(`503 for ${s} s`, { mode: STATUS_503, lastsMs: s * 1000 })),
  passing('connection refused for 30 s', { mode: { kind: 'refused' }, lastsMs: 30_000 }),
  passing('resets before the body is read, for 10 s', { mode: { kind: 'reset' }, lastsMs: 10_000 }),
  passing('no answer for 15 s', { mode: HANG, lastsMs: 15_000 }),
  passing('429 with Retry-After 3 for 7 s', {
    mode: { kind: 'status', status: 429, retryAfter: '3' },
    lastsMs: 7000,
    also: (receiver) => [noneBefore(receiver, 3000)],
  }),
  { name: 'one 503 with Retry-After of an hour', run: runHourLongRetryAfter },
  passing('answers after 2 s at 2000 spans/s for 20 s', { mode: SLOW, lastsMs: 20_000, rate: 2000 }),
  passing('answers after 2 s at 5000 spans/s for 20 s', { mode: SLOW, lastsMs: 20_000, rate: 5000 }),
  passing('no answer for 15 s at 5000 spans/s', { mode: HANG, lastsMs: 15_000, rate: 5000 }),
  passing('partial success that rejects a tenth', { mode: { kind: 'partial' }, lastsMs: 10_000 }),
  { name: 'every third answer is 500', run: runEveryThird },
  { name: 'shutdown with 2000 spans queued, nobody listens', run: () => runShutdown({ kind: 'refused' }) },
  { name: 'shutdown with 2000 spans queued, no answer', run: () => runShutdown(HANG) },
  { name: 'SIGTERM at 1000 spans/s with flushOnSignal', run: runSignal },
  { name: 'the event loop is blocked for 5 s', run: runBlocked },
];

function start(receiver: Receiver, options: StartTracingOptions = {}): Tracing {
  return startTracing({ serviceName: 'fault-row', register: false, endpoint: receiver.url, ...options });
}

/** A fault that passes: healthy, faulty, healthy again, and at the end everything has arrived. */
function passing(name: string, fault: Fault): Row {
  return { name, run: () => runPassing(fault) };
}

async function runPassing({ mode, lastsMs, rate = RATE, options, also, expected }: Fault): Promise<Check[]> {
  const receiver = await Receiver.listen();
  const tracing = start(receiver, options);
  const maker = new SpanMaker(tracing.provider.getTracer('rows'), rate);
  await sleep(HEALTHY_MS);
  await receiver.become(mode);
  await sleep(lastsMs);
  await receiver.become({ kind: 'ok' });
  await sleep(HEALTHY_MS);
  maker.stop();
  const flushed = await tracing.forceFlush(DRAIN_MS);
  const checks = ledgerChecks(maker.ended, tracing.stats().exporters[0], receiver, expected);
  const isWhole = (tracing.stats().exporters[0]?.rejected ?? 0) === 0;
  if (isWhole) checks.push(equal('the flush', flushed, 'ok'));
  await end(tracing, receiver);
  return [...checks, sawFault(receiver, mode), ...(also?.(receiver) ?? [])];
}

async function runHourLongRetryAfter(): Promise<Check[]> {
  const receiver = await Receiver.listen({ kind: 'status', status: 503, retryAfter: '3600' });
  const tracing = start(receiver);
  const maker = new SpanMaker(tracing.provider.getTracer('rows'), RATE);
  while (receiver.seen.length === 0) await sleep(10);
  await receiver.become({ kind: 'ok' });
  await sleep(10_000);
  maker.stop();
  await tracing.forceFlush(DRAIN_MS);
  const checks = ledgerChecks(maker.ended, tracing.stats().exporters[0], receiver);
  await end(tracing, receiver);
  // The longest wait that a server may ask for.
  return [...checks, noneBefore(receiver, 60_000)];
}

async function runEveryThird(): Promise<Check[]> {
  const receiver = await Receiver.listen({ kind: 'some', every: 3, status: 500 });
  const tracing = start(receiver);
  const maker = new SpanMaker(tracing.provider.getTracer('rows'), 0);
  for (let i = 0; i < 30; i++) {
    maker.burst(100);
    await tracing.forceFlush();
  }
  maker.stop();
  const expected = { dropped: { http_500: 1000 } };
  const checks = ledgerChecks(maker.ended, tracing.stats().exporters[0], receiver, expected);
  await end(tracing, receiver);
  return [...checks, equal('requests: none is sent again', receiver.seen.length, 30)];
}

async function runShutdown(mode: Mode): Promise<Check[]> {
  const receiver = await Receiver.listen(mode);
  const tracing = start(receiver);
  const maker = new SpanMaker(tracing.provider.getTracer('rows'), 0);
  maker.stop();
  maker.burst(2000);
  const startMs = performance.now();
  await tracing.shutdown();
  const tookMs = performance.now() - startMs;
  const stats = tracing.stats().exporters[0];
  receiver.close();
  return [
    ...ledgerChecks(maker.ended, stats, receiver, { dropped: { shutdown: 2000 } }),
    // The promise is 5 s; twice that is no longer the noise of a busy machine.
    { name: 'shutdown ends after 5 s', ok: tookMs < 10_000, saw: `${(tookMs / 1000).toFixed(2)} s` },
  ];
}

async function runSignal(): Promise<Check[]> {
  const receiver = await Receiver.listen();
  const child = startService({
    ...{ url: receiver.url, rate: 1000, controlMs: 0, runMs: 600_000, warmUpMs: 0, sampleMs: 0, blockMs: 0 },
  });
  const exited = new Promise((resolve) => child.once('exit', (code, signal) => resolve(signal ?? code)));
  const ended = new Promise<number>((resolve) => {
    const onCount = (count: unknown): void => {
      if (typeof count !== 'number' || count < 3000) return;
      // A second signal would end the process at once.
      child.off('message', onCount);
      child.kill('SIGTERM');
      resolve(count);
    };
    child.on('message', onCount);
  });
  const [count, how] = await Promise.all([ended, exited]);
  receiver.close();
  return [
    { name: 'all that ended before the signal arrived', ok: receiver.received >= count, saw: `${receiver.received}` },
    equal('spans that are missing between others', receiver.holes, 0),
    equal('duplicates', receiver.duplicates, 0),
    equal('the process ends by the signal', how, 'SIGTERM'),
  ];
}

async function runBlocked(): Promise<Check[]> {
  const receiver = await Receiver.listen();
  const child = startService({
    ...{ url: receiver.url, rate: RATE, controlMs: 0, runMs: 15_000, warmUpMs: 0, sampleMs: 0, blockMs: 5000 },
  });
  const report = await reportOf(child);
  receiver.close();
  // One for each full batch, one for each scheduled delay of 5 s, and the flush.
  const most = Math.ceil(report.ended / 512) + Math.ceil(20 / 5) + 1;
  const { length } = receiver.seen;
  return [
    ...ledgerChecks(report.ended, report.stats.exporters[0], receiver),
    { name: 'no storm of requests afterwards', ok: length <= most, saw: `${length}, ${most} at most` },
    { name: 'the span around it lasted as long', ok: receiver.longestMs >= 4999, saw: `${receiver.longestMs} ms` },
  ];
}

function sawFault(receiver: Receiver, mode: Mode): Check {
  const count = receiver.seen.filter((seen) => seen.mode === mode.kind).length;
  // What nobody listens to, nobody can count.
  return { name: 'the fault was met', ok: count > 0 || mode.kind === 'refused', saw: `${count} requests` };
}

/** After each answer that asked for a wait, the next request came no earlier. */
function noneBefore({ seen }: Receiver, waitMs: number): Check {
  const waits = seen.flatMap(({ askedToWaitMs: fromMs = Number.POSITIVE_INFINITY }) =>
    seen.filter(({ atMs }) => atMs > fromMs).map(({ atMs }) => atMs - fromMs),
  );
  const shortest = Math.min(...waits);
  return {
    name: `no request for ${waitMs / 1000} s after an answer that asks for it`,
    ok: waits.length > 0 && shortest >= waitMs - CLOCK_SLACK_MS,
    saw: `${(shortest / 1000).toFixed(3)} s`,
  };
}

async function end(tracing: Tracing, receiver: Receiver): Promise<void> {
  await tracing.shutdown();
  receiver.close();
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
