#!/usr/bin/env node
/** `clew-viewer`: the viewer as a command. Ends with 0, or with 2 when it was started wrongly. */
import { parseArgs } from 'node:util';

import { ViewerError } from './errors.ts';
import { nearest, type ViewerOptions } from './options.ts';
import { startViewer } from './start-viewer.ts';
import type { Viewer } from './types.ts';

const FLAGS = {
  port: { type: 'string' },
  'otlp-port': { type: 'string' },
  host: { type: 'string' },
  'allow-host': { type: 'string', multiple: true },
  token: { type: 'string' },
  'max-spans': { type: 'string' },
  'print-env': { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const;

const HELP = `Usage: clew-viewer [options]

Receives OTLP/HTTP traces and logs, and shows them in the browser. Ctrl-C ends it.

  --port <n>         page and query API (default 16686; 0: any free port)
  --otlp-port <n>    OTLP/HTTP receiver (default 4318; 0: any free port)
  --host <address>   address to listen on (default 127.0.0.1); another than loopback needs --token
  --allow-host <n>   a name, besides localhost, that requests may use; may be repeated
  --token <text>     what every request must show: "authorization: Bearer <text>", or /?token=<text> in the browser
  --max-spans <n>    spans kept, the oldest traces go first (default 100000)
  --print-env        print OTEL_EXPORTER_OTLP_ENDPOINT=… alone on stdout, the rest on stderr
  --help             this text

A default port that is taken gives way to the next free one. Exit codes: 0 ended, 2 wrong usage or no such port to be had.
`;

/** A flag that cannot be understood. */
class UsageError extends Error {}

interface Flags {
  readonly options: ViewerOptions;
  readonly printEnv: boolean;
}

async function main(): Promise<void> {
  const flags = readFlags(process.argv.slice(2));
  if (flags === undefined) process.stdout.write(HELP);
  else run(await startViewer(flags.options), flags);
}

function readFlags(args: string[]): Flags | undefined {
  const { values } = parseFlags(args);
  if (values.help) return undefined;
  const options: ViewerOptions = {
    port: number('--port', values.port),
    otlpPort: number('--otlp-port', values['otlp-port']),
    host: values.host,
    allowHosts: values['allow-host'],
    token: values.token,
    maxSpans: number('--max-spans', values['max-spans']),
  };
  return { options, printEnv: values['print-env'] ?? false };
}

function parseFlags(args: string[]): ReturnType<typeof parseArgs<{ options: typeof FLAGS }>> {
  const unknown = args.find((arg) => arg.startsWith('--') && !Object.hasOwn(FLAGS, flagName(arg)));
  if (unknown !== undefined) {
    throw new UsageError(
      `unknown option ${unknown}; did you mean --${nearest(flagName(unknown), Object.keys(FLAGS))}? (--help lists all)`,
    );
  }
  try {
    return parseArgs({ args, options: FLAGS });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

function flagName(arg: string): string {
  return arg.slice(2).split('=')[0] ?? '';
}

function number(flag: string, value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  if (!/^\d+$/.test(value)) throw new UsageError(`${flag} must be a whole number, got "${value}"`);
  return Number(value);
}

function run(viewer: Viewer, { options, printEnv }: Flags): void {
  // Before anything is printed: whoever reads that may end us at once. Once: a second Ctrl-C, should closing hang, ends the process the hard way.
  const end = (): void => void viewer.close();
  process.once('SIGINT', end).once('SIGTERM', end);
  const environment = `OTEL_EXPORTER_OTLP_ENDPOINT=${viewer.otlpUrl}`;
  const page = options.token === undefined ? viewer.url : `${viewer.url}/?token=${encodeURIComponent(options.token)}`;
  const greeting = `Clew viewer   ${page}\nOTLP/HTTP     ${viewer.otlpUrl}\nSend with     ${environment}\n`;
  if (printEnv) process.stdout.write(`${environment}\n`);
  (printEnv ? process.stderr : process.stdout).write(`${greeting}Ctrl-C ends it.\n`);
}

main().catch((error: unknown) => {
  const isExpected = error instanceof UsageError || error instanceof ViewerError;
  process.stderr.write(`clew-viewer: ${isExpected ? error.message : error instanceof Error ? error.stack : error}\n`);
  process.exitCode = isExpected ? 2 : 1;
});
