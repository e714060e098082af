import { profileArguments, startChild } from '../child.ts';
import type { Cores } from '../cores.ts';
import { chosenVariants } from '../options.ts';
import { measureInTurns, type ToggleOptions } from '../turns.ts';
import { type Counted, countSpans } from './counted.ts';
import type { ClientRun } from './run.ts';
import { CLIENTS, TOGGLED } from './variant.ts';

/**
 * Measure every client by turns: its variants in a single process over connections in memory, with short windows that
 * follow one another closely.
 */
export async function runClientToggle(options: ToggleOptions, cores: Cores): Promise<ClientRun> {
  const sink = await startChild({ script: new URL('../sink/sink.ts', import.meta.url), core: cores.load });
  const micros: ClientRun['micros'] = { request: {}, fetch: {}, channels: {} };
  const counted: Counted[] = [];
  try {
    const sinkUrl = String((await sink.ask('address')).url);
    for (const client of CLIENTS) {
      for (const group of TOGGLED) {
        const names = chosenVariants(group, options);
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
