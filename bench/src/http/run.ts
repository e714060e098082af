import { type Child, profileArguments, startChild } from '../child.ts';
import type { Cores } from '../cores.ts';
import { applyLoad } from '../load.ts';
import { type Framework, isSampled, TOGGLED, VARIANTS } from './variant.ts';

/** What of the command line concerns a server, with every default filled in. */
export interface HttpOptions {
  readonly rounds: number;
  readonly seconds: number;
  readonly warmUpSeconds: number;
  readonly connections: number;
  readonly variants: readonly string[] | undefined;
  readonly profileFolder: string | undefined;
  /** All variants in one process, one of them answering at a time. */
  readonly toggle: boolean;
}

/** One measured window of one variant. */
export interface Window {
  /** CPU of the whole server process, all its threads, per request. Microseconds. */
  readonly microsPerRequest: number;
  /** Resident memory at the end of the window. Bytes. */
  readonly rssBytes: number;
  readonly requests: number;
}

/** What arrived at the sink from one server over its whole life, next to what it served. */
export interface Arrived {
  readonly requests: number;
  readonly spans: number;
  readonly serverSpans: number;
  readonly attributesPerServerSpan: number;
  readonly bytesPerRequest: number;
}

export interface HttpRun {
  readonly windows: Record<string, Window[]>;
  readonly arrived: Record<string, Arrived>;
}

interface Measured {
  readonly name: string;
  readonly server: Child;
  readonly url: string;
}

/** Name that the one route has in a correct trace. */
const SPAN_NAME = 'GET /users/:id';

/**
 * Measure one framework: servers alive over all rounds, and in each round one window of load for
 * every variant. Each variant has a process of its own, or with `toggle` all share one.
 */
export async function runHttp(framework: Framework, options: HttpOptions, cores: Cores): Promise<HttpRun> {
  const names = (options.toggle ? TOGGLED : Object.keys(VARIANTS)).filter(
    (name) => name === 'bare' || (options.variants?.includes(name) ?? true),
  );
  const started: Child[] = [];
  try {
    const sink = await startChild({ script: new URL('../sink/sink.ts', import.meta.url), core: cores.load });
    started.push(sink);
    const { url: sinkUrl } = await sink.ask('address');
    const measured: Measured[] = [];
    for (const group of options.toggle ? [names] : names.map((name) => [name])) {
      const server = await startServer(framework, group.join(','), String(sinkUrl), options, cores);
      started.push(server);
      const { url } = await server.ask('address');
      for (const name of group) measured.push({ name, server, url: String(url) });
    }
    await warmUp(measured, options, cores);
    const windows = await measureRounds(measured, sink, options, cores);
    return { windows, arrived: await countArrived(measured, sink) };
  } finally {
    await Promise.all(started.map((child) => child.stop()));
  }
}

function startServer(
  framework: Framework,
  names: string,
  sinkUrl: string,
  options: HttpOptions,
  cores: Cores,
): Promise<Child> {
  return startChild({
    script: new URL(options.toggle ? './toggle-server.ts' : './server.ts', import.meta.url),
    args: [framework, names, sinkUrl],
    nodeArgs: profileArguments(options.profileFolder, `${framework}-${names}`),
    core: cores.server,
  });
}

async function warmUp(measured: Measured[], options: HttpOptions, cores: Cores): Promise<void> {
  for (const { name, server, url } of measured) {
    await server.ask('begin', { variant: name });
    const { connections, warmUpSeconds: seconds } = options;
    if (seconds > 0) await applyLoad({ url, seconds, connections, core: cores.load });
    await server.ask('end', { variant: name });
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

async function measureWindow({ name, server, url }: Measured, options: HttpOptions, cores: Cores): Promise<Window> {
  const before = await server.ask('begin', { variant: name });
  await applyLoad({ url, seconds: options.seconds, connections: options.connections, core: cores.load });
  const after = await server.ask('end', { variant: name });
  const requests = Number(after.requests) - Number(before.requests);
  if (requests < 1) throw new Error('a window without a request');
  return { microsPerRequest: Number(after.cpuMicros) / requests, rssBytes: Number(after.rssBytes), requests };
}

async function countArrived(measured: Measured[], sink: Child): Promise<Record<string, Arrived>> {
  const arrived: Record<string, Arrived> = {};
  for (const { name, server } of measured) {
    const { requests } = await server.ask('end', { variant: name });
    const received = await sink.ask('count', { key: name });
    const servers = Object(received.servers) as Record<string, number>; // As sink.ts counts them: numbers by name.
    const serverSpans = servers[SPAN_NAME] ?? 0;
    arrived[name] = {
      requests: Number(requests),
      spans: Number(received.spans),
      serverSpans,
      attributesPerServerSpan: serverSpans === 0 ? 0 : Number(received.serverAttributes) / serverSpans,
      bytesPerRequest: Number(received.bytes) / Number(requests),
    };
  }
  return arrived;
}

/**
 * Why a variant does not count, or undefined when it does.
 *
 * A sampled variant owes one SERVER span with the right name for every request of its life, an
 * unsampled one owes none at all. Dropping spans is fast, and so is making none.
 */
export function voidReason(name: string, arrived: Arrived): string | undefined {
  if (isSampled(name)) {
    if (arrived.serverSpans === arrived.requests) return undefined;
    return `${arrived.serverSpans} SERVER spans "${SPAN_NAME}" arrived for ${arrived.requests} requests`;
  }
  return arrived.spans === 0 ? undefined : `${arrived.spans} spans arrived, none was wanted`;
}
