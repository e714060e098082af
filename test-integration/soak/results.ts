/** The page of results. */
import { execFileSync } from 'node:child_process';
import { cpus } from 'node:os';
import type { SoakOptions, SoakResult } from './soak.ts';

// Read before the run: others may commit meanwhile.
const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim();

/** @returns Markdown without a date, so that only figures differ from run to run */
export function resultsPage(
  { minutes, rate, seed }: SoakOptions,
  rows: ReadonlyArray<{ name: string; ok: boolean }>,
  figures: SoakResult['figures'],
): string {
  const processors = cpus();
  const lines = [
    '# Soak results',
    '',
    `Written by \`npm run soak -- --minutes ${minutes} --rate ${rate} --seed ${seed} --write\`; do not edit.`,
    '',
    `${processors.length} × ${processors[0]?.model}, Node.js ${process.version}, commit ${commit}. Service, receiver and all`,
    'faults below share the machine.',
    '',
    '| The long run | |',
    '|---|---|',
    ...figures.map(([name, value]) => `| ${name} | ${value} |`),
    '',
    '| Fault | Every claim holds |',
    '|---|---|',
    ...rows.map(({ name, ok }) => `| ${name} | ${ok ? 'yes' : '**no**'} |`),
    '',
  ];
  return lines.join('\n');
}
