import { type Child, profileArguments, startChild } from '../child.ts';
import type { Cores } from '../cores.ts';
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
  /** CPU of the client process per request, by variant, one figure per round. Microseconds. */
  readonly micros: Record<ClientName, Record<string, number[]>>;
  /** One line per process whose spans do not match its requests. */
  readonly voids: string[];
}

interface Measured {
  readonly client: ClientName;
  readonly variant: string;
  readonly process: Child;
}

/**
 * Measure every client: a process per client and variant, alive over all rounds, and in each round one window for each
 * of them, in which it asks a server of its own accord.
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
    const micros = Object.fromEntries(
      CLIENTS.map((client) => [client, Object.fromEntries(names.map((name) => [name, [] as number[]]))]),
    ) as ClientRun['micros']; // An entry for each of them.
    for (const one of measured) await measure(one, options.warmUpSeconds, options.connections);
    for (let round = 0; round < options.rounds; round++) {
      // Another one goes first in each round, so that nobody always runs behind the same neighbour.
      for (let i = 0; i < measured.length; i++) {
        const one = measured[(i + round) % measured.length];
        if (one === undefined) continue;
        micros[one.client][one.variant]?.push(await measure(one, options.seconds, options.connections));
        // Nobody is measured now, so the sink may decode.
        await sink.ask('count', { key: keyOf(one) });
      }
      process.stderr.write(`round ${round + 1} of ${options.rounds}\n`);
    }
    return { micros, voids: await findVoids(measured, sink) };
  } finally {
    await Promise.all(started.map((child) => child.stop()));
  }
}

async function measure({ process: child }: Measured, seconds: number, connections: number): Promise<number> {
  if (seconds === 0) return 0;
  const { cpuMicros, requests } = await child.ask('load', { seconds, connections });
  return Number(cpuMicros) / Number(requests);
}

/** A sampled variant owes one span for each request of its life, the others owe none. */
async function findVoids(measured: Measured[], sink: Child): Promise<string[]> {
  const voids: string[] = [];
  for (const one of measured) {
    const { requests } = await one.process.ask('total');
    const { spans } = await sink.ask('count', { key: keyOf(one) });
    const owed = one.variant === 'clew' || one.variant === 'otel' ? Number(requests) : 0;
    process.stderr.write(`${keyOf(one)}: ${requests} requests, ${spans} spans\n`);
    if (spans !== owed) voids.push(`${keyOf(one)}: ${spans} spans arrived for ${requests} requests`);
  }
  return voids;
}

function keyOf({ client, variant }: Measured): string {
  return `${client}-${variant}`;
}
