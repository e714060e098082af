/** Exceptions as log records, for those who have asked for them instead of span events. */
import * as api from '@opentelemetry/api';
import { type ExceptionSignal, readExceptionSignal } from './config/exception-signal.ts';
import type { ExceptionSink } from './exception.ts';
import { ROOT, withSpanIn } from './context.ts';
import { describeError, reportFault } from './faults.ts';
import { SCHEMA_URL } from './plugin.ts';

const WARN = 13;
const ERROR = 17;

/** Where one plugin records the exceptions of one operation. */
export class ExceptionLog implements ExceptionSink {
  readonly toSpan: boolean;
  readonly toLogs: boolean;
  readonly #scope: { name: string; version: string };
  readonly #eventName: string;
  readonly #severity: 'WARN' | 'ERROR';

  /**
   * @param scope      npm name and version of the plugin
   * @param eventName  such as `http.server.request.exception`
   * @param severity   `ERROR` where the process itself fails at its task, `WARN` where somebody else may cope
   */
  constructor(
    scope: { name: string; version: string },
    eventName: string,
    severity: 'WARN' | 'ERROR',
    signal: ExceptionSignal = readExceptionSignal(),
  ) {
    this.#scope = scope;
    this.#eventName = eventName;
    this.#severity = severity;
    this.toSpan = signal !== 'logs';
    this.toLogs = signal !== 'events';
  }

  emit(span: api.Span, attributes: api.Attributes): void {
    const provider = registeredLoggerProvider();
    if (provider === undefined) {
      const message = 'exceptions are to be log records, but no logger provider is registered: they are lost';
      reportFault('exception_log', message);
      return;
    }
    try {
      const logger = provider.getLogger(this.#scope.name, this.#scope.version, { schemaUrl: SCHEMA_URL });
      const severityNumber = this.#severity === 'ERROR' ? ERROR : WARN;
      const context = withSpanIn(ROOT, span);
      const eventName = this.#eventName;
      logger.emit({ eventName, severityNumber, severityText: this.#severity, attributes, context });
    } catch (error) {
      reportFault('exception_log', `the logger provider threw, an exception is lost: ${describeError(error)}`);
    }
  }
}

/** The part of a logger provider that is used; the same in both of OpenTelemetry's packages. */
interface LoggerProvider {
  getLogger(name: string, version: string, options: { schemaUrl: string }): { emit(record: LogRecord): void };
}

type LogRecord = Pick<api.LogRecord, 'eventName' | 'severityNumber' | 'severityText' | 'attributes' | 'context'>;

function registeredLoggerProvider(): LoggerProvider | undefined {
  const globals = globalThis as Record<symbol, unknown>;
  const current = globals[Symbol.for('opentelemetry.js.api.1')] as { logs?: unknown } | undefined;
  // Not a named import: API 1.9 has no `logs`, and importing a name that is missing would fail to link.
  const { logs } = api as Partial<typeof api>;
  if (current?.logs !== undefined && logs !== undefined) return logs.getLoggerProvider();
  // Before API 1.10 the logs API was the package `@opentelemetry/api-logs`, whose copies meet under this symbol; the
  // number is the version of that meeting place.
  const getter = globals[Symbol.for('io.opentelemetry.js.api.logs')];
  return typeof getter === 'function' ? (getter(1) as LoggerProvider | undefined) : undefined;
}
