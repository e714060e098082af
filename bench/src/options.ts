/** Benchmarks by the name that is given on the command line. */
export const BENCHMARKS = ['core', 'express', 'fastify', 'undici', 'service'] as const;
export type BenchmarkName = (typeof BENCHMARKS)[number];

/** Variants of a run, in the order of the tables. */
export const VARIANT_NAMES: readonly string[] = ['bare', 'control', 'clew', 'clew-unsampled', 'otel', 'otel-unsampled'];

export interface Options {
  readonly benchmarks: readonly BenchmarkName[];
  /** Print the result as one line of JSON, last. */
  readonly json: boolean;
  /** Keep the result in `results.json` and render `RESULTS.md` from it. */
  readonly write: boolean;
  /** All variants but the official SDK in one process that answer in turns. Servers only. Default false. */
  readonly toggle: boolean;
  /** Measured rounds, each with every variant once. 1 or more. Default 200 with `toggle`, 10 for core, else 60. */
  readonly rounds: number | undefined;
  /** Length of one measured window of one variant. Seconds, above 0. Default 0.2, undici 0.3, service 0.6; core 0.2 per case. */
  readonly seconds: number | undefined;
  /** Unmeasured load before the first round, per variant. Seconds, 0 or more. Default 4, service 12, undici 3; core 1 per case. */
  readonly warmUpSeconds: number | undefined;
  /** Connections that the load generator keeps open. 1 or more. Default 32. */
  readonly connections: number;
  /** Only these variants, or undefined for all. `bare` is always run. */
  readonly variants: readonly string[] | undefined;
  /** Folder for one V8 CPU profile per server process, or undefined for none. */
  readonly profileFolder: string | undefined;
}

export const USAGE = `npm run bench -- core|express|fastify|undici|service… [options]

  --toggle          variants by turns in one process and in memory, for the finest differences; not of core
  --rounds N        measured rounds, each with every variant once
                    (default 60, core 10, with --toggle 200)
  --seconds S       length of one measured window (default 0.2; undici: 0.3; service: 0.6; core: 0.2 per case)
  --warm-up S       unmeasured load before the first round, per variant
                    (default 4; service: 12; undici: 3; core: 1 per case)
  --connections N   connections of the load generator (default 32)
  --variants a,b    only these variants; bare is always run
  --profile DIR     write a V8 CPU profile of every measured process there
  --json            print the result as one line of JSON, last
  --write           keep the result and render bench/RESULTS.md`;

/**
 * Read the command line.
 *
 * @param args  without the program's own two, as in `process.argv.slice(2)`
 * @throws Error whose message is fit to be shown, for anything not understood
 */
export function parseOptions(args: readonly string[]): Options {
  const given = new Map<string, string>();
  const names: string[] = [];
  for (let i = 0; i < args.length; i++) {
    const arg = args[i] ?? '';
    if (!arg.startsWith('--')) {
      names.push(arg);
      continue;
    }
    const [flag = '', inline] = arg.split('=', 2);
    if (FLAGS.has(flag)) given.set(flag, '');
    else if (VALUES.has(flag)) given.set(flag, inline ?? args[++i] ?? '');
    else throw new Error(`unknown option ${flag}\n\n${USAGE}`);
  }
  return {
    benchmarks: names.length > 0 ? names.map(requireBenchmark) : BENCHMARKS,
    json: given.has('--json'),
    write: given.has('--write'),
    toggle: given.has('--toggle'),
    rounds: given.has('--rounds') ? whole('--rounds', given.get('--rounds') ?? '') : undefined,
    seconds: optionalNumber('--seconds', given.get('--seconds'), Number.MIN_VALUE),
    warmUpSeconds: optionalNumber('--warm-up', given.get('--warm-up'), 0),
    connections: whole('--connections', given.get('--connections') ?? '32'),
    variants: given.get('--variants')?.split(',').map(requireVariant),
    profileFolder: given.get('--profile'),
  };
}

const FLAGS = new Set(['--json', '--write', '--toggle']);
const VALUES = new Set(['--rounds', '--seconds', '--warm-up', '--connections', '--variants', '--profile']);

function requireBenchmark(name: string): BenchmarkName {
  const found = BENCHMARKS.find((known) => known === name);
  if (found === undefined) throw new Error(`unknown benchmark ${name}; there are ${BENCHMARKS.join(', ')}\n\n${USAGE}`);
  return found;
}

/** Those that are run: `bare` and what was asked for, or all. */
export function chosenVariants<Name extends string>(
  all: readonly Name[],
  { variants }: Pick<Options, 'variants'>,
): Name[] {
  return all.filter((name) => name === 'bare' || (variants?.includes(name) ?? true));
}

function requireVariant(name: string): string {
  if (!VARIANT_NAMES.includes(name)) throw new Error(`unknown variant ${name}; there are ${VARIANT_NAMES.join(', ')}`);
  return name;
}

function whole(flag: string, text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1)
    throw new Error(`${flag} needs a whole number of 1 or more, got "${text}"`);
  return value;
}

function optionalNumber(flag: string, text: string | undefined, min: number): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (text === '' || !Number.isFinite(value) || value < min) {
    throw new Error(`${flag} needs a number ${min > 0 ? 'above' : 'of at least'} 0, got "${text}"`);
  }
  return value;
}
