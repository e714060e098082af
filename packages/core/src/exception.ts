/** What an exception leaves on a span: the attributes of its event, and a low-cardinality name of its kind. */
import { type Attributes, type Span, SpanStatusCode } from '@opentelemetry/api';
import { truncate } from './attributes.ts';

const MAX_STACK_LENGTH = 32 * 1024;
const MAX_STATUS_LENGTH = 256;
const MAX_CAUSES = 8;
const MAX_UNWRAP = 5;

const recorded = new WeakSet<object>();
const withheld = new WeakSet<object>();

/**
 * Keep the message of an error off every span that it passes from now on: messages of a database quote data. Its type
 * and the frames of its stack are still recorded.
 */
export function withholdMessage(error: unknown): void {
  if (typeof error === 'object' && error !== null) withheld.add(error);
}

/** `exception.type`, `.message` and `.stacktrace` of a thrown value, as far as they can be read; never throws. */
export function exceptionAttributes(exception: unknown): Attributes {
  if (exception === null || exception === undefined) return { 'exception.message': String(exception) };
  if (typeof exception !== 'object') return { 'exception.message': safely(() => String(exception)) ?? 'unknown' };
  const attributes: Attributes = {};
  const link = readLink(exception);
  const type = link.name ?? codeOf(exception) ?? textOf(() => (exception.constructor as { name?: unknown }).name);
  if (type !== undefined) attributes['exception.type'] = type;
  const message = withheld.has(exception) ? undefined : link.message;
  if (message !== undefined) attributes['exception.message'] = message;
  const stack = stackWithCauses(exception, link);
  if (stack !== undefined) attributes['exception.stacktrace'] = truncate(stack, MAX_STACK_LENGTH);
  if (type === undefined && message === undefined) attributes['exception.message'] = 'unknown';
  return attributes;
}

/** What is read of one error of a chain of causes; a text that is missing, empty or cannot be read is `undefined`. */
interface ErrorLink {
  name: string | undefined;
  message: string | undefined;
  stack: string | undefined;
  cause: unknown;
}

// The API also takes objects that have no more than a code: it is the only name that they have.
function codeOf(exception: object): string | undefined {
  const code = safely(() => (exception as { code?: unknown }).code);
  return typeof code === 'number' ? String(code) : textOrNone(code);
}

function readLink(error: object): ErrorLink {
  const given = error as { [Key in keyof ErrorLink]?: unknown };
  try {
    const { name, message, stack, cause } = given;
    return { name: textOrNone(name), message: textOrNone(message), stack: textOrNone(stack), cause };
  } catch {
    // A getter threw; the others may be readable.
    return {
      name: textOf(() => given.name),
      message: textOf(() => given.message),
      stack: textOf(() => given.stack),
      cause: safely(() => given.cause),
    };
  }
}

function stackWithCauses(exception: object, first: ErrorLink): string | undefined {
  if (typeof first.cause !== 'object' || first.cause === null) return shownStack(exception, first);
  const seen = new Set<unknown>();
  const parts: string[] = [];
  let current: unknown = exception;
  while (typeof current === 'object' && current !== null && !seen.has(current) && seen.size < MAX_CAUSES) {
    seen.add(current);
    const link = current === exception ? first : readLink(current);
    const stack = shownStack(current, link);
    if (stack !== undefined) parts.push(stack);
    current = link.cause;
  }
  return parts.length === 0 ? undefined : parts.join('\nCaused by: ');
}

function shownStack(error: object, link: ErrorLink): string | undefined {
  return link.stack !== undefined && withheld.has(error) ? withoutMessage(link.stack, link) : link.stack;
}

// A stack starts with the name and the message, which may have several lines and look like frames themselves.
function withoutMessage(stack: string, { name, message }: ErrorLink): string {
  const at = message === undefined ? -1 : stack.indexOf(message);
  const rest = at < 0 ? stack : stack.slice(at + (message as string).length);
  const frames = rest.split('\n').filter((line) => /^ {4}at /.test(line));
  return [name ?? 'Error', ...frames].join('\n');
}

/** Where exceptions are recorded. */
export interface ExceptionSink {
  /** Whether spans get an event. */
  readonly toSpan: boolean;
  /** Whether log records are emitted, also for spans that are not recorded. */
  readonly toLogs: boolean;
  /** Emit the log record of an exception. @param attributes  what `exceptionAttributes` gave */
  emit(span: Span, attributes: Attributes): void;
}

/** How `recordError` records. */
export interface RecordErrorOptions {
  describe?: boolean;
  sink?: ExceptionSink;
}

/**
 * Record an application's error on a span: its exception event (once per error object, wherever it passes first),
 * and the status Error with its message as description.
 *
 * @param options.describe  whether the message becomes the status description. Default true
 * @param options.sink      where the exception is recorded; default: on the span
 */
export function recordError(span: Span, error: unknown, options?: RecordErrorOptions): void {
  recordExceptionOnce(span, error, options?.sink);
  if (span.isRecording()) setErrorStatus(span, error, options);
}

/** The status Error with the message of an application's error as description; no event. */
export function setErrorStatus(span: Span, error: unknown, options?: { describe?: boolean }): void {
  const message = textOf(() => (error instanceof Error && !withheld.has(error) ? error.message : undefined));
  if (message === undefined || options?.describe === false) span.setStatus({ code: SpanStatusCode.ERROR });
  else span.setStatus({ code: SpanStatusCode.ERROR, message: truncate(message, MAX_STATUS_LENGTH) });
}

/** Record an exception unless this error object has been recorded already. @param sink  default: an event on the span */
export function recordExceptionOnce(span: Span, error: unknown, sink?: ExceptionSink): void {
  const toSpan = sink?.toSpan !== false && span.isRecording();
  if (!toSpan && sink?.toLogs !== true) return;
  if (typeof error === 'object' && error !== null) {
    if (recorded.has(error)) return;
    recorded.add(error);
  }
  const attributes = exceptionAttributes(error);
  if (toSpan) span.addEvent('exception', attributes);
  if (sink?.toLogs === true) sink.emit(span, attributes);
}

/**
 * The value of `error.type` for a thrown value: an error code, else a class name, else `_OTHER`; never a message.
 *
 * Wrappers that only say "it failed" are looked through: `fetch failed`, KafkaJS's retry wrappers and an
 * `AggregateError` with one element.
 */
export function errorType(error: unknown): string {
  const inner = unwrap(error);
  if (!isError(inner)) return '_OTHER';
  const code = textOf(() => (inner as { code?: unknown }).code);
  if (code !== undefined && /^[A-Z][A-Z0-9_]{1,63}$/.test(code)) return code;
  const name = textOf(() => inner.name);
  // pg calls its DatabaseError `error`: the class says more.
  if (name !== undefined && !/^error$/i.test(name) && name.length <= 64) return name;
  const className = textOf(() => inner.constructor.name);
  return className === undefined || className === 'Error' || className === 'Object' ? '_OTHER' : className;
}

/** The error behind wrappers that carry no information of their own; at most five steps. */
export function unwrap(error: unknown): unknown {
  let current = error;
  for (let depth = 0; depth < MAX_UNWRAP; depth++) {
    const next = safely(() => unwrapOnce(current));
    if (next === undefined || next === current) break;
    current = next;
  }
  return current;
}

function unwrapOnce(error: unknown): unknown {
  if (!(error instanceof Error)) return undefined;
  if (error instanceof AggregateError && error.errors.length === 1) return error.errors[0];
  const wraps =
    (error.name === 'TypeError' && error.message === 'fetch failed') ||
    error.name === 'KafkaJSNumberOfRetriesExceeded' ||
    error.name === 'KafkaJSNonRetriableError';
  return wraps && error.cause instanceof Error ? error.cause : undefined;
}

function isError(value: unknown): value is Error {
  // A proxy that throws is none.
  return safely(() => value instanceof Error) === true;
}

function textOf(read: () => unknown): string | undefined {
  return textOrNone(safely(read));
}

function textOrNone(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function safely<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
