import { type ChildProcess, spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';

/** Starting takes a few seconds on a busy machine; a minute without an address means that it never comes. */
const START_TIMEOUT_MS = 60_000;

/** What starts an engine in a process of its own. */
export interface EngineProcessOptions {
  /** How the engine is called in an error, for example `embedded PostgreSQL`. */
  name: string;
  /** The program: a TypeScript file beside this one. */
  file: URL;
  /** The engine's address when this line of its output tells it, else `undefined`. */
  findAddress: (line: string) => string | undefined;
  /** What to do when the engine cannot start; the end of the error's sentence. */
  remedy: string;
}

/** An engine that answers at `address`. */
export interface EngineProcess {
  /** `127.0.0.1:<port>`. */
  address: string;
  /** End the engine's process and wait until it is gone. Calling it again does nothing. */
  close: () => Promise<void>;
}

/**
 * Start an engine in a process of its own and wait until it told its address.
 *
 * A separate process, because an engine in ours would share the event loop whose spans are timed, and because
 * librdkafka writes its address to the process's standard output, which only a parent can read.
 * The process ends when its standard input does, so it never outlives us, even after SIGKILL; it does not keep
 * us alive either.
 *
 * @throws Error in one sentence when the engine ends, or stays silent for 60 s, before it told its address
 */
export async function startEngineProcess(options: EngineProcessOptions): Promise<EngineProcess> {
  const child = spawn(process.execPath, [fileURLToPath(options.file)], { stdio: ['pipe', 'pipe', 'pipe'] });
  const close = () => endProcess(child);
  try {
    const address = await firstAddress(child, options.findAddress);
    letGo(child);
    return { address, close };
  } catch (error) {
    await close();
    throw new Error(`${options.name} did not start (${(error as Error).message}); ${options.remedy}.`);
  }
}

function firstAddress(child: ChildProcess, findAddress: (line: string) => string | undefined): Promise<string> {
  return new Promise((resolve, reject) => {
    const complaints: string[] = [];
    const timer = setTimeout(() => reject(new Error(`silent for ${START_TIMEOUT_MS / 1000} s`)), START_TIMEOUT_MS);
    child.once('error', reject);
    child.once('close', (code, signal) => reject(new Error(complaint(complaints) ?? `ended with ${signal ?? code}`)));
    child.once('close', () => clearTimeout(timer));
    onLine(child.stderr, (line) => complaints.push(line));
    onLine(child.stdout, (line) => {
      const address = findAddress(line);
      if (address === undefined) return;
      clearTimeout(timer);
      resolve(address);
    });
  });
}

/** The message of an uncaught error, which Node.js prints between the source line and the stack. */
function complaint(lines: string[]): string | undefined {
  const message = lines.find((line) => /^\w*Error\b.*: /.test(line)) ?? lines.find((line) => line.trim() !== '');
  return message?.replace(/[.:]?\s*$/, '');
}

function onLine(stream: Readable | null, take: (line: string) => void): void {
  let rest = '';
  stream?.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) take(line);
  });
}

/** Its output is still read, else the engine would stop at a full pipe, but nothing of it keeps us alive. */
function letGo(child: ChildProcess): void {
  child.unref();
  // Pipes to a child are sockets, but typed as plain streams, which have no unref.
  for (const pipe of [child.stdin, child.stdout, child.stderr]) (pipe as unknown as { unref(): void }).unref();
}

async function endProcess(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  child.ref();
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await ended;
}
