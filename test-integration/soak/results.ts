/** What a long run prints, reads and writes; shared by soak and load. */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import type { Check } from './checks.ts';

/** One line of results. */
export interface ResultRow {
  name: string;
  ok: boolean;
}

/** A page of results. */
export interface Page {
  title: string;
  /** What was run. */
  command: string;
  /** Figures by name, as text with their unit. */
  figures: ReadonlyArray<readonly [name: string, value: string]>;
  rows: readonly ResultRow[];
}

// Read before the run: others may commit meanwhile.
const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim();

/** Write Markdown without a date, so that only figures differ from run to run. */
export function writeResults(file: URL, { title, command, figures, rows }: Page): void {
  const processors = cpus();
  const lines = [
    `# ${title}`,
    '',
    `Written by \`${command}\`; do not edit.`,
    '',
    `${processors.length} × ${processors[0]?.model}, Node.js ${process.version}, commit ${commit}. All processes of the run`,
    'share the machine.',
    '',
    '| Figure | |',
    '|---|---|',
    ...figures.map(([name, value]) => `| ${name} | ${value} |`),
    '',
    '| Claim | Holds |',
    '|---|---|',
    ...rows.map(({ name, ok }) => `| ${name} | ${ok ? 'yes' : '**no**'} |`),
    '',
  ];
  writeFileSync(file, lines.join('\n'));
}

/** Print each claim on a line of its own. */
export function printChecks(checks: readonly Check[]): readonly ResultRow[] {
  for (const { name, ok, saw } of checks) console.log(`${ok ? 'ok   ' : 'FAIL '} ${name}: ${saw}`);
  return checks;
}

/** A number of the command line; ends the process when it is none. */
export function positive(option: string, text: string): number {
  const value = Number(text);
  if (Number.isFinite(value) && value > 0) return value;
  console.error(`--${option} must be a number above 0, got ${text}`);
  process.exit(2);
}
