import { type Child, profileArguments, startChild } from '../child.ts';
import type { Cores } from '../cores.ts';
import { type Counted, countSpans } from './counted.ts';
import type { ClientRun } from './run.ts';
import { CLIENTS, TOGGLED } from './variant.ts';

/** What of the command line concerns toggling, with every default filled in. */
export interface ClientToggleOptions {
  readonly rounds: number;
  readonly variants: readonly string[] | undefined;
  readonly profileFolder: string | undefined;
}

/** Requests of one window: two batches of spans, ten to a hundred milliseconds. */
const WINDOW_REQUESTS = 1024;
/** Unmeasured windows of each variant before the first round. */
const WARM_UP_WINDOWS = 20;

/**
 * Measure every client by turns: its variants in a single process over connections in memory, with short windows that
 * follow one another closely.
 */
export async function runClientToggle(options: ClientToggleOptions, cores: Cores): Promise<ClientRun> {
  const sink = await startChild({ script: new URL('../sink/sink.ts', import.meta.url), core: cores.load });
  const micros: ClientRun['micros'] = { request: {}, fetch: {}, channels: {} };
  const counted: Counted[] = [];
  try {
    const sinkUrl = String((await sink.ask('address')).url);
    for (const client of CLIENTS) {
      for (const group of TOGGLED) {
        const names = group.filter((name) => name === 'bare' || (options.variants?.includes(name) ?? true));
        if (names.length === 1) continue;
        const child = await startChild({
          script: new URL('./toggle-client.ts', import.meta.url),
          args: [client, names.join(','), sinkUrl],
          nodeArgs: profileArguments(options.profileFolder, `${client}-${names.at(-1)}-toggle`),
          core: cores.server,
        });
        try {
          joinTurns(micros[client], await measureInTurns(child, names, options.rounds));
          for (const variant of names) counted.push(await countSpans(child, sink, client, variant));
        } finally {
          await child.stop();
        }
      }
    }
    return { micros, counted };
  } finally {
    await sink.stop();
  }
}

/** Put the variants of one process beside those of others: what each adds to the `bare` of its own process counts. */
function joinTurns(joined: Record<string, number[]>, turns: Record<string, number[]>): void {
  const own = turns.bare ?? [];
  joined.bare ??= own;
  const bare = joined.bare;
  for (const [name, figures] of Object.entries(turns)) {
    if (name === 'bare') continue;
    joined[name] = figures.map((figure, round) => figure - (own[round] ?? Number.NaN) + (bare[round] ?? Number.NaN));
  }
}

async function measureInTurns(
  child: Child,
  names: readonly string[],
  rounds: number,
): Promise<Record<string, number[]>> {
  for (let i = 0; i < WARM_UP_WINDOWS; i++) for (const name of names) await measureWindow(child, name);
  const micros: Record<string, number[]> = Object.fromEntries(names.map((name) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    // Another one goes first in each round, so that nobody always runs behind the same neighbour.
    for (let i = 0; i < names.length; i++) {
      const name = names[(i + round) % names.length] ?? 'bare';
      micros[name]?.push(await measureWindow(child, name));
    }
  }
  return micros;
}

async function measureWindow(child: Child, name: string): Promise<number> {
  const { cpuMicros } = await child.ask('window', { name, requests: WINDOW_REQUESTS });
  return Number(cpuMicros) / WINDOW_REQUESTS;
}
