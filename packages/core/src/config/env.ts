/** The environment variables as one configuration. Pure: it reads what it is given and keeps nothing. */
import { isToken } from '../propagation/carrier.ts';
import type { PropagatorName } from '../propagation/composite.ts';
import { PROPAGATOR_NAMES } from '../propagation/composite.ts';
import type { SpanLimits } from '../span-data.ts';
import { showValue } from './options.ts';
import { VariableReader } from './variable-reader.ts';
import {
  COMPRESSIONS,
  DETECTOR_NAMES,
  EXPORTER_NAMES,
  LOG_LEVELS,
  OTLP_PROTOCOLS,
  SAMPLER_ERROR_WORDS,
  SAMPLER_NAMES,
  TRUST_WORDS,
} from './variable.ts';
import { defaultOf } from './variables.ts';

/** What the environment says, with defaults where it says nothing. */
export interface EnvConfig {
  /** `OTEL_SDK_DISABLED` */
  sdkDisabled: boolean;
  /** `OTEL_LOG_LEVEL` */
  logLevel: (typeof LOG_LEVELS)[number];
  resource: {
    /** `OTEL_SERVICE_NAME`; `undefined` when it is not set, because a name in `attributes` counts then. */
    serviceName: string | undefined;
    /** `OTEL_RESOURCE_ATTRIBUTES` */
    attributes: Record<string, string>;
    /** `OTEL_NODE_RESOURCE_DETECTORS` */
    detectors: ReadonlyArray<(typeof DETECTOR_NAMES)[number]>;
  };
  /** `OTEL_PROPAGATORS`; empty for none. */
  propagators: PropagatorName[];
  /** `OTEL_TRACES_SAMPLER`, and its argument for the ratio samplers. */
  sampler: { name: (typeof SAMPLER_NAMES)[number]; ratio: number };
  /** `OTEL_TRACES_EXPORTER`; empty for none. */
  exporters: Array<(typeof EXPORTER_NAMES)[number]>;
  /** `OTEL_BSP_*` and `CLEW_BATCH_*` */
  batch: BatchEnvConfig;
  limits: SpanLimits;
  otlp: OtlpEnvConfig;
  zipkin: { url: string; timeoutMs: number };
  /** `SSL_CERT_FILE`: the path of a PEM file. */
  sslCertFile: string | undefined;
  /** `OTEL_SEMCONV_STABILITY_OPT_IN`, as it is. */
  semconvOptIn: string | undefined;
  /** `CLEW_FLUSH_ON_SIGNAL` */
  flushOnSignal: boolean;
  /** `CLEW_SPOOL_*` */
  spool: { dir: string | undefined; maxBytes: number; maxAgeMs: number };
  /** `CLEW_ON_SAMPLER_ERROR` */
  onSamplerError: (typeof SAMPLER_ERROR_WORDS)[number];
  /** `CLEW_EXPORT_CONCURRENCY` */
  exportConcurrency: number;
  /** `CLEW_TRUST_INCOMING` */
  trustIncoming: (typeof TRUST_WORDS)[number];
  /** `CLEW_PROPAGATE_TO` */
  propagateTo: string[] | undefined;
  /** `CLEW_BAGGAGE_SPAN_KEYS` */
  baggageSpanKeys: string[] | undefined;
}

/** Bounds and waits of the batch processor, under the names that they have in code. */
export interface BatchEnvConfig {
  scheduledDelayMs: number;
  exportTimeoutMs: number;
  maxQueueSpans: number;
  maxQueueBytes: number;
  maxExportBatchSpans: number;
  initialBackoffMs: number;
  maxBackoffMs: number;
  maxRetryElapsedMs: number;
  maxRetryAfterMs: number;
  retryMaxBytes: number;
}

/** The OTLP exporter's part; what is set for traces alone beats what is set in general. */
export interface OtlpEnvConfig {
  /** Where traces are posted to, complete. */
  url: string;
  protocol: (typeof OTLP_PROTOCOLS)[number];
  /** Names in lower case. */
  headers: Record<string, string>;
  /** For one attempt. */
  timeoutMs: number;
  compression: (typeof COMPRESSIONS)[number];
  /** Paths of PEM files. */
  certificate: string | undefined;
  clientKey: string | undefined;
  clientCertificate: string | undefined;
}

/**
 * Read the variables that Clew knows. An empty one counts as not set; a wrong one is reported once and its default holds.
 *
 * @param env   usually `process.env`; not changed
 * @param warn  gets one sentence for each wrong variable; values of header variables are not in it
 * @throws never
 */
export function readEnvironment(env: NodeJS.ProcessEnv, warn: (text: string) => void): EnvConfig {
  const reader = new VariableReader(env, warn);
  warnAboutConfigFile(reader);
  return {
    sdkDisabled: reader.boolean('OTEL_SDK_DISABLED'),
    logLevel: reader.enum('OTEL_LOG_LEVEL', LOG_LEVELS) ?? 'warn',
    resource: {
      serviceName: reader.text('OTEL_SERVICE_NAME'),
      attributes: Object.fromEntries(reader.pairs('OTEL_RESOURCE_ATTRIBUTES')),
      detectors: readDetectors(reader),
    },
    propagators: reader.list('OTEL_PROPAGATORS', PROPAGATOR_NAMES) ?? ['tracecontext', 'baggage'],
    sampler: readSampler(reader),
    exporters: reader.list('OTEL_TRACES_EXPORTER', EXPORTER_NAMES) ?? ['otlp'],
    batch: readBatch(reader),
    limits: readLimits(reader),
    otlp: readOtlp(reader),
    zipkin: {
      url: reader.url('OTEL_EXPORTER_ZIPKIN_ENDPOINT')?.href ?? String(defaultOf('OTEL_EXPORTER_ZIPKIN_ENDPOINT')),
      timeoutMs: integerOrDefault(reader, 'OTEL_EXPORTER_ZIPKIN_TIMEOUT'),
    },
    sslCertFile: reader.text('SSL_CERT_FILE'),
    semconvOptIn: reader.text('OTEL_SEMCONV_STABILITY_OPT_IN'),
    flushOnSignal: reader.boolean('CLEW_FLUSH_ON_SIGNAL'),
    spool: {
      dir: reader.text('CLEW_SPOOL_DIR'),
      maxBytes: integerOrDefault(reader, 'CLEW_SPOOL_MAX_BYTES'),
      maxAgeMs: integerOrDefault(reader, 'CLEW_SPOOL_MAX_AGE_MS'),
    },
    onSamplerError: reader.enum('CLEW_ON_SAMPLER_ERROR', SAMPLER_ERROR_WORDS) ?? 'parent',
    exportConcurrency: integerOrDefault(reader, 'CLEW_EXPORT_CONCURRENCY'),
    trustIncoming: reader.enum('CLEW_TRUST_INCOMING', TRUST_WORDS) ?? 'all',
    propagateTo: reader.texts('CLEW_PROPAGATE_TO', isHostPattern, 'host names without scheme, port and path'),
    baggageSpanKeys: reader.texts('CLEW_BAGGAGE_SPAN_KEYS', isToken, 'baggage keys'),
  };
}

// The specification lets a file replace all other variables, so who sets one must learn that this does not happen.
function warnAboutConfigFile(reader: VariableReader): void {
  for (const name of ['OTEL_CONFIG_FILE', 'OTEL_EXPERIMENTAL_CONFIG_FILE']) {
    const path = reader.text(name);
    if (path !== undefined) reader.warn(`${name} is not read, got ${showValue(path)}; the other variables hold`);
  }
}

function isHostPattern(text: string): boolean {
  // Colons are those of an IPv6 address; one alone parts a port.
  return /^[^\s/@?#:]+$/.test(text) || /^[0-9a-f*]*:[0-9a-f:*.]*:[0-9a-f:*.]*$/i.test(text);
}

/**
 * The URL for traces below a base, such as `http://collector:4318`.
 *
 * @returns a new URL with `v1/traces` added to the path
 */
export function otlpTracesUrl(base: URL): URL {
  const url = new URL(base);
  url.pathname += url.pathname.endsWith('/') ? 'v1/traces' : '/v1/traces';
  return url;
}

function readDetectors(reader: VariableReader): EnvConfig['resource']['detectors'] {
  const names = reader.list('OTEL_NODE_RESOURCE_DETECTORS', [...DETECTOR_NAMES, 'all']);
  return names === undefined || names.includes('all') ? DETECTOR_NAMES : names.filter((name) => name !== 'all');
}

function readSampler(reader: VariableReader): EnvConfig['sampler'] {
  const name = reader.enum('OTEL_TRACES_SAMPLER', SAMPLER_NAMES) ?? 'parentbased_always_on';
  // The argument means something else for other samplers, so it is not judged then.
  const takesRatio = name === 'traceidratio' || name === 'parentbased_traceidratio';
  return { name, ratio: (takesRatio ? reader.number('OTEL_TRACES_SAMPLER_ARG') : undefined) ?? 1 };
}

function readBatch(reader: VariableReader): BatchEnvConfig {
  const maxQueueSpans = integerOrDefault(reader, 'OTEL_BSP_MAX_QUEUE_SIZE');
  const given = reader.integer('OTEL_BSP_MAX_EXPORT_BATCH_SIZE');
  if (given !== undefined && given > maxQueueSpans) {
    reader.warn(
      `OTEL_BSP_MAX_EXPORT_BATCH_SIZE must not be above the queue size, got "${given}"; ${maxQueueSpans} is used`,
    );
  }
  return {
    scheduledDelayMs: integerOrDefault(reader, 'OTEL_BSP_SCHEDULE_DELAY'),
    exportTimeoutMs: integerOrDefault(reader, 'OTEL_BSP_EXPORT_TIMEOUT'),
    maxQueueSpans,
    maxQueueBytes: integerOrDefault(reader, 'CLEW_BATCH_MAX_QUEUE_BYTES'),
    maxExportBatchSpans: Math.min(given ?? Number(defaultOf('OTEL_BSP_MAX_EXPORT_BATCH_SIZE')), maxQueueSpans),
    initialBackoffMs: integerOrDefault(reader, 'CLEW_BATCH_INITIAL_BACKOFF_MS'),
    maxBackoffMs: integerOrDefault(reader, 'CLEW_BATCH_MAX_BACKOFF_MS'),
    maxRetryElapsedMs: integerOrDefault(reader, 'CLEW_BATCH_MAX_RETRY_ELAPSED_MS'),
    maxRetryAfterMs: integerOrDefault(reader, 'CLEW_BATCH_MAX_RETRY_AFTER_MS'),
    retryMaxBytes: integerOrDefault(reader, 'CLEW_BATCH_RETRY_MAX_BYTES'),
  };
}

function readLimits(reader: VariableReader): SpanLimits {
  const count = integerOrDefault(reader, 'OTEL_ATTRIBUTE_COUNT_LIMIT');
  const length = reader.integer('OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT');
  return {
    attributeCountLimit: reader.integer('OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT') ?? count,
    attributeValueLengthLimit:
      reader.integer('OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT') ?? length ?? Number.POSITIVE_INFINITY,
    eventCountLimit: integerOrDefault(reader, 'OTEL_SPAN_EVENT_COUNT_LIMIT'),
    linkCountLimit: integerOrDefault(reader, 'OTEL_SPAN_LINK_COUNT_LIMIT'),
    attributePerEventCountLimit: reader.integer('OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT') ?? count,
    attributePerLinkCountLimit: reader.integer('OTEL_LINK_ATTRIBUTE_COUNT_LIMIT') ?? count,
  };
}

const OTLP = 'OTEL_EXPORTER_OTLP_';
const OTLP_TRACES = 'OTEL_EXPORTER_OTLP_TRACES_';

function readOtlp(reader: VariableReader): OtlpEnvConfig {
  // Checked and not used: it is for gRPC endpoints without a scheme, and ours have one.
  for (const prefix of [OTLP, OTLP_TRACES]) reader.boolean(`${prefix}INSECURE`);
  const headers = new Map([...reader.headers(`${OTLP}HEADERS`), ...reader.headers(`${OTLP_TRACES}HEADERS`)]);
  return {
    url: readOtlpUrl(reader).href,
    protocol: bothWays((prefix) => reader.enum(`${prefix}PROTOCOL`, OTLP_PROTOCOLS)) ?? 'http/protobuf',
    headers: Object.fromEntries(headers),
    timeoutMs: bothWays((prefix) => reader.integer(`${prefix}TIMEOUT`)) ?? Number(defaultOf(`${OTLP}TIMEOUT`)),
    compression: bothWays((prefix) => reader.enum(`${prefix}COMPRESSION`, COMPRESSIONS)) ?? 'none',
    certificate: bothWays((prefix) => reader.text(`${prefix}CERTIFICATE`)),
    clientKey: bothWays((prefix) => reader.text(`${prefix}CLIENT_KEY`)),
    clientCertificate: bothWays((prefix) => reader.text(`${prefix}CLIENT_CERTIFICATE`)),
  };
}

function readOtlpUrl(reader: VariableReader): URL {
  const base = reader.url(`${OTLP}ENDPOINT`) ?? new URL(String(defaultOf(`${OTLP}ENDPOINT`)));
  // A URL without a path has the path `/` once it is parsed.
  return reader.url(`${OTLP_TRACES}ENDPOINT`) ?? otlpTracesUrl(base);
}

/** Both are read, so that both are checked; the one for traces wins. */
function bothWays<T>(read: (prefix: string) => T | undefined): T | undefined {
  const general = read(OTLP);
  return read(OTLP_TRACES) ?? general;
}

function integerOrDefault(reader: VariableReader, name: string): number {
  return reader.integer(name) ?? Number(defaultOf(name));
}
