// Each service of the demo is a process of its own, as in real life: tracing is set up once per process.
import { type ChildProcess, spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';

/** How long a service may take to close its connections and send its last spans before it is killed. */
const END_TIMEOUT_MS = 8_000;

/** Environment variables of a service, added to our own. */
export type Env = Record<string, string>;

/** What the one who starts a service wants to hear from it. */
export interface Listener {
  /** Each line of its log. */
  logLine: (line: string) => void;
  /** It ended though nobody asked it to; the text says how. */
  ended: (what: string) => void;
}

/** A running service. */
export interface ServiceProcess {
  /** Where it answers; `undefined` when it only consumes. */
  url: string | undefined;
  /** Ask it to end and wait until it is gone. */
  close: () => Promise<void>;
}

/**
 * Start a service and wait until it is ready.
 *
 * The channel to it closes when we are gone, however we ended, and then it ends too: nothing is left behind.
 *
 * @param name  the name of its file
 * @throws Error with the sentence it said when it could not start
 */
export async function startService(name: string, env: Env, listener: Listener): Promise<ServiceProcess> {
  const file = fileURLToPath(new URL(`../${name}.ts`, import.meta.url));
  // kafkajs computes a timer below zero now and then, which newer versions of Node.js warn about.
  const child = spawn(process.execPath, [...process.execArgv, '--disable-warning=TimeoutNegativeWarning', file], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  const complaints: string[] = [];
  let complain = (line: string): void => {
    complaints.push(line);
  };
  eachLine(child.stdout, listener.logLine);
  eachLine(child.stderr, (line) => complain(line));

  const ending = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(`${name} did not start: ${error.message}`));
    // 'close', not 'exit': what it complained about has been read by then.
    child.once('close', (code, signal) => resolve(complaint(complaints) ?? `${name} ended with ${signal ?? code}.`));
  });
  const ready = new Promise<string | undefined>((resolve) => {
    child.once('message', (message: { url?: string }) => resolve(message.url));
  });
  const failed = ending.then((what) => Promise.reject(new Error(what)));
  const url = await Promise.race([ready, failed]);

  complain = (line) => console.error(`${name} | ${line}`);
  for (const line of complaints.splice(0)) complain(line);
  let asked = false;
  void ending.then((what) => asked || listener.ended(what));
  const close = () => {
    asked = true;
    return endProcess(child, ending);
  };
  return { url, close };
}

/** A service's own sentence comes last; when it crashed, the message of the error stands above its stack. */
function complaint(lines: string[]): string | undefined {
  return lines.find((line) => /^\w*Error\b.*: /.test(line)) ?? lines.at(-1);
}

async function endProcess(child: ChildProcess, ending: Promise<unknown>): Promise<void> {
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), END_TIMEOUT_MS);
  await ending;
  clearTimeout(timer);
}

function eachLine(stream: Readable | null, take: (line: string) => void): void {
  let rest = '';
  stream?.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) if (line !== '') take(line);
  });
}
