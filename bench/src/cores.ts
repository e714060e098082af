import { spawnSync } from 'node:child_process';
import { availableParallelism } from 'node:os';

/** Where processes run: a core number each, or undefined when this system cannot pin. */
export interface Cores {
  readonly server: number | undefined;
  readonly load: number | undefined;
}

/**
 * Choose one core for the measured process and another for everything else.
 *
 * The scheduler would otherwise move the server about and let the load generator steal its cache.
 * Needs `taskset` and two cores; without either, nothing is pinned and the report says so.
 */
export function chooseCores(): Cores {
  const count = availableParallelism();
  if (count < 2 || spawnSync('taskset', ['--version']).status !== 0) return { server: undefined, load: undefined };
  // Core 0 serves the interrupts on most machines, so the measured process takes the last one.
  return { server: count - 1, load: 0 };
}

/** The command line that runs `command` on `core` alone; unchanged when `core` is undefined. */
export function pinned(core: number | undefined, command: readonly string[]): [string, string[]] {
  const [file = '', ...args] = command;
  if (core === undefined) return [file, args];
  return ['taskset', ['-c', String(core), file, ...args]];
}
