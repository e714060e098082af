/** Turns checked options and the environment into the parts that `startTracing` puts together. */
import { readFileSync } from 'node:fs';
import { type BatchOptions, BATCH_DEFAULTS } from '../export/batch.ts';
import { ConsoleSpanExporter } from '../export/console.ts';
import type { BatchTransport } from '../export/delivery.ts';
import { ForeignExporterTransport } from '../export/foreign-exporter.ts';
import { OtlpHttpTransport } from '../export/otlp-http.ts';
import type { SpanExporter } from '../export/readable-span.ts';
import { ClewError } from '../errors.ts';
import { describeError } from '../faults.ts';
import { alwaysOff, alwaysOn } from '../sampler/always.ts';
import { parentBased } from '../sampler/parent-based.ts';
import { ratio } from '../sampler/ratio.ts';
import type { Sampler } from '../sampler/types.ts';
import type { SpanLimits } from '../span-data.ts';
import type { StartTracingOptions } from '../start-tracing.ts';
import { type EnvConfig, otlpTracesUrl } from './env.ts';
import { checkInteger, checkOptionNames, showValue } from './options.ts';

/** The transports of all exporters, in order. */
export type ResolvedExporters = BatchTransport[];

const START_OPTIONS = [
  'serviceName',
  'serviceVersion',
  'environment',
  'resource',
  'exporter',
  'endpoint',
  'headers',
  'sampler',
  'propagators',
  'batch',
  'limits',
  'spanProcessors',
  'idGenerator',
  'register',
] as const;

const LIMIT_OPTIONS: readonly (keyof SpanLimits)[] = [
  'attributeCountLimit',
  'attributeValueLengthLimit',
  'eventCountLimit',
  'linkCountLimit',
  'attributePerEventCountLimit',
  'attributePerLinkCountLimit',
];

const GRPC_PORT = '4317';

/** @throws ClewError `CLEW_ERR_OPTION` for an unknown name or a value of the wrong type */
export function checkStartOptions(options: StartTracingOptions): void {
  checkOptionNames('startTracing', options, START_OPTIONS);
  for (const name of ['serviceName', 'serviceVersion', 'environment'] as const) {
    const value: unknown = options[name];
    if (value !== undefined && (typeof value !== 'string' || value === '')) {
      throw new ClewError('CLEW_ERR_OPTION', `${name} must be a text that is not empty, got ${showValue(value)}`);
    }
  }
  const { register, spanProcessors } = options;
  if (register !== undefined && typeof register !== 'boolean') {
    throw new ClewError('CLEW_ERR_OPTION', `register must be true or false, got ${showValue(register)}`);
  }
  if (spanProcessors !== undefined && !(Array.isArray(spanProcessors) && spanProcessors.every(isProcessor))) {
    throw new ClewError('CLEW_ERR_OPTION', 'spanProcessors must be an array of objects with onStart and onEnd');
  }
  checkOptionNames('limits', options.limits, LIMIT_OPTIONS);
  for (const name of LIMIT_OPTIONS) {
    if (options.limits?.[name] !== Number.POSITIVE_INFINITY) checkInteger(name, options.limits?.[name], 0);
  }
  checkHeaders(options.headers);
}

function isProcessor(value: unknown): boolean {
  const { onStart, onEnd } = (value ?? {}) as { onStart?: unknown; onEnd?: unknown };
  return typeof onStart === 'function' && typeof onEnd === 'function';
}

function checkHeaders(headers: StartTracingOptions['headers']): void {
  if (headers === undefined || typeof headers === 'function') return;
  if (typeof headers !== 'object' || headers === null) {
    throw new ClewError('CLEW_ERR_OPTION', `headers must be an object or a function, got ${typeof headers}`);
  }
  for (const [name, value] of Object.entries(headers)) {
    // The value is not shown: it may be a secret.
    if (
      !/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name) ||
      typeof value !== 'string' ||
      /[^\t\x20-\x7e\x80-\xff]/.test(value)
    ) {
      throw new ClewError('CLEW_ERR_OPTION', `header ${showValue(name)} is not a legal HTTP header`);
    }
  }
}

/** @throws ClewError `CLEW_ERR_OPTION` for an unknown name or a number out of range */
export function checkBatch(given: BatchOptions): BatchOptions {
  const names = Object.keys(BATCH_DEFAULTS) as Array<keyof BatchOptions>;
  checkOptionNames('batch', given, names);
  // Only the wait may be 0: every tick of the event loop is a batch then.
  for (const name of names) checkInteger(name, given[name], name === 'scheduledDelayMs' ? 0 : 1);
  const batch = { ...BATCH_DEFAULTS, ...given };
  return { ...batch, maxExportBatchSpans: Math.min(batch.maxExportBatchSpans, batch.maxQueueSpans) };
}

/** @throws ClewError `CLEW_ERR_OPTION` when it is neither a sampler nor a number from 0 to 1 */
export function resolveSampler(given: StartTracingOptions['sampler'], env: EnvConfig): Sampler {
  if (typeof given === 'number') return parentBased({ root: ratio(given) });
  if (given !== undefined) {
    if (typeof (given as Partial<Sampler> | null)?.shouldSample === 'function') return given;
    throw new ClewError(
      'CLEW_ERR_OPTION',
      `sampler must be a number from 0 to 1 or have shouldSample, got ${showValue(given)}`,
    );
  }
  const { name } = env.sampler;
  const root = name.endsWith('always_off')
    ? alwaysOff()
    : name.endsWith('ratio')
      ? ratio(env.sampler.ratio)
      : alwaysOn();
  return name.startsWith('parentbased_') ? parentBased({ root }) : root;
}

/** @throws ClewError `CLEW_ERR_OPTION` for an unknown exporter or an endpoint that is no http(s) URL */
export function resolveExporters(
  options: StartTracingOptions,
  env: EnvConfig,
  warn: (text: string) => void,
): ResolvedExporters {
  const endpoint = options.endpoint === undefined ? undefined : parseEndpoint(options.endpoint);
  const given: unknown[] =
    options.exporter === undefined
      ? env.exporters
      : Array.isArray(options.exporter)
        ? options.exporter
        : [options.exporter];
  const transports: ResolvedExporters = [];
  for (const exporter of given) {
    if (exporter === 'none') continue;
    if (exporter === 'otlp') transports.push(makeOtlp(endpoint ?? new URL(env.otlp.url), options, env, warn));
    else if (exporter === 'console') transports.push(new ForeignExporterTransport(new ConsoleSpanExporter()));
    else if (typeof (exporter as Partial<SpanExporter> | null)?.export === 'function') {
      transports.push(new ForeignExporterTransport(exporter as SpanExporter));
    } else {
      throw new ClewError(
        'CLEW_ERR_OPTION',
        `exporter must be "otlp", "console", "none" or have an export method, got ${showValue(exporter)}`,
      );
    }
  }
  return transports;
}

function parseEndpoint(endpoint: unknown): URL {
  const url = typeof endpoint === 'string' && URL.canParse(endpoint) ? new URL(endpoint) : undefined;
  if (url === undefined || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    throw new ClewError('CLEW_ERR_OPTION', `endpoint must be an http or https URL, got ${showValue(endpoint)}`);
  }
  return url.pathname.endsWith('/v1/traces') ? url : otlpTracesUrl(url);
}

function makeOtlp(
  url: URL,
  options: StartTracingOptions,
  env: EnvConfig,
  warn: (text: string) => void,
): BatchTransport {
  const { otlp } = env;
  if (url.port === GRPC_PORT) {
    warn(`${url.origin} is the usual port of OTLP over gRPC, but the exporter speaks HTTP; port 4318 is likely meant`);
  }
  if (otlp.protocol !== 'http/protobuf') warn(`OTLP protocol ${otlp.protocol} is not available, http/protobuf is used`);
  return new OtlpHttpTransport({
    url,
    headers: typeof options.headers === 'function' ? options.headers : { ...otlp.headers, ...options.headers },
    timeoutMs: otlp.timeoutMs,
    compression: otlp.compression,
    tls: readTls(otlp, warn),
  });
}

function readTls(otlp: EnvConfig['otlp'], warn: (text: string) => void): { ca?: Buffer; cert?: Buffer; key?: Buffer } {
  const tls: { ca?: Buffer; cert?: Buffer; key?: Buffer } = {};
  const files = { ca: otlp.certificate, cert: otlp.clientCertificate, key: otlp.clientKey };
  for (const [name, path] of Object.entries(files)) {
    if (path === undefined) continue;
    try {
      tls[name as keyof typeof tls] = readFileSync(path);
    } catch (error) {
      warn(`cannot read ${path}, exports will fail: ${describeError(error)}`);
      // An empty authority trusts nobody: without the file the connection must fail and not fall back to less.
      tls.ca = Buffer.alloc(0);
    }
  }
  return tls;
}
