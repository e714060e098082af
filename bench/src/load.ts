import { spawn, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

import { pinned } from './cores.ts';

export interface Load {
  readonly url: string;
  /** Length of the load. Seconds, above 0. */
  readonly seconds: number;
  /** Connections kept open, each with one request at a time. */
  readonly connections: number;
  readonly core: number | undefined;
}

/** Which load generator is here. `wrk` takes a fifth of autocannon's CPU, so it is preferred. */
export function loadGenerator(): 'wrk' | 'autocannon' {
  // wrk answers --version with exit code 1, so only "not found" counts.
  return spawnSync('wrk', ['--version']).error === undefined ? 'wrk' : 'autocannon';
}

/**
 * Keep a server busy with `GET /users/<id>` over changing ids, from a process of its own.
 *
 * Ids change so that nobody can win by caching what belongs to one URL.
 *
 * @throws Error when the generator fails or a response is not 2xx: then nothing was measured
 */
export async function applyLoad(load: Load): Promise<void> {
  const output = loadGenerator() === 'wrk' ? await runWrk(load) : await runAutocannon(load);
  const bad = /Non-2xx or 3xx responses: (\d+)/.exec(output)?.[1];
  if (bad !== undefined) throw new Error(`the server gave ${bad} answers that are not 2xx`);
}

function runWrk({ url, seconds, connections, core }: Load): Promise<string> {
  const script = fileURLToPath(new URL('./http/users.lua', import.meta.url));
  // wrk counts in whole seconds only, so it is started for longer and ended when the time is up.
  const whole = Math.ceil(seconds);
  const command = ['wrk', '-t1', `-c${connections}`, `-d${whole}s`, '-s', script, url];
  return run(pinned(core, command), whole === seconds ? undefined : seconds);
}

function runAutocannon({ url, seconds, connections, core }: Load): Promise<string> {
  const script = fileURLToPath(new URL('./http/autocannon.ts', import.meta.url));
  return run(pinned(core, [process.execPath, script, url, String(seconds), String(connections)]), undefined);
}

/** @param interruptAfter  seconds until the process is asked to end early, or undefined to let it run */
function run([file, args]: [string, string[]], interruptAfter: number | undefined): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    const timer = interruptAfter && setTimeout(() => child.kill('SIGINT'), interruptAfter * 1000);
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
    child.on('error', reject);
    child.on('close', (code, signal) => {
      clearTimeout(timer || undefined);
      if (code === 0) resolve(output);
      else reject(new Error(`${file} ended with ${signal ?? code}:\n${output}`));
    });
  });
}
