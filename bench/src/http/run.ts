import { type Child, profileArguments, startChild } from '../child.ts';
import type { Cores } from '../cores.ts';
import { chosenVariants } from '../options.ts';
import { joinFigures, measureInRounds, shareRounds } from '../rounds.ts';
import { type Arrived, countArrived, joinArrived } from './arrived.ts';
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
  readonly nodeArgs?: readonly string[];
  /** How many processes of each variant share the rounds, one after the other. Default 1. */
  readonly generations?: number;
  /** A process that makes load and does more; the caller ends it. Default one of its own. */
  readonly generator?: Child;
  /** Whether something on the core of the load needs it, so that the generator has to sleep. Default false. */
  readonly sharesLoadCore?: boolean;
}

const PLAIN: ServerScript = {
  script: new URL('./server.ts', import.meta.url),
  variants: Object.keys(VARIANTS),
  args: [],
};

/**
 * Servers whose memory can be compared: with a young generation of fixed size. V8 doubles it whenever as much has
 * survived in it as it holds, so until it has its last size, memory says how long a server has been running. What it
 * learns from objects that survive is not what it learns by default, so CPU is not measured in these.
 */
export const FOR_MEMORY: ServerScript = {
  ...PLAIN,
  nodeArgs: ['--min-semi-space-size=16', '--max-semi-space-size=16'],
};

interface Processes {
  readonly measured: readonly Measured[];
  readonly sink: Child;
  readonly generator: Child;
  /** Whether the generator never sleeps under load. */
  readonly polls: boolean;
}

interface Measured {
  readonly name: string;
  readonly server: Child;
  readonly url: string;
}

/** Measure one framework. Each generation of servers has its share of the rounds. */
export async function runHttp(
  framework: Framework,
  options: HttpOptions,
  cores: Cores,
  servers: ServerScript = PLAIN,
): Promise<HttpRun> {
  let joined: HttpRun = { windows: {}, arrived: {} };
  for (const rounds of shareRounds(options.rounds, servers.generations ?? 1)) {
    joined = join(joined, await runGeneration(framework, { ...options, rounds }, cores, servers));
  }
  return joined;
}

function join(before: HttpRun, after: HttpRun): HttpRun {
  const arrived: Record<string, Arrived> = {};
  for (const [name, one] of Object.entries(after.arrived)) {
    const earlier = before.arrived[name];
    arrived[name] = earlier === undefined ? one : joinArrived(earlier, one);
  }
  return { windows: joinFigures(before.windows, after.windows), arrived };
}

function startGenerator(cores: Cores): Promise<Child> {
  return startChild({ script: new URL('./load-generator.ts', import.meta.url), core: cores.load });
}

/** A server process per variant, alive over all rounds, and in each round one window of load for each of them. */
async function runGeneration(
  framework: Framework,
  options: HttpOptions,
  cores: Cores,
  servers: ServerScript,
): Promise<HttpRun> {
  const names = chosenVariants(servers.variants, options);
  const started: Child[] = [];
  try {
    const sink = await startChild({ script: new URL('../sink/sink.ts', import.meta.url), core: cores.load });
    started.push(sink);
    const { url: sinkUrl } = await sink.ask('address');
    const generator = servers.generator ?? (await startGenerator(cores));
    if (servers.generator === undefined) started.push(generator);
    const measured: Measured[] = [];
    for (const name of names) {
      const server = await startChild({
        script: servers.script,
        args: [framework, name, String(sinkUrl), ...servers.args],
        nodeArgs: [...(servers.nodeArgs ?? []), ...profileArguments(options.profileFolder, `${framework}-${name}`)],
        core: cores.server,
      });
      started.push(server);
      measured.push({ name, server, url: String((await server.ask('address')).url) });
    }
    // A process that never sleeps needs a core of its own.
    const polls = cores.load !== undefined && servers.sharesLoadCore !== true;
    const all = { measured, sink, generator, polls };
    // In rounds like those to come: what goes on between two windows, such as closing connections, makes V8 drop code that
    // it has compiled, and compile it anew; and a server that has waited for minutes is slower at first.
    await measureRounds(all, { ...options, rounds: Math.ceil(options.warmUpSeconds / options.seconds) });
    const windows = await measureRounds(all, options);
    const served: Record<string, number> = {};
    for (const { name, server } of measured) served[name] = Number((await server.ask('end')).requests);
    return { windows, arrived: await countArrived(served, sink) };
  } finally {
    await Promise.all(started.map((child) => child.stop()));
  }
}

/** One window for each server in each round. */
function measureRounds(all: Processes, options: HttpOptions): Promise<Record<string, Window[]>> {
  return measureInRounds(all.measured, options.rounds, async (one) => {
    const window = await measureWindow(one, all, options);
    // Nobody is measured now, so the sink may decode; keeping the bodies to the end would take gigabytes.
    await all.sink.ask('count', { key: one.name });
    return window;
  });
}

async function measureWindow(
  { server, url }: Measured,
  { generator, polls }: Processes,
  { seconds, connections }: HttpOptions,
): Promise<Window> {
  await generator.ask('connect', { url, connections });
  const before = await server.ask('begin');
  await generator.ask('load', { seconds, polls });
  const after = await server.ask('end');
  const requests = Number(after.requests) - Number(before.requests);
  if (requests < 1) throw new Error('a window without a request');
  return { microsPerRequest: Number(after.cpuMicros) / requests, rssBytes: Number(after.rssBytes), requests };
}
