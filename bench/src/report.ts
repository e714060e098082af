import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { BENCH } from './prepare.ts';
import { type BenchResult, type Comparison, significant } from './result.ts';

const STORE = join(BENCH, 'results.json');
const RENDERED = join(BENCH, 'RESULTS.md');

/** A result for a person at a terminal, in the same tables as in `RESULTS.md`. */
export function formatResult(result: BenchResult): string {
  return renderResult(result).join('\n');
}

/** Keep the result beside those of the other benchmarks and render all of them anew. */
export function writeResult(result: BenchResult): void {
  const stored: Record<string, BenchResult> = existsSync(STORE) ? JSON.parse(readFileSync(STORE, 'utf8')) : {};
  const results = { ...stored, [result.name]: result };
  writeFileSync(STORE, `${JSON.stringify(results, undefined, 2)}\n`);
  writeFileSync(RENDERED, renderResults(results));
}

/** The whole of `RESULTS.md`. */
export function renderResults(results: Readonly<Record<string, BenchResult>>): string {
  const lines = [
    '# Results',
    '',
    'Written by `npm run bench -- <name> --write` from `results.json`; edits would be lost.',
    '[README.md](README.md) says how the figures are made and how to read them. Ratios can be compared between',
    'machines, absolute figures only within one table.',
  ];
  for (const name of Object.keys(results).sort()) {
    const result = results[name];
    if (result !== undefined) lines.push('', ...renderResult(result));
  }
  return `${lines.join('\n')}\n`;
}

function renderResult(result: BenchResult): string[] {
  const versions = Object.entries(result.versions).map(([name, version]) => `${name} ${version}`);
  return [
    `## ${result.name}`,
    '',
    `${result.title}. Node.js ${result.node}, ${result.machine}, commit ${result.commit}, ${count(result.rounds, 'round')}.`,
    '',
    ...renderComparison(result),
    ...Object.entries(result.cases).flatMap(([name, table]) => [
      '',
      `### ${name}`,
      '',
      `${table.title.charAt(0).toUpperCase()}${table.title.slice(1)}.`,
      '',
      ...renderComparison(table),
    ]),
    '',
    `Compared with: ${versions.join(', ')}.`,
  ];
}

function renderComparison({ unit, variants, added, interval, ratio, ratioInterval }: Comparison): string[] {
  const rows = Object.entries(variants).map(([name, spread]) => {
    const [more, between] = [added[name], interval[name]];
    const cells = [name, number(spread.median), range(spread.min, spread.max)];
    if (more === undefined || between === undefined) return [...cells, '', '', ''];
    return [...cells, signed(more.median), range(between.low, between.high), range(more.min, more.max)];
  });
  const lines = renderTable([['variant', unit, 'min … max', 'added to bare', '95 %', 'min … max'], ...rows]);
  const quotients = Object.entries(ratio).map(([name, value]) => {
    // A variant that is no dearer than bare has no share to speak of.
    const share = value > 0 ? ` (1/${number(1 / value)})` : '';
    const within = ratioInterval?.[name];
    return `\`${name}\` ${number(value)}${share}${within ? `, 95 % ${range(within.low, within.high)}` : ''}`;
  });
  return quotients.length === 0 ? lines : [...lines, '', `Ratio of what is added: ${quotients.join('; ')}.`];
}

/** Columns are padded, so that the table reads the same in a terminal and as Markdown. */
function renderTable(rows: string[][]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
  const line = (cells: string[]): string =>
    `| ${cells.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join(' | ')} |`;
  const rule = `|${widths.map((width, i) => `${'-'.repeat(width + 1)}${i === 0 ? '-' : ':'}`).join('|')}|`;
  const [head = [], ...body] = rows;
  return [line(head), rule, ...body.map(line)];
}

function range(from: number, to: number): string {
  return `${number(from)} … ${number(to)}`;
}

function signed(value: number): string {
  return value > 0 ? `+${number(value)}` : number(value);
}

/** Three significant digits, large numbers in full: what a person can compare at a glance. */
function number(value: number): string {
  const short = Math.abs(value) >= 100 ? Math.round(value) : Number(value.toPrecision(3));
  return String(significant(short));
}

function count(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? '' : 's'}`;
}
