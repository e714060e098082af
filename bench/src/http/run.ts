import { type Child, profileArguments, startChild } from '../child.ts';
import type { Cores } from '../cores.ts';
import { applyLoad } from '../load.ts';
import { type Arrived, countArrived } from './arrived.ts';
import { type Framework, VARIANTS } from './variant.ts';

/** What of the command line concerns a server, with every default filled in. */
export interface HttpOptions {
  readonly rounds: number;
  readonly seconds: number;
  readonly warmUpSeconds: number;
  readonly connections: number;
  readonly variants: readonly string[] | undefined;
  readonly profileFolder: string | undefined;
}

/** One measured window of one variant. */
export interface Window {
  /** CPU of the whole server process, all its threads, per request. Microseconds. */
  readonly microsPerRequest: number;
  /** Resident memory at the end of the window. Bytes. */
  readonly rssBytes: number;
  readonly requests: number;
}

export interface HttpRun {
  readonly windows: Record<string, Window[]>;
  readonly arrived: Record<string, Arrived>;
}

/** Which servers are measured. */
export interface ServerScript {
  readonly script: URL;
  /** In the order of the tables. */
  readonly variants: readonly string[];
  /** Given to the script behind framework, variant and sink. */
  readonly args: readonly string[];
}

const PLAIN: ServerScript = {
  script: new URL('./server.ts', import.meta.url),
  variants: Object.keys(VARIANTS),
  args: [],
};

interface Measured {
  readonly name: string;
  readonly server: Child;
  readonly url: string;
}

/**
 * Measure one framework: a server process per variant, alive over all rounds, and in each round
 * one window of load for each of them.
 */
export async function runHttp(
  framework: Framework,
  options: HttpOptions,
  cores: Cores,
  servers: ServerScript = PLAIN,
): Promise<HttpRun> {
  const names = servers.variants.filter((name) => name === 'bare' || (options.variants?.includes(name) ?? true));
  const started: Child[] = [];
  try {
    const sink = await startChild({ script: new URL('../sink/sink.ts', import.meta.url), core: cores.load });
    started.push(sink);
    const { url: sinkUrl } = await sink.ask('address');
    const measured: Measured[] = [];
    for (const name of names) {
      const server = await startChild({
        script: servers.script,
        args: [framework, name, String(sinkUrl), ...servers.args],
        nodeArgs: profileArguments(options.profileFolder, `${framework}-${name}`),
        core: cores.server,
      });
      started.push(server);
      measured.push({ name, server, url: String((await server.ask('address')).url) });
    }
    await warmUp(measured, options, cores);
    const windows = await measureRounds(measured, sink, options, cores);
    const served: Record<string, number> = {};
    for (const { name, server } of measured) served[name] = Number((await server.ask('end')).requests);
    return { windows, arrived: await countArrived(served, sink) };
  } finally {
    await Promise.all(started.map((child) => child.stop()));
  }
}

async function warmUp(measured: Measured[], options: HttpOptions, cores: Cores): Promise<void> {
  for (const { server, url } of measured) {
    await server.ask('begin');
    const { connections, warmUpSeconds: seconds } = options;
    if (seconds > 0) await applyLoad({ url, seconds, connections, core: cores.load });
    await server.ask('end');
  }
}

async function measureRounds(
  measured: Measured[],
  sink: Child,
  options: HttpOptions,
  cores: Cores,
): Promise<Record<string, Window[]>> {
  const windows: Record<string, Window[]> = Object.fromEntries(measured.map(({ name }) => [name, []]));
  for (let round = 0; round < options.rounds; round++) {
    // Another one goes first in each round, so that nobody always runs behind the same neighbour.
    for (let i = 0; i < measured.length; i++) {
      const one = measured[(i + round) % measured.length];
      if (one === undefined) continue;
      windows[one.name]?.push(await measureWindow(one, options, cores));
      // Nobody is measured now, so the sink may decode; keeping the bodies to the end would take gigabytes.
      await sink.ask('count', { key: one.name });
    }
    process.stderr.write(`round ${round + 1} of ${options.rounds}\n`);
  }
  return windows;
}

async function measureWindow({ server, url }: Measured, options: HttpOptions, cores: Cores): Promise<Window> {
  const before = await server.ask('begin');
  await applyLoad({ url, seconds: options.seconds, connections: options.connections, core: cores.load });
  const after = await server.ask('end');
  const requests = Number(after.requests) - Number(before.requests);
  if (requests < 1) throw new Error('a window without a request');
  return { microsPerRequest: Number(after.cpuMicros) / requests, rssBytes: Number(after.rssBytes), requests };
}
