import { type Child, startChild } from '../child.ts';
import type { Cores } from '../cores.ts';
import type { Arrived } from '../http/arrived.ts';
import { type HttpOptions, runHttp } from '../http/run.ts';
import { runToggle } from '../http/toggle.ts';
import { FRAMEWORKS, type Framework } from '../http/variant.ts';
import type { ToggleOptions } from '../turns.ts';
import { FULL_YOUNG_GENERATION } from '../young-generation.ts';
import { startDatabase } from './database.ts';
import { SERVICE_VARIANTS, TOGGLED_SERVICE } from './variant.ts';

export interface ServiceRun {
  /** CPU of the service per request, by framework and variant, one figure per round. Microseconds. */
  readonly micros: Record<Framework, Record<string, number[]>>;
  readonly arrived: Record<Framework, Record<string, Arrived>>;
}

/** Processes with the same code differ by up to a tenth, for as long as they live. */
const GENERATIONS = 5;

/** Measure the service on every framework, one after the other. */
export function runService(options: HttpOptions, cores: Cores): Promise<ServiceRun> {
  return withPeers(cores, async (args, generator) => {
    const servers = {
      script: new URL('./server.ts', import.meta.url),
      variants: Object.keys(SERVICE_VARIANTS),
      args,
      nodeArgs: FULL_YOUNG_GENERATION,
      generations: GENERATIONS,
      generator,
      sharesLoadCore: Boolean(process.env.DATABASE_URL),
    };
    const micros: Partial<ServiceRun['micros']> = {};
    const arrived: Partial<ServiceRun['arrived']> = {};
    for (const framework of FRAMEWORKS) {
      const run = await runHttp(framework, options, cores, servers);
      arrived[framework] = run.arrived;
      micros[framework] = Object.fromEntries(
        Object.entries(run.windows).map(([name, list]) => [name, list.map((window) => window.microsPerRequest)]),
      );
    }
    // The loop above has gone over every framework.
    return { micros, arrived } as ServiceRun;
  });
}

/** The same by turns in one process for each framework. */
export function toggleService(options: ToggleOptions, cores: Cores): Promise<ServiceRun> {
  return withPeers(cores, async (args) => {
    const servers = { script: new URL('./toggle-server.ts', import.meta.url), variants: TOGGLED_SERVICE, args };
    const micros: Partial<ServiceRun['micros']> = {};
    const arrived: Partial<ServiceRun['arrived']> = {};
    for (const framework of FRAMEWORKS) {
      const run = await runToggle(framework, options, cores, servers);
      micros[framework] = run.micros;
      arrived[framework] = run.arrived;
    }
    // The loop above has gone over every framework.
    return { micros, arrived } as ServiceRun;
  });
}

/** What the measured service asks serves all of a run, on the core of the load. */
async function withPeers<T>(cores: Cores, measure: (args: readonly string[], peers: Child) => Promise<T>): Promise<T> {
  const peers = await startChild({ script: new URL('./peers.ts', import.meta.url), core: cores.load });
  const given = process.env.DATABASE_URL ? await startDatabase() : undefined;
  try {
    const { databaseUrl, targetUrl } = await peers.ask('addresses');
    return await measure([String(targetUrl), given?.url ?? String(databaseUrl)], peers);
  } finally {
    await given?.close();
    await peers.stop();
  }
}
