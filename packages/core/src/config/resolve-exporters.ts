/** Turns the exporters that options and variables name into transports. */
import { ConsoleSpanExporter } from '../export/console.ts';
import { ForeignExporterTransport } from '../export/foreign-exporter.ts';
import { OtlpStdoutTransport } from '../export/otlp-stdout.ts';
import { OtlpHttpTransport } from '../export/otlp-http.ts';
import type { SpanExporter } from '../export/readable-span.ts';
import { watchTlsFiles } from '../export/tls-files.ts';
import type { BatchTransport } from '../export/transport.ts';
import { ZipkinTransport } from '../export/zipkin.ts';
import { ClewError } from '../errors.ts';
import type { StartTracingOptions } from '../start-options.ts';
import type { EnvConfig } from './env.ts';
import { showValue } from './options.ts';
import { proxyFor } from './proxy.ts';

/** The transports of all exporters, in order. */
export type ResolvedExporters = BatchTransport[];

const GRPC_PORT = '4317';

/** @throws ClewError `CLEW_ERR_OPTION` for an unknown exporter or an endpoint that is no http(s) URL */
export function resolveExporters(
  options: StartTracingOptions,
  env: EnvConfig,
  warn: (text: string) => void,
): ResolvedExporters {
  const given: unknown[] =
    options.exporter === undefined
      ? env.exporters
      : Array.isArray(options.exporter)
        ? options.exporter
        : [options.exporter];
  const endpoint = options.endpoint === undefined ? undefined : parseEndpoint(options.endpoint);
  // One endpoint, one server: beside OTLP, Zipkin is where its variable says.
  const isForZipkin = !given.includes('otlp');
  const { headers: _, ...rest } = options;
  const transports: ResolvedExporters = [];
  for (const exporter of given) {
    if (exporter === 'none') continue;
    if (exporter === 'otlp') transports.push(makeOtlp(endpoint, options, env, warn));
    else if (exporter === 'zipkin')
      transports.push(makeZipkin(isForZipkin ? endpoint : undefined, isForZipkin ? options : rest, env, warn));
    else if (exporter === 'otlp/stdout') transports.push(new OtlpStdoutTransport());
    else if (exporter === 'console') transports.push(new ForeignExporterTransport(new ConsoleSpanExporter()));
    else if (typeof (exporter as Partial<SpanExporter> | null)?.export === 'function') {
      transports.push(new ForeignExporterTransport(exporter as SpanExporter));
    } else {
      throw new ClewError(
        'CLEW_ERR_OPTION',
        `exporter must be "otlp", "zipkin", "console", "otlp/stdout", "none" or have an export method, got ${showValue(exporter)}`,
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
  return url;
}

function makeOtlp(
  endpoint: URL | undefined,
  options: StartTracingOptions,
  env: EnvConfig,
  warn: (text: string) => void,
): BatchTransport {
  const { otlp } = env;
  const url = endpoint === undefined ? new URL(otlp.url) : belowBase(endpoint, '/v1/traces');
  if (url.port === GRPC_PORT) {
    warn(`${url.origin} is the usual port of OTLP over gRPC, but the exporter speaks HTTP; port 4318 is likely meant`);
  }
  return new OtlpHttpTransport({
    url,
    encoding: otlp.protocol === 'http/json' ? 'json' : 'protobuf',
    headers: typeof options.headers === 'function' ? options.headers : { ...otlp.headers, ...options.headers },
    timeoutMs: otlp.timeoutMs,
    compression: otlp.compression,
    concurrency: options.exportConcurrency ?? env.exportConcurrency,
    tls: watchTlsFiles(
      { ca: otlp.certificate ?? caFileFor(url, env), cert: otlp.clientCertificate, key: otlp.clientKey },
      warn,
    ),
    proxy: proxyFor(url, process.env, warn),
  });
}

function makeZipkin(
  endpoint: URL | undefined,
  options: StartTracingOptions,
  env: EnvConfig,
  warn: (text: string) => void,
): BatchTransport {
  const url = endpoint === undefined ? new URL(env.zipkin.url) : belowBase(endpoint, '/api/v2/spans');
  return new ZipkinTransport({
    url,
    ...(options.headers === undefined ? {} : { headers: options.headers }),
    timeoutMs: env.zipkin.timeoutMs,
    concurrency: options.exportConcurrency ?? env.exportConcurrency,
    tls: watchTlsFiles({ ca: caFileFor(url, env) }, warn),
    proxy: proxyFor(url, process.env, warn),
  });
}

function belowBase(base: URL, path: string): URL {
  if (base.pathname.endsWith(path)) return base;
  const url = new URL(base);
  url.pathname = url.pathname.replace(/\/$/, '') + path;
  return url;
}

// The file is everybody's, so that a plain HTTP endpoint must not complain about it.
function caFileFor(url: URL, env: EnvConfig): string | undefined {
  return url.protocol === 'https:' ? env.sslCertFile : undefined;
}
