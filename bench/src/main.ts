// npm run bench: measure what tracing costs. README.md beside this folder says how and why.
import { chooseCores, type Cores } from './cores.ts';
import { runCore } from './core/run.ts';
import { type Arrived, runHttp, voidReason } from './http/run.ts';
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
  const runsClew = options.variants?.some((variant) => variant.startsWith('clew')) ?? true;
  prepare(runsClew ? ['core', ...options.benchmarks] : []);
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
  const { seconds = 0.2, warmUpSeconds = 1 } = options;
  const entries = Object.entries(await runCore({ ...options, seconds, warmUpSeconds }, cores)).map(
    ([name, { title, unit, samples }]) => [name, { title, ...compare(unit, samples) }] as const,
  );
  const { [HEADLINE_CASE]: headline, ...cases } = Object.fromEntries(entries);
  if (headline === undefined) throw new Error(`the case ${HEADLINE_CASE} was not run`);
  const title = `CPU of one ${headline.title}; the other operations in tables of their own`;
  return { result: describe('core', title, options, headline, cases), voids: [] };
}

async function benchHttp(framework: Framework, options: Options, cores: Cores): Promise<Outcome> {
  const { toggle, seconds = toggle ? 0.5 : 2.5, warmUpSeconds = 4 } = options;
  const { windows, arrived } = await runHttp(framework, { ...options, seconds, warmUpSeconds }, cores);
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
  const how = toggle ? 'all variants in one process, one answering at a time' : 'a process for each variant';
  const title = `CPU of the server process per \`GET /users/:id\` on ${framework} at saturation, ${how}`;
  const voids = Object.entries(arrived).flatMap(([name, one]) => {
    const reason = voidReason(name, one);
    return reason === undefined ? [] : [`${framework} ${name}: ${reason}`];
  });
  for (const [name, one] of Object.entries(arrived)) process.stderr.write(`${name}: ${describeArrived(one)}\n`);
  const name = toggle ? `${framework}-toggle` : framework;
  // Variants that share a process share its memory too, so that nobody's part of it could be told.
  return { result: describe(name, title, options, cpu, toggle ? {} : { memory }), voids };
}

function describeArrived({ requests, spans, bytesPerRequest, attributesPerServerSpan }: Arrived): string {
  if (spans === 0) return `${requests} requests, no span`;
  const [each, bytes, attributes] = [spans / requests, bytesPerRequest, attributesPerServerSpan].map((n) =>
    n.toFixed(1),
  );
  return `${requests} requests, ${each} spans and ${bytes} bytes for each, ${attributes} attributes on SERVER spans`;
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
    interval: main.interval,
    ratio: main.ratio,
    cases,
  };
}
