import { setImmediate as nextTurn } from 'node:timers/promises';

import { spanWithAttributes } from './cases.ts';
import { BATCH_SPANS, type Implementation } from './variant.ts';

/** Turns of the event loop that are watched after the span that fills a batch. */
const WATCHED_TURNS = 20;
/** Spans on which memory is measured: fewer than a batch, so that all of them wait. */
const WAITING_SPANS = 500;

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

/** What one waiting span holds. */
export interface WaitingSpan {
  /** Bytes of the heap that the garbage collector walks. */
  heap: number;
  /** The same and the buffers outside of it. */
  total: number;
}

/**
 * Memory that one ended span with eight attributes holds while it waits for export. Asked once in a process, before
 * anything else: buffers kept from earlier batches would make the spans look free. For the heap it is the other way
 * round: what code and caches need once has to be there before.
 *
 * @throws Error when the process runs without `--expose-gc`
 */
export async function bytesPerWaitingSpan(implementation: Implementation): Promise<WaitingSpan> {
  const { external } = await holdSpans(implementation);
  for (let n = 0; n < 10; n++) await holdSpans(implementation);
  const { heap } = await holdSpans(implementation);
  return { heap, total: heap + external };
}

async function holdSpans(implementation: Implementation): Promise<{ heap: number; external: number }> {
  const before = await usedBytes();
  for (let n = 0; n < WAITING_SPANS; n++) spanWithAttributes(implementation);
  const after = await usedBytes();
  await implementation.flush();
  return {
    heap: (after.heapUsed - before.heapUsed) / WAITING_SPANS,
    external: (after.external - before.external) / WAITING_SPANS,
  };
}

async function usedBytes(): Promise<NodeJS.MemoryUsage> {
  if (globalThis.gc === undefined) throw new Error('memory is measured with --expose-gc only');
  // Twice and a turn apart: what the first collection finalizes, the second one frees.
  globalThis.gc();
  await nextTurn();
  globalThis.gc();
  return process.memoryUsage();
}
