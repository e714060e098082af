import { type Child, profileArguments, startChild } from '../child.ts';
import type { Cores } from '../cores.ts';
import { chosenVariants } from '../options.ts';
import { CASES } from './cases.ts';

/** What of the command line concerns the operations, with every default filled in. */
export interface CoreOptions {
  readonly rounds: number;
  readonly seconds: number;
  readonly warmUpSeconds: number;
  readonly variants: readonly string[] | undefined;
  readonly profileFolder: string | undefined;
}

/** Figures of one case: a list per variant, one figure per round. */
export interface CaseSamples {
  readonly title: string;
  readonly unit: string;
  readonly samples: Record<string, number[]>;
}

interface Measured {
  readonly name: string;
  /** Answers for the cases that record. */
  readonly sampled: Child;
  /** Answers for the cases that the sampler refuses. */
  readonly unsampled: Child;
  /** Answers for the cases of plugins: their requests would change how the small operations are compiled. */
  readonly server: Child;
}

const IMPLEMENTATIONS = ['bare', 'clew', 'otel'];
/** Batches filled per round to find the 99th percentile of their stalls. */
const FLUSHES = 100;

/** Time every case on every implementation, each in processes of its own, in interleaved rounds. */
export async function runCore(options: CoreOptions, cores: Cores): Promise<Record<string, CaseSamples>> {
  const names = chosenVariants(IMPLEMENTATIONS, options);
  const started: Child[] = [];
  const start = async (name: string, ratio: number): Promise<Child> => {
    const child = await startChild({
      script: new URL('./child.ts', import.meta.url),
      args: [name, String(ratio)],
      nodeArgs: ['--expose-gc', ...profileArguments(options.profileFolder, `core-${name}-${ratio}`)],
      core: cores.server,
    });
    started.push(child);
    return child;
  };
  try {
    const measured: Measured[] = [];
    for (const name of names) {
      measured.push({
        name,
        sampled: await start(name, 1),
        unsampled: await start(name, 0),
        server: await start(name, 1),
      });
    }
    const cases = emptyCases(names);
    await measureRound(measured, { ...options, seconds: options.warmUpSeconds }, 0, emptyCases(names));
    for (let round = 0; round < options.rounds; round++) {
      await measureRound(measured, options, round, cases);
      await measureMemory(names, start, cases);
      process.stderr.write(`round ${round + 1} of ${options.rounds}\n`);
    }
    return cases;
  } finally {
    await Promise.all(started.map((child) => child.stop()));
  }
}

function emptyCases(names: string[]): Record<string, CaseSamples> {
  const samples = (): Record<string, number[]> => Object.fromEntries(names.map((name) => [name, []]));
  const timed = Object.entries(CASES).map(([name, { title }]) => [name, { title, unit: 'ns', samples: samples() }]);
  return {
    ...Object.fromEntries(timed),
    'flush-stall': {
      title: `longest turn of the event loop while a batch of 512 is flushed, median of ${FLUSHES}`,
      unit: 'µs',
      samples: samples(),
    },
    'flush-stall-p99': {
      title: `longest turn of the event loop while a batch of 512 is flushed, 99th percentile of ${FLUSHES}`,
      unit: 'µs',
      samples: samples(),
    },
    heap: {
      title: 'heap of an ended span with 8 attributes that waits for export',
      unit: 'bytes',
      samples: samples(),
    },
    memory: {
      title: 'the same with the buffers outside of the heap',
      unit: 'bytes',
      samples: samples(),
    },
  };
}

async function measureRound(
  measured: Measured[],
  options: CoreOptions,
  round: number,
  cases: Record<string, CaseSamples>,
): Promise<void> {
  for (const [caseName, { sampled, isOfPlugin }] of Object.entries(CASES)) {
    for (const one of rotate(measured, round)) {
      const child = isOfPlugin ? one.server : sampled ? one.sampled : one.unsampled;
      const { value } = await child.ask('time', { name: caseName, seconds: options.seconds });
      cases[caseName]?.samples[one.name]?.push(Number(value));
    }
  }
  for (const { name, sampled } of rotate(measured, round)) {
    const { median, p99 } = await sampled.ask('stall', { flushes: FLUSHES });
    cases['flush-stall']?.samples[name]?.push(Number(median));
    cases['flush-stall-p99']?.samples[name]?.push(Number(p99));
  }
}

async function measureMemory(
  names: string[],
  start: (name: string, ratio: number) => Promise<Child>,
  cases: Record<string, CaseSamples>,
): Promise<void> {
  for (const name of names) {
    const fresh = await start(name, 1);
    const { heap, total } = await fresh.ask('memory');
    cases.heap?.samples[name]?.push(Number(heap));
    cases.memory?.samples[name]?.push(Number(total));
    await fresh.stop();
  }
}

/** Another one goes first in each round, so that nobody always runs behind the same neighbour. */
function rotate<T>(list: readonly T[], by: number): T[] {
  const start = by % list.length;
  return [...list.slice(start), ...list.slice(0, start)];
}
