import { type ChildProcess, spawn } from 'node:child_process';

import { pinned } from './cores.ts';

/** Another Node.js process that answers questions over its IPC channel, one at a time. */
export interface Child {
  /** Send a question and wait for its answer. Rejects when the child ends first or answers with an error. */
  ask(question: string, details?: Record<string, unknown>): Promise<Record<string, unknown>>;
  /** End it and wait until it is gone. Never rejects. */
  stop(): Promise<void>;
}

export interface ChildOptions {
  readonly script: URL;
  readonly args?: readonly string[];
  readonly nodeArgs?: readonly string[];
  /** Core to pin to, or undefined to leave it to the scheduler. */
  readonly core: number | undefined;
}

/** Start a Node.js process of the same version as ours and wait until it says that it is ready. */
export async function startChild(options: ChildOptions): Promise<Child> {
  const [file, args] = pinned(options.core, [
    process.execPath,
    ...(options.nodeArgs ?? []),
    options.script.pathname,
    ...(options.args ?? []),
  ]);
  const child = spawn(file, args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'], env: measuredEnvironment() });
  const asking = new Asking(child);
  await asking.answer();
  return {
    ask(question, details) {
      child.send({ ...details, question });
      return asking.answer();
    },
    stop: () => stop(child),
  };
}

/** Arguments for Node.js that write a V8 CPU profile when the process ends; none without a folder. */
export function profileArguments(folder: string | undefined, name: string): string[] {
  return folder ? ['--cpu-prof', `--cpu-prof-dir=${folder}`, `--cpu-prof-name=${name}.cpuprofile`] : [];
}

/**
 * Our environment without what would change the measured program: conditions that resolve Clew to
 * its sources (`NODE_OPTIONS`), and variables that configure tracing.
 */
function measuredEnvironment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => name !== 'NODE_OPTIONS' && !name.startsWith('OTEL_'));
  return { ...Object.fromEntries(kept), NODE_ENV: 'production' };
}

class Asking {
  readonly #child: ChildProcess;

  constructor(child: ChildProcess) {
    this.#child = child;
  }

  answer(): Promise<Record<string, unknown>> {
    return new Promise((resolve, reject) => {
      const done = (): void => {
        this.#child.off('message', onMessage);
        this.#child.off('exit', onExit);
        this.#child.off('error', onError);
      };
      const onMessage = (message: unknown): void => {
        done();
        const answer = Object(message) as Record<string, unknown>; // Object() makes any value a record to look into.
        if (typeof answer.error === 'string') reject(new Error(answer.error));
        else resolve(answer);
      };
      const onExit = (code: number | null, signal: string | null): void => {
        done();
        reject(new Error(`a measured process ended early (${signal ?? `exit code ${code}`})`));
      };
      const onError = (error: Error): void => {
        done();
        reject(error);
      };
      this.#child.on('message', onMessage);
      this.#child.on('exit', onExit);
      this.#child.on('error', onError);
    });
  }
}

function stop(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) return resolve();
    const timer = setTimeout(() => child.kill('SIGKILL'), 5000);
    child.once('exit', () => {
      clearTimeout(timer);
      resolve();
    });
    // Children end when the channel closes, which writes a pending CPU profile; a signal would not.
    if (child.connected) child.disconnect();
  });
}

/**
 * The other end of the channel: answer questions with `handlers` until the parent is gone.
 *
 * @param handlers  by question; what they throw becomes the parent's error
 */
export function answerParent(
  handlers: Record<string, (details: Record<string, unknown>) => Promise<object> | object>,
): void {
  process.on('message', async (message: unknown) => {
    const details = Object(message) as Record<string, unknown>;
    try {
      const handler = handlers[String(details.question)];
      if (handler === undefined) throw new Error(`unknown question ${String(details.question)}`);
      process.send?.(await handler(details));
    } catch (error) {
      process.send?.({ error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
    }
  });
  process.on('disconnect', () => process.exit(0));
  process.send?.({ ready: true });
}
