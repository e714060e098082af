/** OTLP log records to the log lines that are kept. */
import { type AnyValue, type Attribute, isSpanId, type LogLine, type Resource } from '../store/model.ts';
import { plainAttributes, plainValue } from '../store/plain.ts';

/** One OTLP `LogRecord`, as both decoders give it. */
export interface LogRecord {
  timeNs: bigint;
  observedNs: bigint;
  /** OTLP severity number, 1 (TRACE) to 24 (FATAL4); 0 is unspecified. */
  severity: number;
  traceId: string;
  spanId: string;
  body: AnyValue;
  attributes: Attribute[];
  resource: Resource;
}

/** The log line of a record. Its trace id may be empty: the store tells. */
export function lineOfRecord(record: LogRecord): LogLine {
  const body = plainValue(record.body);
  return {
    traceId: record.traceId,
    timeNs: record.timeNs !== 0n ? record.timeNs : record.observedNs,
    level: levelOfSeverity(record.severity),
    spanId: isSpanId(record.spanId) ? record.spanId : '',
    service: record.resource.service,
    msg: typeof body === 'string' ? body : body === undefined ? '' : JSON.stringify(body),
    fields: plainAttributes(record.attributes),
  };
}

/** @see https://opentelemetry.io/docs/specs/otel/logs/data-model/#field-severitynumber "Displaying Severity" */
function levelOfSeverity(severity: number): LogLine['level'] {
  if (severity >= 21) return 'fatal';
  if (severity >= 17) return 'error';
  if (severity >= 13) return 'warn';
  if (severity >= 9 || severity === 0) return 'info';
  return severity >= 5 ? 'debug' : 'trace';
}
