import { startChild } from '../child.ts';
import type { Cores } from '../cores.ts';
import type { Arrived } from '../http/arrived.ts';
import { type HttpOptions, runHttp } from '../http/run.ts';
import { FRAMEWORKS, type Framework } from '../http/variant.ts';
import { startDatabase } from './database.ts';
import { SERVICE_VARIANTS } from './variant.ts';

export interface ServiceRun {
  /** CPU of the service per request, by framework and variant, one figure per round. Microseconds. */
  readonly micros: Record<Framework, Record<string, number[]>>;
  readonly arrived: Record<Framework, Record<string, Arrived>>;
}

/** Measure the service on every framework, one after the other; database and the service that it asks serve all. */
export async function runService(options: HttpOptions, cores: Cores): Promise<ServiceRun> {
  const database = await startDatabase();
  const target = await startChild({ script: new URL('../client/target.ts', import.meta.url), core: cores.load });
  try {
    const servers = {
      script: new URL('./server.ts', import.meta.url),
      variants: Object.keys(SERVICE_VARIANTS),
      args: [String((await target.ask('address')).url), database.url],
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
  } finally {
    await target.stop();
    await database.close();
  }
}
