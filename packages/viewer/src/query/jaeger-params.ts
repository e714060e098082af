/** The parameters of Jaeger's `GET /api/traces`, checked as Jaeger checks them. */

/** What a search asks for. A span has to match all of it. */
export interface TraceQuery {
  readonly service: string;
  readonly operation: string;
  /** Key to text form; `error` means the status. */
  readonly tags: ReadonlyMap<string, string>;
  /** Bounds of a span's start. Nanoseconds since the Unix epoch. */
  readonly startNs: bigint | undefined;
  readonly endNs: bigint | undefined;
  /** Bounds of a span's duration. Nanoseconds. */
  readonly minDurationNs: number | undefined;
  readonly maxDurationNs: number | undefined;
  /** Most traces in the reply. */
  readonly limit: number;
  /** When given, these traces and no search. */
  readonly traceIds: readonly string[];
}

/** A parameter that cannot be understood; the message is for the caller. */
export class ParameterError extends Error {
  override readonly name = 'ParameterError';
}

const DEFAULT_LIMIT = 100;
const MAX_LIMIT = 100_000;
const UNITS_NS: Readonly<Record<string, number>> = {
  ns: 1,
  us: 1e3,
  µs: 1e3,
  μs: 1e3,
  ms: 1e6,
  s: 1e9,
  m: 60e9,
  h: 3600e9,
};

/**
 * Reads a search.
 *
 * @param nowNs  end of `lookback` when no `end` is given
 * @throws ParameterError with Jaeger's wording
 */
export function parseTraceQuery(parameters: URLSearchParams, nowNs: bigint): TraceQuery {
  const endNs = micros(parameters, 'end');
  const query: TraceQuery = {
    service: parameters.get('service') ?? '',
    operation: parameters.get('operation') ?? '',
    tags: tags(parameters),
    startNs: micros(parameters, 'start') ?? startOfLookback(parameters, endNs ?? nowNs),
    endNs,
    minDurationNs: duration(parameters, 'minDuration'),
    maxDurationNs: duration(parameters, 'maxDuration'),
    limit: limit(parameters),
    traceIds: parameters.getAll('traceID').map(parseTraceId),
  };
  if (query.service === '' && query.traceIds.length === 0) throw new ParameterError("parameter 'service' is required");
  if (query.minDurationNs && query.maxDurationNs && query.maxDurationNs < query.minDurationNs) {
    throw new ParameterError("'maxDuration' should be greater than 'minDuration'");
  }
  return query;
}

/**
 * Reads a trace id: up to 32 hex digits, as Jaeger leaves zeros in front out.
 *
 * @throws ParameterError when it is not one
 */
export function parseTraceId(text: string): string {
  if (!/^[0-9a-f]{1,32}$/i.test(text))
    throw new ParameterError(`'${text.slice(0, 64)}' is not a trace id: 1 to 32 hex digits wanted`);
  return text.toLowerCase().padStart(32, '0');
}

/** Nanoseconds of a duration as Go writes it (`1.2s`, `1m30s`, `300us`); `undefined` when it is none. */
export function parseDuration(text: string): number | undefined {
  if (!/^(\d+(\.\d*)?(ns|us|µs|μs|ms|s|m|h))+$/.test(text)) return undefined;
  let totalNs = 0;
  for (const [, amount, unit] of text.matchAll(/(\d+(?:\.\d*)?)([a-zµμ]+)/g)) {
    totalNs += Number(amount) * (UNITS_NS[unit ?? ''] ?? 0);
  }
  return totalNs;
}

function duration(parameters: URLSearchParams, name: string): number | undefined {
  const text = parameters.get(name);
  if (text === null || text === '') return undefined;
  const durationNs = parseDuration(text);
  if (durationNs !== undefined) return durationNs;
  throw new ParameterError(`unable to parse param '${name}': time: invalid duration "${text}"`);
}

function startOfLookback(parameters: URLSearchParams, endNs: bigint): bigint | undefined {
  // Jaeger's page sends `lookback=custom` beside `start` and `end`: what is no duration says nothing here.
  const lookbackNs = parseDuration(parameters.get('lookback') ?? '');
  return lookbackNs === undefined ? undefined : endNs - BigInt(Math.round(lookbackNs));
}

function micros(parameters: URLSearchParams, name: string): bigint | undefined {
  const text = parameters.get(name);
  if (text === null || text === '') return undefined;
  if (!/^-?\d{1,18}$/.test(text))
    throw new ParameterError(`unable to parse param '${name}': "${text}" is not a number of microseconds`);
  return BigInt(text) * 1000n;
}

function limit(parameters: URLSearchParams): number {
  const text = parameters.get('limit');
  if (text === null || text === '') return DEFAULT_LIMIT;
  if (!/^-?\d{1,18}$/.test(text))
    throw new ParameterError(`unable to parse param 'limit': "${text}" is not a whole number`);
  const value = Number(text);
  if (value < 1 || value > MAX_LIMIT) throw new ParameterError(`limit must be 1 to ${MAX_LIMIT}, got ${value}`);
  return value;
}

function tags(parameters: URLSearchParams): Map<string, string> {
  const wanted = new Map<string, string>();
  for (const tag of parameters.getAll('tag')) {
    const colon = tag.indexOf(':');
    if (colon < 0) throw new ParameterError(`malformed 'tag' parameter, expecting key:value, received: ${tag}`);
    wanted.set(tag.slice(0, colon), tag.slice(colon + 1));
  }
  for (const json of parameters.getAll('tags')) {
    for (const [key, value] of Object.entries(tagObject(json))) wanted.set(key, value);
  }
  return wanted;
}

function tagObject(json: string): Record<string, string> {
  const refuse = (why: string): never => {
    throw new ParameterError(`malformed 'tags' parameter, cannot unmarshal JSON: ${why}`);
  };
  let parsed: unknown;
  try {
    parsed = JSON.parse(json);
  } catch (error) {
    return refuse(error instanceof Error ? error.message : String(error));
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) return refuse('an object is expected');
  const bad = Object.entries(parsed).find(([, value]) => typeof value !== 'string');
  if (bad !== undefined) return refuse(`the value of "${bad[0]}" is not a string`);
  return parsed as Record<string, string>; // every value has just been checked to be a string
}
