// Run one test file in a process of its own and count what happened in it.
//
// Not with `run()` of node:test: it counts a file that ends in the middle (process.exit in a test), or that holds no test,
// as passed, and its timeout does not end a file whose tests are over but whose process goes on (seen in 24.21).
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const REPORTER = fileURLToPath(new URL('./reporter.mjs', import.meta.url));
const KILL_AFTER_MS = 2000;
const LAST_OUTPUT_MS = 500;

/**
 * @param file       path of the test file, from `cwd`
 * @param options    `cwd`; `reportsDir` for the report; `namePattern` as in `--test-name-pattern`; `expired`, a
 *                   signal that ends a file which takes too long; `interrupted`, one that ends it at once
 * @returns `passed` (a count) and `failures`: `{ name, line, text }` each, a skipped test among them
 */
export async function runFile(file, options) {
  const report = join(options.reportsDir, `${file.replaceAll(/[^\w.-]/g, '_')}.jsonl`);
  const ending = await runProcess(file, report, options);
  const entries = existsSync(report) ? readEntries(report) : [];
  rmSync(report, { force: true });
  return judge(entries, ending, options);
}

function runProcess(file, report, { cwd, namePattern, expired, interrupted }) {
  const args = [
    '--conditions=clew-source',
    `--test-reporter=${REPORTER}`,
    `--test-reporter-destination=${report}`,
    ...(namePattern === undefined ? [] : [`--test-name-pattern=${namePattern}`]),
    file,
  ];
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
    const ending = { output: '', timedOut: false };
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text) => {
        ending.output += text;
      });
    }
    const end = () => {
      child.kill('SIGTERM');
      setTimeout(() => child.kill('SIGKILL'), KILL_AFTER_MS).unref();
    };
    const expire = () => {
      ending.timedOut = true;
      child.kill('SIGUSR2');
      setTimeout(end, LAST_OUTPUT_MS).unref();
    };
    expired.addEventListener('abort', expire, { once: true });
    interrupted.addEventListener('abort', end, { once: true });
    child.on('error', reject);
    child.on('exit', () => {
      expired.removeEventListener('abort', expire);
      interrupted.removeEventListener('abort', end);
      // A process that the file has left behind may hold the pipes open for ever, and "close" with them.
      setTimeout(() => {
        child.stdout.destroy();
        child.stderr.destroy();
      }, LAST_OUTPUT_MS).unref();
    });
    child.on('close', (code, exitSignal) => resolve({ ...ending, code, exitSignal }));
  });
}

function readEntries(report) {
  // The last line may be torn when the process was ended.
  return readFileSync(report, 'utf8')
    .split('\n')
    .slice(0, -1)
    .map((text) => JSON.parse(text));
}

function judge(entries, ending, { namePattern }) {
  const tests = entries.filter((entry) => entry.kind === 'test');
  const passed = tests.filter((entry) => entry.outcome === 'passed').length;
  const failures = entries.filter(isFailure).map(({ name, line, error, outcome, isEcho }) => ({
    name,
    line,
    isEcho,
    text: error ?? `${outcome}: a test that does not run counts as failed`,
  }));
  const fault = ending.timedOut || failures.length === 0 ? fileFault(entries, ending, namePattern) : undefined;
  const late = entries.filter((entry) => entry.kind === 'diagnostic').map((entry) => entry.message);
  for (const text of [fault, ...late].filter((text) => text !== undefined)) {
    failures.push({ name: '(the file itself)', line: 1, isEcho: false, text });
  }
  return { passed, failures, output: ending.output };
}

function isFailure({ kind, outcome, isEcho }) {
  if (kind === 'test') return outcome !== 'passed';
  // A suite is not counted, unless it is the only one to know: skipped whole, or its hook failed.
  return kind === 'suite' && outcome !== 'passed' && !isEcho;
}

function fileFault(entries, { code, exitSignal, timedOut }, namePattern) {
  if (timedOut) return 'still running: a test hangs, or something keeps the process alive';
  if (code !== 0) return `the process ended with ${exitSignal ?? `code ${code}`}`;
  if (entries.some((entry) => entry.kind === 'test')) {
    return entries.some((entry) => entry.kind === 'summary') ? undefined : 'ended before its tests were over';
  }
  return namePattern === undefined ? 'no test ran: the file holds none, or ended before the first was over' : undefined;
}
