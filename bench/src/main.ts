// npm run bench: measure what tracing costs. README.md beside this folder says how and why.
import { type Counted, clientVoidReason } from './client/counted.ts';
import { type ClientRun, runClients } from './client/run.ts';
import { runClientToggle } from './client/toggle.ts';
import { CLIENTS, TITLES } from './client/variant.ts';
import { chooseCores, type Cores } from './cores.ts';
import { runCore } from './core/run.ts';
import { type Arrived, voidReason } from './http/arrived.ts';
import { FOR_MEMORY, type HttpRun, runHttp, type Window } from './http/run.ts';
import { runToggle } from './http/toggle.ts';
import { FRAMEWORKS, type Framework } from './http/variant.ts';
import { commit, machine, versions } from './machine.ts';
import { type BenchmarkName, type Options, parseOptions, USAGE } from './options.ts';
import { prepare } from './prepare.ts';
import { formatResult, writeResult } from './report.ts';
import { type BenchResult, compare, type Comparison } from './result.ts';
import { runService, toggleService } from './service/run.ts';

/** A finished benchmark, and why it must not be believed, if so. */
interface Outcome {
  readonly result: BenchResult;
  /** One line per variant whose spans do not match its requests. */
  readonly voids: readonly string[];
}

/** The command line with the rounds of a benchmark filled in. */
type Settled = Options & { readonly rounds: number };

const HEADLINE_CASE = 'span-8-attributes';
/** Windows of a server under load: short and many, so that a neighbour's burst falls upon few of them. */
const WINDOW_SECONDS = 0.2;
const BYTES_PER_MB = 1e6;
/** What is built for a benchmark, where that is not the package of its name. */
const PACKAGES: Partial<Record<BenchmarkName, readonly string[]>> = {
  service: ['express', 'fastify', 'pg', 'pino', 'prom-client', 'undici'],
};

try {
  if (process.argv.includes('--help')) console.log(USAGE);
  else await main(parseOptions(process.argv.slice(2)));
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}

async function main(options: Options): Promise<void> {
  const runsClew = options.variants?.some((variant) => variant.startsWith('clew')) ?? true;
  prepare(runsClew ? ['core', ...options.benchmarks.flatMap((name) => PACKAGES[name] ?? [name])] : []);
  const cores = chooseCores();
  for (const name of options.benchmarks) {
    process.stderr.write(`${name}: ${describeCores(cores)}
`);
    const { result, voids } = await run(
      name,
      { ...options, rounds: options.rounds ?? defaultRounds(name, options) },
      cores,
    );
    for (const line of voids) console.error(`VOID ${line}`);
    // What is void is shown for the search of the cause, never kept.
    if (voids.length > 0) process.exitCode = 1;
    else if (options.write) writeResult(result);
    console.log(options.json ? JSON.stringify(result) : `\n${formatResult(result)}`);
  }
}

function describeCores({ server, load }: Cores): string {
  return server === undefined ? 'nothing is pinned to a core' : `measured on core ${server}, all else on ${load}`;
}

/** Windows of servers are short, and those of `--toggle` shorter still, so it takes more of them. */
function defaultRounds(name: BenchmarkName, { toggle }: Options): number {
  if (toggle) return 200;
  return name === 'core' ? 10 : 60;
}

function run(name: BenchmarkName, options: Settled, cores: Cores): Promise<Outcome> {
  if (name === 'undici') return options.toggle ? benchClientToggle(options, cores) : benchClients(options, cores);
  if (name === 'service') return benchService(options, cores);
  const framework = FRAMEWORKS.find((known) => known === name);
  if (framework === undefined) return benchCore(options, cores);
  return options.toggle ? benchToggle(framework, options, cores) : benchHttp(framework, options, cores);
}

async function benchCore(options: Settled, cores: Cores): Promise<Outcome> {
  const { seconds = 0.2, warmUpSeconds = 1 } = options;
  const entries = Object.entries(await runCore({ ...options, seconds, warmUpSeconds }, cores)).map(
    ([name, { title, unit, samples }]) => [name, { title, ...compare(unit, samples) }] as const,
  );
  const { [HEADLINE_CASE]: headline, ...cases } = Object.fromEntries(entries);
  if (headline === undefined) throw new Error(`the case ${HEADLINE_CASE} was not run`);
  const title = `CPU of one ${headline.title}; the other operations in tables of their own`;
  return { result: describe('core', title, options, headline, cases), voids: [] };
}

async function benchHttp(framework: Framework, options: Settled, cores: Cores): Promise<Outcome> {
  const { seconds = WINDOW_SECONDS, warmUpSeconds = 4 } = options;
  const given = { ...options, seconds, warmUpSeconds };
  const run = await runHttp(framework, given, cores);
  const settled = await runHttp(framework, { ...given, rounds: Math.ceil(options.rounds / 4) }, cores, FOR_MEMORY);
  const cpu = compare(
    'µs',
    figuresOf(run, ({ microsPerRequest }) => microsPerRequest),
  );
  const memory = {
    title: 'resident memory of the server under load',
    ...compare(
      'MB',
      figuresOf(settled, ({ rssBytes }) => rssBytes / BYTES_PER_MB),
    ),
  };
  const title = `CPU of the server process per \`GET /users/:id\` on ${framework} at saturation`;
  const voids = [run, settled].flatMap(({ arrived }) => checkArrived(arrived));
  return { result: describe(framework, title, options, cpu, { memory }), voids };
}

function figuresOf({ windows }: HttpRun, figure: (window: Window) => number): Record<string, number[]> {
  return Object.fromEntries(Object.entries(windows).map(([name, list]) => [name, list.map(figure)]));
}

async function benchClients(options: Settled, cores: Cores): Promise<Outcome> {
  const { seconds = 0.3, warmUpSeconds = 3 } = options;
  const run = await runClients({ ...options, seconds, warmUpSeconds }, cores);
  return clientOutcome('undici', 'CPU of the client process per request', options, run);
}

function clientOutcome(name: string, what: string, options: Settled, { micros, counted }: ClientRun): Outcome {
  const tables = CLIENTS.map(
    (client) => [client, { title: `${what}: ${TITLES[client]}`, ...compare('µs', micros[client]) }] as const,
  );
  const { request, ...cases } = Object.fromEntries(tables);
  if (request === undefined) throw new Error('the client request was not run');
  return { result: describe(name, request.title, options, request, cases), voids: checkCounted(counted) };
}

async function benchClientToggle(options: Settled, cores: Cores): Promise<Outcome> {
  const run = await runClientToggle(options, cores);
  return clientOutcome(
    'undici-toggle',
    'CPU of a request over connections in memory, in turns with bare',
    options,
    run,
  );
}

/** Tell what arrived, and return a line for every variant whose spans do not match its requests. */
function checkCounted(counted: readonly Counted[]): string[] {
  return counted.flatMap((one) => {
    process.stderr.write(`${one.client}-${one.variant}: ${one.requests} requests, ${one.spans} spans\n`);
    return clientVoidReason(one) ?? [];
  });
}

async function benchService(options: Settled, cores: Cores): Promise<Outcome> {
  const { seconds = 0.6, warmUpSeconds = 12 } = options;
  const run = await (options.toggle
    ? toggleService(options, cores)
    : runService({ ...options, seconds, warmUpSeconds }, cores));
  const { fastify, express } = run.micros;
  const work = '`GET /users/:id` with two queries, a request to another service, a log line and a histogram';
  const title = `CPU of the service per ${work}, on fastify`;
  const cases = { express: { title: 'the same on express', ...compare('µs', express) } };
  const voids = FRAMEWORKS.flatMap((framework) => checkArrived(run.arrived[framework]));
  const name = options.toggle ? 'service-toggle' : 'service';
  return { result: describe(name, title, options, compare('µs', fastify), cases), voids };
}

async function benchToggle(framework: Framework, options: Settled, cores: Cores): Promise<Outcome> {
  const { micros, arrived } = await runToggle(framework, options, cores);
  const title =
    `CPU per \`GET /users/:id\` on ${framework} over connections in memory, ` +
    'all variants in one process that answer in turns';
  const result = describe(`${framework}-toggle`, title, options, compare('µs', micros), {});
  return { result, voids: checkArrived(arrived) };
}

/** Tell what arrived, and return a line for every variant whose spans do not match its requests. */
function checkArrived(arrived: Record<string, Arrived>): string[] {
  return Object.entries(arrived).flatMap(([name, one]) => {
    process.stderr.write(`${name}: ${describeArrived(one)}\n`);
    const reason = voidReason(name, one);
    return reason === undefined ? [] : [`${name}: ${reason}`];
  });
}

function describeArrived({ requests, spans, serverSpans, serverAttributes, bytes }: Arrived): string {
  if (spans === 0) return `${requests} requests, no span`;
  const perServerSpan = serverSpans === 0 ? 0 : serverAttributes / serverSpans;
  const [each, size, attributes] = [spans / requests, bytes / requests, perServerSpan].map((n) => n.toFixed(1));
  return `${requests} requests, ${each} spans and ${size} bytes for each, ${attributes} attributes on SERVER spans`;
}

function describe(
  name: string,
  title: string,
  options: Settled,
  main: Comparison,
  cases: BenchResult['cases'],
): BenchResult {
  return {
    ...main,
    name,
    title,
    node: process.versions.node,
    rounds: options.rounds,
    machine: machine(),
    commit: commit(),
    versions: versions(),
    cases,
  };
}
