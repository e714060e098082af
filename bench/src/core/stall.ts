import { setImmediate as nextTurn } from 'node:timers/promises';

import { spanWithAttributes } from './cases.ts';
import { BATCH_SPANS, type Implementation } from './variant.ts';

/** Turns of the event loop that are watched after the span that fills a batch. */
const WATCHED_TURNS = 20;
/** Spans on which memory is measured: fewer than a batch, so that all of them wait. */
const WAITING_SPANS = 500;
let measurements = 0;

/**
 * How long the event loop stands still when the span that fills a batch ends: the longest time
 * between two turns, the call of `end` itself included.
 *
 * @param flushes  how many batches are filled
 * @returns one figure per batch. Microseconds.
 */
export async function flushStalls(implementation: Implementation, flushes: number): Promise<number[]> {
  const stalls: number[] = [];
  for (let i = 0; i < flushes; i++) {
    await implementation.flush();
    for (let n = 1; n < BATCH_SPANS; n++) spanWithAttributes(implementation);
    await nextTurn();
    await nextTurn();
    stalls.push(await longestTurn(() => spanWithAttributes(implementation)));
  }
  return stalls;
}

function longestTurn(act: () => void): Promise<number> {
  return new Promise((resolve) => {
    let longestMs = 0;
    let turns = 0;
    let last = performance.now();
    const turn = (): void => {
      const now = performance.now();
      longestMs = Math.max(longestMs, now - last);
      last = now;
      if (++turns < WATCHED_TURNS) setImmediate(turn);
      else resolve(longestMs * 1000);
    };
    setImmediate(turn);
    act();
  });
}

/**
 * Memory that one ended span with eight attributes holds while it waits for export, buffers
 * outside of the heap included.
 *
 * @returns bytes per span
 * @throws Error when the process runs without `--expose-gc`
 */
export async function bytesPerWaitingSpan(implementation: Implementation): Promise<number> {
  await implementation.flush();
  const before = await usedBytes();
  // A tracer of its own: a buffer kept from earlier batches of another one would make the spans look free.
  const tracer = implementation.trace.getTracer(`memory ${measurements++}`);
  for (let n = 0; n < WAITING_SPANS; n++) spanWithAttributes({ ...implementation, tracer });
  const after = await usedBytes();
  await implementation.flush();
  return (after - before) / WAITING_SPANS;
}

async function usedBytes(): Promise<number> {
  if (globalThis.gc === undefined) throw new Error('memory is measured with --expose-gc only');
  // Twice and a turn apart: what the first collection finalizes, the second one frees.
  globalThis.gc();
  await nextTurn();
  globalThis.gc();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
