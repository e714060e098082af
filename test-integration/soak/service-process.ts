/** Starts the service under test as a process of its own. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import type { ServiceOptions, ServiceReport } from './service.ts';

export function startService(options: ServiceOptions): ChildProcess {
  const path = new URL('./service.ts', import.meta.url);
  const execArgv = ['--conditions=clew-source', '--expose-gc'];
  // Its faults are the point, and the counts tell them.
  return fork(path, [JSON.stringify(options)], { execArgv, env: { ...process.env, OTEL_LOG_LEVEL: 'none' } });
}

/** The report of a service, or a rejection when it ended without one. */
export async function reportOf(child: ChildProcess): Promise<ServiceReport> {
  const ended = once(child, 'exit').then(([code, signal]) => {
    throw new Error(`the service ended with ${code ?? signal} before its report`);
  });
  const report = new Promise<ServiceReport>((resolve) => {
    child.on('message', (message) => {
      // The service sends a text, a number or its report.
      if (typeof message === 'object') resolve(message as ServiceReport);
    });
  });
  return await Promise.race([report, ended]);
}
