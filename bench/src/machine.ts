import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';

import { BENCH } from './prepare.ts';

/** Processor and number of cores. */
export function machine(): string {
  const all = cpus();
  return `${all[0]?.model.trim() || process.arch}, ${all.length} cores`;
}

/** Short name of the commit that is measured, with `+` behind it when `packages/` has changes on top. */
export function commit(): string {
  const head = git('rev-parse', '--short', 'HEAD');
  return git('status', '--porcelain', '--', '../packages') === '' ? head : `${head}+`;
}

/** Exact versions of everything that Clew is compared with or measured on, from our `package.json`. */
export function versions(): Record<string, string> {
  return JSON.parse(readFileSync(`${BENCH}/package.json`, 'utf8')).dependencies;
}

function git(...args: string[]): string {
  return spawnSync('git', args, { cwd: BENCH, encoding: 'utf8' }).stdout?.trim() ?? '';
}
