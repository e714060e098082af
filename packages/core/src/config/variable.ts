/** What an environment variable is, how its text is read, and the words that some of them take. */

/**
 * How a variable's text is read.
 *
 * - `boolean`: `true` in any case is true; `false` is false
 * - `integer`: decimal digits
 * - `duration`: an integer, milliseconds
 * - `timeout`: an integer, milliseconds; 0 is no limit
 * - `number`: a decimal number
 * - `enum`: one of `values`, in any case
 * - `list`: some of `values`, in any case, parted by commas; `none` alone is the empty list
 * - `texts`: any texts, parted by commas, without blanks around them
 * - `url`: with http or https
 * - `pairs`: `name=value,name=value`, percent-encoded; one error drops all of it
 * - `headers`: the same; a member that is no valid header is left out, and values are never shown in a message
 * - `path`, `string`: as it is
 */
export type VariableType =
  | 'boolean'
  | 'integer'
  | 'duration'
  | 'timeout'
  | 'number'
  | 'enum'
  | 'list'
  | 'texts'
  | 'url'
  | 'pairs'
  | 'headers'
  | 'path'
  | 'string';

/** One environment variable. */
export interface Variable {
  readonly name: string;
  readonly type: VariableType;
  /** What holds when the variable is not set, empty or wrong; a text for people when it is no plain value. */
  readonly default: string | number | boolean | undefined;
  /** The words that an `enum` or a `list` takes. */
  readonly values?: readonly string[];
  /** Words that other SDKs take and Clew does not, each with what to do instead. */
  readonly unsupported?: Readonly<Record<string, string>>;
  /** The lowest and highest accepted number. Default: 0 and 2147483647. */
  readonly min?: number;
  readonly max?: number;
  /** Of our own variables: the option of `startTracing` that it stands for, such as `spool.dir`. */
  readonly option?: string;
  /** One sentence for the documentation. */
  readonly note: string;
}

/** `OTEL_TRACES_SAMPLER` values. */
export const SAMPLER_NAMES = [
  'always_on',
  'always_off',
  'traceidratio',
  'parentbased_always_on',
  'parentbased_always_off',
  'parentbased_traceidratio',
] as const;

const NO_REMOTE_SAMPLING = 'Clew asks no server what to sample: name a ratio, or give a sampler object in code';
const NO_OWN_SAMPLER = 'Clew has no sampler of that name: name a ratio, or give a sampler object in code';

/** `OTEL_TRACES_SAMPLER` values that are known and not built. */
export const UNSUPPORTED_SAMPLERS: Readonly<Record<string, string>> = {
  jaeger_remote: NO_REMOTE_SAMPLING,
  parentbased_jaeger_remote: NO_REMOTE_SAMPLING,
  xray: NO_REMOTE_SAMPLING,
  clew_adaptive: NO_OWN_SAMPLER,
  parentbased_clew_adaptive: NO_OWN_SAMPLER,
  clew_rate: NO_OWN_SAMPLER,
};

/** `OTEL_TRACES_EXPORTER` values, besides `none`. */
export const EXPORTER_NAMES = ['otlp', 'zipkin', 'console', 'otlp/stdout'] as const;

/** `OTEL_TRACES_EXPORTER` values that are known and not built. */
export const UNSUPPORTED_EXPORTERS: Readonly<Record<string, string>> = {
  jaeger: 'Jaeger takes OTLP: use otlp',
  logging: 'it is called console',
};

/** `OTEL_LOG_LEVEL` values, from silent to all. */
export const LOG_LEVELS = ['none', 'error', 'warn', 'info', 'debug', 'verbose', 'all'] as const;

/** `OTEL_EXPORTER_OTLP_PROTOCOL` values. */
export const OTLP_PROTOCOLS = ['http/protobuf', 'http/json'] as const;

/** `OTEL_EXPORTER_OTLP_PROTOCOL` values that are known and not built. */
export const UNSUPPORTED_PROTOCOLS: Readonly<Record<string, string>> = {
  grpc: 'Clew sends OTLP over HTTP: use http/protobuf, and port 4318 in place of 4317',
};

/** `OTEL_EXPORTER_OTLP_COMPRESSION` values. */
export const COMPRESSIONS = ['none', 'gzip'] as const;

/** `OTEL_NODE_RESOURCE_DETECTORS` values. */
export const DETECTOR_NAMES = ['env', 'host', 'os', 'process', 'container', 'k8s', 'serviceinstance'] as const;

/** `CLEW_ON_SAMPLER_ERROR` values. */
export const SAMPLER_ERROR_WORDS = ['keep', 'drop', 'parent'] as const;

/** `CLEW_TRUST_INCOMING` values. */
export const TRUST_WORDS = ['all', 'none'] as const;
