/**
 * The environment variables that Clew reads, as a table: the reader takes type and default from it, and a test compares
 * it with docs/configuration.md.
 */
import { PROPAGATOR_NAMES } from '../propagation/composite.ts';

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
  /** The lowest and highest accepted number. Default: 0 and 2147483647. */
  readonly min?: number;
  readonly max?: number;
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

/** `OTEL_TRACES_EXPORTER` values, besides `none`. */
export const EXPORTER_NAMES = ['otlp', 'zipkin', 'console'] as const;

/** `OTEL_LOG_LEVEL` values, from silent to all. */
export const LOG_LEVELS = ['none', 'error', 'warn', 'info', 'debug', 'verbose', 'all'] as const;

/** `OTEL_EXPORTER_OTLP_PROTOCOL` values. */
export const OTLP_PROTOCOLS = ['http/protobuf', 'http/json'] as const;

/** `OTEL_EXPORTER_OTLP_COMPRESSION` values. */
export const COMPRESSIONS = ['none', 'gzip'] as const;

/** `OTEL_NODE_RESOURCE_DETECTORS` values. */
export const DETECTOR_NAMES = ['env', 'host', 'os', 'process', 'container', 'k8s', 'serviceinstance'] as const;

const GENERAL: readonly Variable[] = [
  {
    name: 'OTEL_SDK_DISABLED',
    type: 'boolean',
    default: false,
    note: 'No spans are made; incoming context is still passed on.',
  },
  {
    name: 'OTEL_SERVICE_NAME',
    type: 'string',
    default: 'unknown_service:node',
    note: 'The resource attribute `service.name`; beats the one in `OTEL_RESOURCE_ATTRIBUTES`.',
  },
  {
    name: 'OTEL_RESOURCE_ATTRIBUTES',
    type: 'pairs',
    default: undefined,
    note: 'Resource attributes; those given in code win.',
  },
  {
    name: 'OTEL_NODE_RESOURCE_DETECTORS',
    type: 'list',
    values: [...DETECTOR_NAMES, 'all'],
    default: 'all',
    note: 'What is found out about the process and its host.',
  },
  {
    name: 'OTEL_LOG_LEVEL',
    type: 'enum',
    values: LOG_LEVELS,
    default: 'warn',
    note: "How much Clew's own messages on stderr tell, unless the application set a `diag` logger.",
  },
  {
    name: 'OTEL_PROPAGATORS',
    type: 'list',
    values: PROPAGATOR_NAMES,
    default: 'tracecontext,baggage',
    note: 'The header formats that are read and written, in this order; the first that finds a trace wins.',
  },
  {
    name: 'OTEL_TRACES_SAMPLER',
    type: 'enum',
    values: SAMPLER_NAMES,
    default: 'parentbased_always_on',
    note: 'Which traces are recorded.',
  },
  {
    name: 'OTEL_TRACES_SAMPLER_ARG',
    type: 'number',
    default: 1,
    min: 0,
    max: 1,
    note: 'The share of traces for `traceidratio` and `parentbased_traceidratio`; not read for other samplers.',
  },
  {
    name: 'OTEL_TRACES_EXPORTER',
    type: 'list',
    values: EXPORTER_NAMES,
    default: 'otlp',
    note: 'Where spans go.',
  },
];

const BATCHES: readonly Variable[] = [
  {
    name: 'OTEL_BSP_SCHEDULE_DELAY',
    type: 'duration',
    default: 5000,
    note: 'Longest wait before a partly filled batch is sent.',
  },
  {
    name: 'OTEL_BSP_EXPORT_TIMEOUT',
    type: 'timeout',
    default: 30000,
    note: 'Longest time for one export.',
  },
  {
    name: 'OTEL_BSP_MAX_QUEUE_SIZE',
    type: 'integer',
    min: 1,
    default: 2048,
    note: 'Spans that wait at most; further ones are dropped and counted.',
  },
  {
    name: 'OTEL_BSP_MAX_EXPORT_BATCH_SIZE',
    type: 'integer',
    min: 1,
    default: 512,
    note: 'Spans in one export; lowered to the queue size when it is larger.',
  },
];

const LIMITS: readonly Variable[] = [
  {
    name: 'OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT',
    type: 'integer',
    default: undefined,
    note: 'Longest text of an attribute, in characters; longer ones are cut. No limit by default.',
  },
  {
    name: 'OTEL_ATTRIBUTE_COUNT_LIMIT',
    type: 'integer',
    default: 128,
    note: 'Attributes of a span, event or link, unless a limit of their own is set.',
  },
  {
    name: 'OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT',
    type: 'integer',
    default: undefined,
    note: 'Beats `OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT`.',
  },
  {
    name: 'OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT',
    type: 'integer',
    default: 128,
    note: 'Attributes of a span; beats `OTEL_ATTRIBUTE_COUNT_LIMIT`.',
  },
  { name: 'OTEL_SPAN_EVENT_COUNT_LIMIT', type: 'integer', default: 128, note: 'Events of a span.' },
  { name: 'OTEL_SPAN_LINK_COUNT_LIMIT', type: 'integer', default: 128, note: 'Links of a span.' },
  {
    name: 'OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT',
    type: 'integer',
    default: 128,
    note: 'Attributes of an event; beats `OTEL_ATTRIBUTE_COUNT_LIMIT`.',
  },
  {
    name: 'OTEL_LINK_ATTRIBUTE_COUNT_LIMIT',
    type: 'integer',
    default: 128,
    note: 'Attributes of a link; beats `OTEL_ATTRIBUTE_COUNT_LIMIT`.',
  },
];

/** What can be set for OTLP in general (`OTEL_EXPORTER_OTLP_X`) and for traces alone (`OTEL_EXPORTER_OTLP_TRACES_X`). */
const OTLP: ReadonlyArray<Omit<Variable, 'name'> & { readonly suffix: string }> = [
  {
    suffix: 'PROTOCOL',
    type: 'enum',
    values: OTLP_PROTOCOLS,
    default: 'http/protobuf',
    note: 'The encoding.',
  },
  {
    suffix: 'HEADERS',
    type: 'headers',
    default: undefined,
    note: 'Sent with every export; both lists are used, the one for traces wins by name.',
  },
  { suffix: 'TIMEOUT', type: 'timeout', default: 10000, note: 'Longest time for one attempt.' },
  { suffix: 'COMPRESSION', type: 'enum', values: COMPRESSIONS, default: 'none', note: 'How bodies are compressed.' },
  { suffix: 'CERTIFICATE', type: 'path', default: undefined, note: 'The CA that the server is checked with, PEM.' },
  { suffix: 'CLIENT_KEY', type: 'path', default: undefined, note: 'The private key for mutual TLS, PEM.' },
  { suffix: 'CLIENT_CERTIFICATE', type: 'path', default: undefined, note: 'The certificate for mutual TLS, PEM.' },
];

const EXPORTERS: readonly Variable[] = [
  {
    name: 'OTEL_EXPORTER_OTLP_ENDPOINT',
    type: 'url',
    default: 'http://localhost:4318',
    note: 'The base, to which `v1/traces` is added.',
  },
  {
    name: 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT',
    type: 'url',
    default: undefined,
    note: 'The complete URL for traces, used as it is.',
  },
  ...OTLP.flatMap(({ suffix, ...variable }) => [
    { ...variable, name: `OTEL_EXPORTER_OTLP_${suffix}` },
    { ...variable, name: `OTEL_EXPORTER_OTLP_TRACES_${suffix}`, note: `The same for traces alone.` },
  ]),
  {
    name: 'OTEL_EXPORTER_ZIPKIN_ENDPOINT',
    type: 'url',
    default: 'http://localhost:9411/api/v2/spans',
    note: 'The complete URL of the exporter `zipkin`.',
  },
  {
    name: 'OTEL_EXPORTER_ZIPKIN_TIMEOUT',
    type: 'timeout',
    default: 10000,
    note: 'Longest time for one attempt of it.',
  },
];

/** Variables of our own, named after the option. */
const OWN: readonly Variable[] = [
  {
    name: 'CLEW_FLUSH_ON_SIGNAL',
    type: 'boolean',
    default: false,
    note: 'On SIGTERM and SIGINT spans are sent, for 3 seconds at most, before the signal takes effect.',
  },
];

/** Every variable, in the order of the documentation. */
export const VARIABLES: readonly Variable[] = [...GENERAL, ...BATCHES, ...LIMITS, ...EXPORTERS, ...OWN];
