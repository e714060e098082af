/** A logger for Clew's own messages, when the application has not set one. */
import { type DiagLogger, DiagLogLevel, diag } from '@opentelemetry/api';
import type { LOG_LEVELS } from './config/variable.ts';

const LEVELS: Record<(typeof LOG_LEVELS)[number], DiagLogLevel> = {
  none: DiagLogLevel.NONE,
  error: DiagLogLevel.ERROR,
  warn: DiagLogLevel.WARN,
  info: DiagLogLevel.INFO,
  debug: DiagLogLevel.DEBUG,
  verbose: DiagLogLevel.VERBOSE,
  all: DiagLogLevel.ALL,
};

/** Write messages from `level` up to standard error, unless the application has set a logger with the API. */
export function ensureDiagLogger(level: keyof typeof LEVELS): void {
  // The API keeps its registrations under this well-known symbol; there is no public way to ask for the logger.
  const registered = (globalThis as Record<symbol, { diag?: unknown } | undefined>)[
    Symbol.for('opentelemetry.js.api.1')
  ];
  if (registered?.diag !== undefined) return;
  diag.setLogger(stderrLogger(), { logLevel: LEVELS[level], suppressOverrideMessage: true });
}

function stderrLogger(): DiagLogger {
  const write = (message: string, ...args: unknown[]): void => {
    process.stderr.write(`${[message, ...args.map(String)].join(' ')}\n`);
  };
  return { error: write, warn: write, info: write, debug: write, verbose: write };
}
