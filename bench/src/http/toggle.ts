import { type Child, profileArguments, startChild } from '../child.ts';
import type { Cores } from '../cores.ts';
import { type Arrived, countArrived } from './arrived.ts';
import type { ServerScript } from './run.ts';
import { type Framework, TOGGLED } from './variant.ts';

/** What of the command line concerns toggling, with every default filled in. */
export interface ToggleOptions {
  readonly rounds: number;
  readonly variants: readonly string[] | undefined;
  readonly profileFolder: string | undefined;
}

export interface ToggleRun {
  /** CPU of the process per request, by variant, one figure per round. Microseconds. */
  readonly micros: Record<string, number[]>;
  readonly arrived: Record<string, Arrived>;
}

const PLAIN: ServerScript = { script: new URL('./toggle-server.ts', import.meta.url), variants: TOGGLED, args: [] };
/** Requests of one window: two batches of spans, ten to a hundred milliseconds. */
const WINDOW_REQUESTS = 1024;
/** Unmeasured windows of each variant before the first round. */
const WARM_UP_WINDOWS = 20;

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
  const names = servers.variants.filter((name) => name === 'bare' || (options.variants?.includes(name) ?? true));
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
    for (let i = 0; i < WARM_UP_WINDOWS; i++) for (const name of names) await measureWindow(server, name);
    const micros: Record<string, number[]> = Object.fromEntries(names.map((name) => [name, []]));
    for (let round = 0; round < options.rounds; round++) {
      for (let i = 0; i < names.length; i++) {
        const name = names[(i + round) % names.length] ?? 'bare';
        micros[name]?.push(await measureWindow(server, name));
      }
    }
    const served: Record<string, number> = {};
    for (const name of names) served[name] = Number((await server.ask('served', { name })).requests);
    return { micros, arrived: await countArrived(served, sink) };
  } finally {
    await Promise.all(started.map((child) => child.stop()));
  }
}

async function measureWindow(server: Child, name: string): Promise<number> {
  const { cpuMicros, requests } = await server.ask('window', { name, requests: WINDOW_REQUESTS });
  if (requests !== WINDOW_REQUESTS) throw new Error(`${String(requests)} of ${WINDOW_REQUESTS} requests were answered`);
  return Number(cpuMicros) / WINDOW_REQUESTS;
}
