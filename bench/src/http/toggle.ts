import { type Child, profileArguments, startChild } from '../child.ts';
import type { Cores } from '../cores.ts';
import { chosenVariants } from '../options.ts';
import { measureInTurns, type ToggleOptions } from '../turns.ts';
import { type Arrived, countArrived } from './arrived.ts';
import type { ServerScript } from './run.ts';
import { type Framework, TOGGLED } from './variant.ts';

export interface ToggleRun {
  /** CPU of the process per request, by variant, one figure per round. Microseconds. */
  readonly micros: Record<string, number[]>;
  readonly arrived: Record<string, Arrived>;
}

const PLAIN: ServerScript = { script: new URL('./toggle-server.ts', import.meta.url), variants: TOGGLED, args: [] };

/**
 * Measure the variants of one framework in a single process over connections in memory, with short
 * windows that follow one another closely.
 */
export async function runToggle(
  framework: Framework,
  options: ToggleOptions,
  cores: Cores,
  servers: ServerScript = PLAIN,
): Promise<ToggleRun> {
  const names = chosenVariants(servers.variants, options);
  const started: Child[] = [];
  try {
    const sink = await startChild({ script: new URL('../sink/sink.ts', import.meta.url), core: cores.load });
    started.push(sink);
    const { url } = await sink.ask('address');
    const server = await startChild({
      script: servers.script,
      args: [framework, names.join(','), String(url), ...servers.args],
      nodeArgs: profileArguments(options.profileFolder, `${framework}-toggle`),
      core: cores.server,
    });
    started.push(server);
    const micros = await measureInTurns(server, names, options.rounds);
    const served: Record<string, number> = {};
    for (const name of names) served[name] = Number((await server.ask('served', { name })).requests);
    return { micros, arrived: await countArrived(served, sink) };
  } finally {
    await Promise.all(started.map((child) => child.stop()));
  }
}
