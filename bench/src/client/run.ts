import { type Child, profileArguments, startChild } from '../child.ts';
import type { Cores } from '../cores.ts';
import { chosenVariants } from '../options.ts';
import { joinFigures, measureInRounds, shareRounds } from '../rounds.ts';
import { FULL_YOUNG_GENERATION } from '../young-generation.ts';
import { type Counted, countSpans } from './counted.ts';
import { CLIENT_VARIANTS, CLIENTS, type ClientName } from './variant.ts';

/** What of the command line concerns a client, with every default filled in. */
export interface ClientRunOptions {
  readonly rounds: number;
  readonly seconds: number;
  readonly warmUpSeconds: number;
  readonly connections: number;
  readonly variants: readonly string[] | undefined;
  readonly profileFolder: string | undefined;
}

export interface ClientRun {
  /** CPU of the client process per request, by variant, one figure per window. Microseconds. */
  readonly micros: Record<ClientName, Record<string, number[]>>;
  readonly counted: readonly Counted[];
}

/** Processes with the same code differ by several microseconds a request, for as long as they live. */
const GENERATIONS = 3;

/** What answers the clients, all of a run. */
interface Target {
  readonly process: Child;
  readonly url: string;
  /** Whether it never sleeps under load. */
  readonly polls: boolean;
}

interface Measured {
  readonly name: string;
  readonly process: Child;
}

/** Measure every client, one after the other. */
export async function runClients(options: ClientRunOptions, cores: Cores): Promise<ClientRun> {
  const target = await startChild({ script: new URL('./target.ts', import.meta.url), core: cores.load });
  const micros: ClientRun['micros'] = { request: {}, fetch: {}, channels: {} };
  const counted: Counted[] = [];
  try {
    const url = String((await target.ask('address')).url);
    // A process that never sleeps needs a core of its own.
    const all = { process: target, url, polls: cores.load !== undefined };
    for (const client of CLIENTS) {
      process.stderr.write(`${client}\n`);
      for (const rounds of shareRounds(options.rounds, GENERATIONS)) {
        const generation = await runGeneration(client, { ...options, rounds }, cores, all);
        counted.push(...generation.counted);
        micros[client] = joinFigures(micros[client], generation.micros);
      }
    }
    return { micros, counted };
  } finally {
    await target.stop();
  }
}

/** A process per variant, alive over its rounds, and windows of theirs in turn, in which it asks of its own accord. */
async function runGeneration(
  client: ClientName,
  options: ClientRunOptions,
  cores: Cores,
  target: Target,
): Promise<{ micros: Record<string, number[]>; counted: Counted[] }> {
  const { rounds, seconds, warmUpSeconds, connections, profileFolder } = options;
  const names = chosenVariants(Object.keys(CLIENT_VARIANTS), options);
  const sink = await startChild({ script: new URL('../sink/sink.ts', import.meta.url), core: cores.load });
  const measured: Measured[] = [];
  try {
    const sinkUrl = String((await sink.ask('address')).url);
    for (const name of names) {
      const process = await startChild({
        script: new URL('./client.ts', import.meta.url),
        args: [client, name, sinkUrl, target.url],
        nodeArgs: [...FULL_YOUNG_GENERATION, ...profileArguments(profileFolder, `${client}-${name}`)],
        core: cores.server,
      });
      measured.push({ name, process });
    }
    const measureWindow = async ({ name, process: child }: Measured): Promise<number> => {
      if (target.polls) await target.process.ask('poll');
      const { cpuMicros, requests } = await child.ask('load', { seconds, connections });
      await target.process.ask('rest');
      // Nobody is measured now, so the sink may decode.
      await sink.ask('count', { key: `${client}-${name}` });
      return Number(cpuMicros) / Number(requests);
    };
    // Warm-up in windows like those to come: what goes on between two of them is a part of what V8 compiles for.
    await measureInRounds(measured, Math.ceil(warmUpSeconds / seconds), measureWindow);
    const micros = await measureInRounds(measured, rounds, measureWindow);
    const counted: Counted[] = [];
    for (const one of measured) counted.push(await countSpans(one.process, sink, client, one.name));
    return { micros, counted };
  } finally {
    await Promise.all([sink, ...measured.map(({ process }) => process)].map((child) => child.stop()));
  }
}
