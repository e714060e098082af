/**
 * The service under test, a process of its own: makes spans at a steady rate and tells the parent over IPC what it
 * has counted. Started with one argument, `ServiceOptions` as JSON.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { startTracing, type Tracing } from '@clew/core';
import { trace } from '@opentelemetry/api';
import type { HeapSample } from './heap-slope.ts';
import { SpanMaker } from './span-maker.ts';

/** What the parent wants. */
export interface ServiceOptions {
  url: string;
  /** Spans a second. */
  rate: number;
  /** How long spans are made before tracing starts, for comparison. Milliseconds. */
  controlMs: number;
  /** How long spans are made with tracing. Milliseconds. */
  runMs: number;
  /** Of that, how long before the first reading of the heap. Milliseconds. */
  warmUpMs: number;
  /** Between readings of the heap; 0: none. Milliseconds. */
  sampleMs: number;
  /** How long the event loop is blocked after half of the run. Milliseconds; 0: not at all. */
  blockMs: number;
}

/** What the service has counted. */
export interface ServiceReport {
  ended: number;
  stats: ReturnType<Tracing['stats']>;
  heap: HeapSample[];
  /** 99th percentile of the delay of the event loop, without and with tracing. Milliseconds. */
  delayMs: { control: number; traced: number };
}

const FLUSH_MS = 120_000;
const RESOLUTION_MS = 5;
const TELL_MS = 100;
// Room for 400 ms at 20 000 spans a second; the default of 2048 is made for a tenth of that.
const MAX_QUEUE_SPANS = 8192;

// The parent is this repository's own code.
const options = JSON.parse(process.argv[2] ?? '') as ServiceOptions;
const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });

// Until tracing starts these spans go nowhere.
const idle = new SpanMaker(trace.getTracer('soak'), options.rate);
const control = await measure(options.controlMs);
idle.stop();
const tracing = startTracing({
  serviceName: 'soak',
  endpoint: options.url,
  flushOnSignal: true,
  batch: { maxQueueSpans: MAX_QUEUE_SPANS },
});
const maker = new SpanMaker(trace.getTracer('soak'), options.rate);
process.send?.('ready');
// Not at the end: a signal ends the process without another word.
const teller = setInterval(() => process.send?.(maker.ended), TELL_MS);
// A parent that is gone wants no more spans.
process.on('disconnect', () => process.exit());
const heap: HeapSample[] = [];
const sampler = options.sampleMs > 0 ? setInterval(readHeap, options.sampleMs) : undefined;
const block = options.blockMs > 0 ? setTimeout(blockLoop, options.runMs / 2) : undefined;
const startMs = performance.now();
const traced = await measure(options.runMs);
clearInterval(sampler);
clearTimeout(block);
clearInterval(teller);
maker.stop();
await tracing.forceFlush(FLUSH_MS);
const report: ServiceReport = {
  ended: maker.ended,
  stats: tracing.stats(),
  heap,
  delayMs: { control, traced },
};
process.send?.(report);
await tracing.shutdown();
process.disconnect();

/** @returns the 99th percentile of the event loop's delay during this time, in milliseconds */
async function measure(forMs: number): Promise<number> {
  if (forMs === 0) return 0;
  delay.reset();
  delay.enable();
  await new Promise((resolve) => setTimeout(resolve, forMs));
  delay.disable();
  return delay.percentile(99) / 1e6;
}

function readHeap(): void {
  const { inFlight = 0, retrying = 0 } = tracing.stats().exporters[0] ?? {};
  // What waits during a fault is no leak.
  if (performance.now() - startMs < options.warmUpMs || inFlight + retrying > 0) return;
  // The forced collection is the measurement's own, so its pause is not counted.
  delay.disable();
  globalThis.gc?.();
  heap.push({ atMs: performance.now(), bytes: process.memoryUsage().heapUsed });
  delay.enable();
}

function blockLoop(): void {
  // A span is open meanwhile, and the whole process waits without using the processor.
  maker.around(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, options.blockMs));
}
