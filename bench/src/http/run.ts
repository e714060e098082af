import { type Child, startChild } from '../child.ts';
import type { Cores } from '../cores.ts';
import { applyLoad } from '../load.ts';
import type { Options } from '../options.ts';
import { type Framework, isSampled, VARIANTS } from './variant.ts';

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
 * Measure one framework: a server process per variant, alive over all rounds, and in each round
 * one window of load for each of them.
 */
export async function runHttp(framework: Framework, options: Options, cores: Cores): Promise<HttpRun> {
  const names = Object.keys(VARIANTS).filter((name) => name === 'bare' || (options.variants?.includes(name) ?? true));
  const started: Child[] = [];
  try {
    const sink = await startChild({ script: new URL('../sink/sink.ts', import.meta.url), core: cores.load });
    started.push(sink);
    const { url: sinkUrl } = await sink.ask('address');
    const measured: Measured[] = [];
    for (const name of names) {
      const server = await startServer(framework, name, String(sinkUrl), options, cores);
      started.push(server);
      measured.push({ name, server, url: String((await server.ask('address')).url) });
    }
    const load = { connections: options.connections, core: cores.load };
    for (const { server, url } of measured) {
      await applyLoad({ ...load, url, seconds: options.warmUpSeconds ?? 4 });
      await server.ask('begin');
    }
    const windows = await measureRounds(measured, sink, options, cores);
    return { windows, arrived: await countArrived(measured, sink) };
  } finally {
    await Promise.all(started.map((child) => child.stop()));
  }
}

function startServer(
  framework: Framework,
  name: string,
  sinkUrl: string,
  options: Options,
  cores: Cores,
): Promise<Child> {
  const folder = options.profileFolder;
  const profile = folder
    ? ['--cpu-prof', `--cpu-prof-dir=${folder}`, `--cpu-prof-name=${framework}-${name}.cpuprofile`]
    : [];
  return startChild({
    script: new URL('./server.ts', import.meta.url),
    args: [framework, name, sinkUrl],
    nodeArgs: profile,
    core: cores.server,
  });
}

async function measureRounds(
  measured: Measured[],
  sink: Child,
  options: Options,
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

async function measureWindow({ server, url }: Measured, options: Options, cores: Cores): Promise<Window> {
  const before = await server.ask('begin');
  await applyLoad({ url, seconds: options.seconds ?? 2.5, connections: options.connections, core: cores.load });
  const after = await server.ask('end');
  const requests = Number(after.requests) - Number(before.requests);
  if (requests < 1) throw new Error('a window without a request');
  return { microsPerRequest: Number(after.cpuMicros) / requests, rssBytes: Number(after.rssBytes), requests };
}

async function countArrived(measured: Measured[], sink: Child): Promise<Record<string, Arrived>> {
  const arrived: Record<string, Arrived> = {};
  for (const { name, server } of measured) {
    const { requests } = await server.ask('end');
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
