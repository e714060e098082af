import { type Child, profileArguments, startChild } from '../child.ts';
import type { Cores } from '../cores.ts';
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

/**
 * Windows of each variant in a round. Many short ones instead of a long one: what slows the machine for a second spoils
 * few of them, and the interval of the median narrows with their number.
 */
const WINDOWS_PER_ROUND = 4;

interface Measured {
  readonly client: ClientName;
  readonly variant: string;
  readonly process: Child;
}

/**
 * Measure every client: a process per client and variant, alive over all rounds, and windows of theirs in turn, in
 * which it asks a server of its own accord.
 */
export async function runClients(options: ClientRunOptions, cores: Cores): Promise<ClientRun> {
  const started: Child[] = [];
  const start = async (script: string, core: number | undefined, args: string[] = []): Promise<Child> => {
    const nodeArgs = profileArguments(args.length > 0 ? options.profileFolder : undefined, args.slice(0, 2).join('-'));
    const child = await startChild({ script: new URL(script, import.meta.url), args, nodeArgs, core });
    started.push(child);
    return child;
  };
  try {
    const sink = await start('../sink/sink.ts', cores.load);
    const target = await start('./target.ts', cores.load);
    const urls = [String((await sink.ask('address')).url), String((await target.ask('address')).url)];
    const names = Object.keys(CLIENT_VARIANTS).filter(
      (one) => one === 'bare' || (options.variants?.includes(one) ?? true),
    );
    const measured: Measured[] = [];
    for (const client of CLIENTS) {
      for (const variant of names) {
        measured.push({
          client,
          variant,
          process: await start('./client.ts', cores.server, [client, variant, ...urls]),
        });
      }
    }
    // Warm-up in windows like those to come: what goes on between two of them is a part of what V8 compiles for.
    await measureWindows(measured, names, sink, options, Math.ceil(options.warmUpSeconds / options.seconds));
    const micros = await measureWindows(measured, names, sink, options, options.rounds * WINDOWS_PER_ROUND);
    const counted: Counted[] = [];
    for (const { client, variant, process: child } of measured) {
      counted.push(await countSpans(child, sink, client, variant));
    }
    return { micros, counted };
  } finally {
    await Promise.all(started.map((child) => child.stop()));
  }
}

async function measureWindows(
  measured: readonly Measured[],
  names: readonly string[],
  sink: Child,
  { seconds, connections }: ClientRunOptions,
  windows: number,
): Promise<ClientRun['micros']> {
  const micros = Object.fromEntries(
    CLIENTS.map((client) => [client, Object.fromEntries(names.map((name) => [name, [] as number[]]))]),
  ) as ClientRun['micros']; // An entry for each of them.
  for (let window = 0; window < windows; window++) {
    // Another one goes first each time, so that nobody always runs behind the same neighbour.
    for (let i = 0; i < measured.length; i++) {
      const one = measured[(i + window) % measured.length];
      if (one === undefined) continue;
      micros[one.client][one.variant]?.push(await measure(one, seconds, connections));
      // Nobody is measured now, so the sink may decode.
      await sink.ask('count', { key: keyOf(one) });
    }
    process.stderr.write(`window ${window + 1} of ${windows}\n`);
  }
  return micros;
}

async function measure({ process: child }: Measured, seconds: number, connections: number): Promise<number> {
  const { cpuMicros, requests } = await child.ask('load', { seconds, connections });
  return Number(cpuMicros) / Number(requests);
}

function keyOf({ client, variant }: Measured): string {
  return `${client}-${variant}`;
}
