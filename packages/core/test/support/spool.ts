/** Directories and programs for tests of the disk spool. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { type Backend, countSpans } from '../support.ts';

const ENTRY = JSON.stringify(new URL('../../src/start-tracing.ts', import.meta.url).href);

/** A directory that is removed with the test. */
export function makeSpoolDir(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'clew-spool-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

/** Paths of all batches below, in the order of their names; locks and directories are not among them. */
export function spoolFiles(dir: string): string[] {
  const names = readdirSync(dir, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.otlp'));
  return names
    .sort((a, b) => (a.slice(a.lastIndexOf('/')) < b.slice(b.lastIndexOf('/')) ? -1 : 1))
    .map((name) => join(dir, name));
}

/** How many spans a backend got. */
export function spansIn(backend: Backend): number {
  return backend.received.reduce((sum, { body }) => sum + countSpans(body), 0);
}

/** A running program that traces, and what it has printed. */
export interface Program {
  child: ChildProcess;
  output: string;
  /** Resolves when it has printed this; rejects when it ends before. */
  printed(text: string): Promise<void>;
  ended: Promise<[code: number | null, signal: NodeJS.Signals | null]>;
}

/**
 * Run a program that has called `startTracing`. Its code sees `tracing`, `work(count)` to end spans, and
 * `until(holds)`.
 *
 * @param options  of `startTracing`
 * @param shell    a command that runs before, in the same shell, such as `ulimit -f 8`
 */
export function startProgram(t: TestContext, options: object, code: string, shell?: string): Program {
  const batch = { scheduledDelayMs: 5, initialBackoffMs: 20, maxBackoffMs: 200 };
  const source = `
    import { startTracing } from ${ENTRY};
    const tracing = startTracing(${JSON.stringify({ serviceName: 'program', batch, ...options })});
    const work = (count, name = 'work') => {
      const tracer = tracing.provider.getTracer('t');
      for (let i = 0; i < count; i++) tracer.startSpan(name).end();
    };
    const until = async (holds) => {
      while (!holds(tracing.stats().exporters[0])) await new Promise((resolve) => setTimeout(resolve, 5));
    };
    const keepAlive = setInterval(() => {}, 1000);
    ${code}`;
  const node = [process.execPath, '--conditions=clew-source', '--input-type=module', '-e', source];
  const [command = '', ...args] = shell === undefined ? node : ['sh', '-c', `${shell}; exec "$@"`, 'sh', ...node];
  const child = spawn(command, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, OTEL_LOG_LEVEL: 'none' },
  });
  t.after(() => child.kill('SIGKILL'));
  const program: Program = {
    child,
    output: '',
    ended: once(child, 'close') as Program['ended'],
    printed: (text) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          if (program.output.includes(text)) resolve();
        };
        child.stdout?.on('data', look);
        child.once('close', (status) => reject(new Error(`ended with ${status}: ${program.output}`)));
        look();
      }),
  };
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk: Buffer) => {
      program.output += chunk;
    });
  }
  return program;
}
