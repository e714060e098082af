// npm run bench: measure what tracing costs. README.md beside this folder says how and why.
import { chooseCores, type Cores } from './cores.ts';
import { runCore } from './core/run.ts';
import { runHttp, voidReason } from './http/run.ts';
import { FRAMEWORKS, type Framework } from './http/variant.ts';
import { loadGenerator } from './load.ts';
import { commit, machine, versions } from './machine.ts';
import { type BenchmarkName, type Options, parseOptions, USAGE } from './options.ts';
import { prepare } from './prepare.ts';
import { formatResult, writeResult } from './report.ts';
import { type BenchResult, compare, type Comparison } from './result.ts';

/** A finished benchmark, and why it must not be believed, if so. */
interface Outcome {
  readonly result: BenchResult;
  /** One line per variant whose spans do not match its requests. */
  readonly voids: readonly string[];
}

const HEADLINE_CASE = 'span-8-attributes';
const BYTES_PER_MB = 1e6;

try {
  if (process.argv.includes('--help')) console.log(USAGE);
  else await main(parseOptions(process.argv.slice(2)));
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}

async function main(options: Options): Promise<void> {
  prepare(options.variants?.some((variant) => variant.startsWith('clew')) ?? true);
  const cores = chooseCores();
  for (const name of options.benchmarks) {
    process.stderr.write(`${name}: ${describeSetUp(name, cores)}\n`);
    const { result, voids } = await run(name, options, cores);
    for (const line of voids) console.error(`VOID ${line}`);
    // What is void is shown for the search of the cause, never kept.
    if (voids.length > 0) process.exitCode = 1;
    else if (options.write) writeResult(result);
    console.log(options.json ? JSON.stringify(result) : `\n${formatResult(result)}`);
  }
}

function describeSetUp(name: BenchmarkName, { server, load }: Cores): string {
  const where =
    server === undefined ? 'nothing is pinned to a core' : `measured on core ${server}, all else on ${load}`;
  return name === 'core' ? where : `${where}, load from ${loadGenerator()}`;
}

function run(name: BenchmarkName, options: Options, cores: Cores): Promise<Outcome> {
  const framework = FRAMEWORKS.find((known) => known === name);
  return framework === undefined ? benchCore(options, cores) : benchHttp(framework, options, cores);
}

async function benchCore(options: Options, cores: Cores): Promise<Outcome> {
  const entries = Object.entries(await runCore(options, cores)).map(
    ([name, { title, unit, samples }]) => [name, { title, ...compare(unit, samples) }] as const,
  );
  const { [HEADLINE_CASE]: headline, ...cases } = Object.fromEntries(entries);
  if (headline === undefined) throw new Error(`the case ${HEADLINE_CASE} was not run`);
  const title = `CPU of one ${headline.title}; the other operations in tables of their own`;
  return { result: describe('core', title, options, headline, cases), voids: [] };
}

async function benchHttp(framework: Framework, options: Options, cores: Cores): Promise<Outcome> {
  const { windows, arrived } = await runHttp(framework, options, cores);
  const figures = (of: (window: (typeof windows)[string][number]) => number): Record<string, number[]> =>
    Object.fromEntries(Object.entries(windows).map(([name, list]) => [name, list.map(of)]));
  const cpu = compare(
    'µs',
    figures((window) => window.microsPerRequest),
  );
  const memory = {
    title: 'resident memory of the server under load',
    ...compare(
      'MB',
      figures((window) => window.rssBytes / BYTES_PER_MB),
    ),
  };
  const title = `CPU of the server process per \`GET /users/:id\` on ${framework} at saturation`;
  const voids = Object.entries(arrived).flatMap(([name, one]) => {
    const reason = voidReason(name, one);
    return reason === undefined ? [] : [`${framework} ${name}: ${reason}`];
  });
  for (const [name, { spans, requests, bytesPerRequest, attributesPerServerSpan }] of Object.entries(arrived)) {
    if (spans === 0) continue;
    const each = [spans / requests, bytesPerRequest, attributesPerServerSpan].map((value) => value.toFixed(1));
    process.stderr.write(
      `${name}: ${each[0]} spans and ${each[1]} bytes a request, ${each[2]} attributes on SERVER spans\n`,
    );
  }
  return { result: describe(framework, title, options, cpu, { memory }), voids };
}

function describe(
  name: string,
  title: string,
  options: Options,
  main: Comparison,
  cases: BenchResult['cases'],
): BenchResult {
  return {
    name,
    title,
    unit: main.unit,
    node: process.versions.node,
    rounds: options.rounds,
    machine: machine(),
    commit: commit(),
    versions: versions(),
    variants: main.variants,
    added: main.added,
    ratio: main.ratio,
    cases,
  };
}
