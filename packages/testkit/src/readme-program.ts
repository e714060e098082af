/** Runs the program of a README, so that what users copy is known to work. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const MAX_LINES = 20;
const TIMEOUT_MS = 30_000;

/** How the program ended. */
export interface ProgramResult {
  stdout: string;
  stderr: string;
  /** 0 for success; `null` when it was ended after 30 seconds. */
  code: number | null;
}

/**
 * The first `ts` or `js` code block of a README.
 *
 * @throws AssertionError when there is none, or it has more than 20 lines
 */
export function readmeProgram(readmePath: string): string {
  const block = /```(?:ts|js)\n([\s\S]*?)```/.exec(readFileSync(readmePath, 'utf8'))?.[1];
  assert.ok(block !== undefined, `${readmePath} has no program`);
  const lines = block.trimEnd().split('\n');
  assert.ok(
    lines.length <= MAX_LINES,
    `the program of ${readmePath} has ${lines.length} lines, ${MAX_LINES} are allowed`,
  );
  return block;
}

/**
 * Run a README's program as a file beside the README, so that it finds packages as the package itself does.
 *
 * @param env  more environment variables
 */
export async function runReadmeProgram(readmePath: string, env: Record<string, string> = {}): Promise<ProgramResult> {
  const file = join(dirname(readmePath), `.readme-program-${process.pid}.ts`);
  writeFileSync(file, readmeProgram(readmePath));
  try {
    return await run(file, env);
  } finally {
    rmSync(file, { force: true });
  }
}

function run(file: string, env: Record<string, string>): Promise<ProgramResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['--conditions=clew-source', file], {
      cwd: dirname(file),
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: TIMEOUT_MS,
    });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk: Buffer) => {
      stdout += chunk.toString();
    });
    child.stderr.on('data', (chunk: Buffer) => {
      stderr += chunk.toString();
    });
    child.on('error', reject);
    child.on('close', (code) => resolve({ stdout, stderr, code }));
  });
}
