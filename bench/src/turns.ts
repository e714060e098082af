import type { Child } from './child.ts';

/** What of the command line concerns turns, with every default filled in. */
export interface ToggleOptions {
  readonly rounds: number;
  readonly variants: readonly string[] | undefined;
  readonly profileFolder: string | undefined;
}

/** Requests of one window: ten to a hundred milliseconds. */
const WINDOW_REQUESTS = 1024;
/** Unmeasured windows of each variant before the first round. */
const WARM_UP_WINDOWS = 20;

/**
 * Measure the variants of one process in short windows that follow one another closely.
 *
 * @returns CPU of the process per request, by variant, one figure per round. Microseconds.
 */
export async function measureInTurns(
  process: Child,
  names: readonly string[],
  rounds: number,
): Promise<Record<string, number[]>> {
  for (let i = 0; i < WARM_UP_WINDOWS; i++) for (const name of names) await measureWindow(process, name);
  const micros: Record<string, number[]> = Object.fromEntries(names.map((name) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    // Another one goes first in each round, so that nobody always runs behind the same neighbour.
    for (let i = 0; i < names.length; i++) {
      const name = names[(i + round) % names.length] ?? 'bare';
      micros[name]?.push(await measureWindow(process, name));
    }
  }
  return micros;
}

async function measureWindow(process: Child, name: string): Promise<number> {
  const { cpuMicros, requests } = await process.ask('window', { name, requests: WINDOW_REQUESTS });
  if (requests !== WINDOW_REQUESTS) throw new Error(`${String(requests)} of ${WINDOW_REQUESTS} requests were answered`);
  return Number(cpuMicros) / WINDOW_REQUESTS;
}
