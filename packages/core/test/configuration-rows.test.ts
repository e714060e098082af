import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { type EnvConfig, readEnvironment } from '../src/config/env.ts';
import { proxyFor } from '../src/config/proxy.ts';
import { START_OPTIONS } from '../src/config/resolve.ts';
import { SPOOL_OPTIONS } from '../src/config/resolve-spool.ts';
import { readExceptionSignal } from '../src/config/exception-signal.ts';
import { readSemconv } from '../src/config/semconv.ts';
import { VARIABLES } from '../src/config/variables.ts';
import { BATCH_DEFAULTS } from '../src/export/batch.ts';
import { readKnownMethods } from '../src/http/method.ts';

/** What one row of the table says, as far as the reader shows it. */
interface Row {
  see: (config: EnvConfig, env: NodeJS.ProcessEnv, warn: (text: string) => void) => unknown;
  /** What is seen when the variable is not set; left out where it is the default that the table names. */
  unset?: unknown;
  good: [text: string, seen: unknown];
  /** A text that is refused: reported once, and what is seen is as if the variable were not set. */
  bad?: string;
  /** Variables without which this one says nothing. */
  with?: NodeJS.ProcessEnv;
}

const HIDDEN = 'hunter2';

const whole = (see: Row['see'], good = 7): Row => ({ see, good: [String(good), good], bad: '1.5' });
const path = (see: Row['see']): Row => ({ see, unset: undefined, good: ['/x.pem', '/x.pem'] });
const proxy = (url: string): Row => ({
  see: (_, env, warn) => proxyFor(new URL(url), env, warn)?.href,
  good: ['http://p:1', 'http://p:1/'],
  bad: `socks://me:${HIDDEN}@p`,
});
const configFile: Row = {
  see: (config) => config,
  unset: readEnvironment({}, () => {}),
  good: ['', undefined],
  bad: '/c',
};

/** The rows of a setting for OTLP, in general and for traces alone. */
const otlp = (suffix: string, row: Row): Array<[string, Row]> => [
  [`OTEL_EXPORTER_OTLP_${suffix}`, row],
  [`OTEL_EXPORTER_OTLP_TRACES_${suffix}`, row],
];

const ROWS = new Map<string, Row>([
  ['OTEL_SDK_DISABLED', { see: (c) => c.sdkDisabled, good: ['true', true], bad: 'yes' }],
  ['OTEL_SERVICE_NAME', { see: (c) => c.resource.serviceName, unset: undefined, good: ['shop', 'shop'] }],
  [
    'OTEL_RESOURCE_ATTRIBUTES',
    { see: (c) => c.resource.attributes, unset: {}, good: ['a=b%20c', { a: 'b c' }], bad: 'a=1,b' },
  ],
  [
    'OTEL_NODE_RESOURCE_DETECTORS',
    {
      see: (c) => c.resource.detectors,
      unset: ['env', 'host', 'os', 'process', 'container', 'k8s', 'serviceinstance'],
      good: ['OS, host', ['os', 'host']],
      bad: 'aws',
    },
  ],
  ['OTEL_LOG_LEVEL', { see: (c) => c.logLevel, good: ['Debug', 'debug'], bad: 'loud' }],
  [
    'OTEL_PROPAGATORS',
    {
      see: (c) => c.propagators,
      unset: ['tracecontext', 'baggage'],
      good: [
        'b3,b3multi,jaeger,xray,ottrace,datadog,baggage,tracecontext,b3',
        ['b3', 'b3multi', 'jaeger', 'xray', 'ottrace', 'datadog', 'baggage', 'tracecontext'],
      ],
      bad: 'b4',
    },
  ],
  ['OTEL_TRACES_SAMPLER', { see: (c) => c.sampler.name, good: ['always_off', 'always_off'], bad: 'xray' }],
  [
    'OTEL_TRACES_SAMPLER_ARG',
    { see: (c) => c.sampler.ratio, good: ['0.25', 0.25], bad: '2', with: { OTEL_TRACES_SAMPLER: 'traceidratio' } },
  ],
  [
    'OTEL_TRACES_EXPORTER',
    {
      see: (c) => c.exporters,
      unset: ['otlp'],
      good: ['zipkin,console,otlp/stdout', ['zipkin', 'console', 'otlp/stdout']],
      bad: 'jaeger',
    },
  ],
  [
    'OTEL_SEMCONV_STABILITY_OPT_IN',
    { see: (_, env) => readSemconv('http', env), unset: 'stable', good: ['rpc, HTTP/dup', 'dup'] },
  ],
  [
    'OTEL_SEMCONV_EXCEPTION_SIGNAL_OPT_IN',
    { see: (_, env) => readExceptionSignal(env), unset: 'events', good: [' LOGS/dup', 'logs/dup'] },
  ],
  [
    'OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS',
    {
      see: (_, env) => [...readKnownMethods(env)],
      unset: ['CONNECT', 'DELETE', 'GET', 'HEAD', 'OPTIONS', 'PATCH', 'POST', 'PUT', 'TRACE', 'QUERY'],
      good: ['PURGE, GET', ['PURGE', 'GET']],
    },
  ],
  ['OTEL_CONFIG_FILE', configFile],
  ['OTEL_EXPERIMENTAL_CONFIG_FILE', configFile],
  ['OTEL_BSP_SCHEDULE_DELAY', whole((c) => c.batch.scheduledDelayMs)],
  ['OTEL_BSP_EXPORT_TIMEOUT', whole((c) => c.batch.exportTimeoutMs)],
  ['OTEL_BSP_MAX_QUEUE_SIZE', whole((c) => c.batch.maxQueueSpans, 600)],
  ['OTEL_BSP_MAX_EXPORT_BATCH_SIZE', whole((c) => c.batch.maxExportBatchSpans)],
  ['OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT', { ...whole((c) => c.limits.attributeValueLengthLimit), unset: Infinity }],
  ['OTEL_ATTRIBUTE_COUNT_LIMIT', whole((c) => c.limits.attributeCountLimit)],
  ['OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT', { ...whole((c) => c.limits.attributeValueLengthLimit), unset: Infinity }],
  ['OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT', whole((c) => c.limits.attributeCountLimit)],
  ['OTEL_SPAN_EVENT_COUNT_LIMIT', whole((c) => c.limits.eventCountLimit)],
  ['OTEL_SPAN_LINK_COUNT_LIMIT', whole((c) => c.limits.linkCountLimit)],
  ['OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT', whole((c) => c.limits.attributePerEventCountLimit)],
  ['OTEL_LINK_ATTRIBUTE_COUNT_LIMIT', whole((c) => c.limits.attributePerLinkCountLimit)],
  [
    'OTEL_EXPORTER_OTLP_ENDPOINT',
    {
      see: (c) => c.otlp.url,
      unset: 'http://localhost:4318/v1/traces',
      good: ['https://c/x', 'https://c/x/v1/traces'],
      bad: 'c:4318',
    },
  ],
  [
    'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT',
    { see: (c) => c.otlp.url, unset: 'http://localhost:4318/v1/traces', good: ['https://c', 'https://c/'], bad: 'c' },
  ],
  ...otlp('PROTOCOL', { see: (c) => c.otlp.protocol, good: ['HTTP/json', 'http/json'], bad: 'grpc' }),
  ...otlp('HEADERS', { see: (c) => c.otlp.headers, unset: {}, good: ['A=b%3D', { a: 'b=' }], bad: HIDDEN }),
  ...otlp(
    'TIMEOUT',
    whole((c) => c.otlp.timeoutMs),
  ),
  ...otlp('COMPRESSION', { see: (c) => c.otlp.compression, good: ['gzip', 'gzip'], bad: 'br' }),
  ...otlp(
    'CERTIFICATE',
    path((c) => c.otlp.certificate),
  ),
  ...otlp(
    'CLIENT_KEY',
    path((c) => c.otlp.clientKey),
  ),
  ...otlp(
    'CLIENT_CERTIFICATE',
    path((c) => c.otlp.clientCertificate),
  ),
  ...otlp('INSECURE', { see: (c) => c.otlp.url.startsWith('https'), good: ['true', false], bad: '1' }),
  [
    'OTEL_EXPORTER_ZIPKIN_ENDPOINT',
    { see: (c) => c.zipkin.url, good: ['https://z/api/v2/spans', 'https://z/api/v2/spans'], bad: 'z' },
  ],
  ['OTEL_EXPORTER_ZIPKIN_TIMEOUT', whole((c) => c.zipkin.timeoutMs)],
  ['HTTPS_PROXY', proxy('https://c')],
  ['HTTP_PROXY', proxy('http://c')],
  [
    'NO_PROXY',
    { see: proxy('http://c').see, unset: 'http://p:1/', good: ['c', undefined], with: { HTTP_PROXY: 'http://p:1' } },
  ],
  ['SSL_CERT_FILE', path((c) => c.sslCertFile)],
  // Node.js has read it before any of our code runs.
  ['NODE_EXTRA_CA_CERTS', { see: () => undefined, good: ['/x.pem', undefined] }],
  ['CLEW_FLUSH_ON_SIGNAL', { see: (c) => c.flushOnSignal, good: ['true', true], bad: 'on' }],
  ['CLEW_TRUST_INCOMING', { see: (c) => c.trustIncoming, good: ['none', 'none'], bad: 'some' }],
  ['CLEW_PROPAGATE_TO', { see: (c) => c.propagateTo, good: ['*.a, b', ['*.a', 'b']], bad: 'https://a' }],
  ['CLEW_BAGGAGE_SPAN_KEYS', { see: (c) => c.baggageSpanKeys, good: ['a.b, c', ['a.b', 'c']], bad: 'a b' }],
  ['CLEW_SPOOL_DIR', { see: (c) => c.spool.dir, good: ['/var/spool/clew', '/var/spool/clew'] }],
  ['CLEW_SPOOL_MAX_BYTES', whole((c) => c.spool.maxBytes)],
  ['CLEW_SPOOL_MAX_AGE_MS', whole((c) => c.spool.maxAgeMs)],
  ['CLEW_ON_SAMPLER_ERROR', { see: (c) => c.onSamplerError, good: ['Keep', 'keep'], bad: 'ask' }],
  ['CLEW_EXPORT_CONCURRENCY', whole((c) => c.exportConcurrency)],
]);
for (const { name, option } of VARIABLES) {
  if (option?.startsWith('batch.') !== true) continue;
  // The cast holds: that each of them is an option of the batch processor is asserted below.
  const key = option.slice('batch.'.length) as keyof EnvConfig['batch'];
  const row = whole((config) => config.batch[key]);
  ROWS.set(name, row);
}

test('there is a row for every variable', () => {
  assert.deepEqual([...ROWS.keys()].toSorted(), VARIABLES.map(({ name }) => name).toSorted());
});

for (const variable of VARIABLES) {
  const { name } = variable;
  const row = ROWS.get(name);
  if (row === undefined) continue;
  const unset = 'unset' in row ? row.unset : variable.default;

  test(`${name} is ${JSON.stringify(unset)} when it is not set, empty or blank`, () => {
    for (const env of [{}, { [name]: '' }, { [name]: ' \t' }])
      assert.deepEqual(read(row, env), { seen: unset, warnings: [] });
  });

  const [text, seen] = row.good;
  if (text !== '') {
    test(`${name}=${text} is taken, with blanks around it too`, () => {
      for (const given of [text, ` ${text}\t`]) assert.deepEqual(read(row, { [name]: given }), { seen, warnings: [] });
    });
  }

  const { bad } = row;
  if (bad !== undefined) {
    test(`${name}=${bad} is reported once by name, and counts as not set`, () => {
      const refused = read(row, { [name]: bad });
      assert.deepEqual(refused.seen, unset);
      assert.equal(refused.warnings.length, 1, refused.warnings.join('\n'));
      assert.match(refused.warnings.join(), new RegExp(`^${name}\\b`));
      const isSecret = bad.includes(HIDDEN);
      assert.equal(refused.warnings.join().includes(isSecret ? HIDDEN : bad), !isSecret);
    });
  }
}

test('a variable of our own is named after its option, and has its default', () => {
  for (const { name, option, default: value } of VARIABLES) {
    assert.equal(name.startsWith('CLEW_'), option !== undefined, name);
    if (option === undefined) continue;
    const words = option.replaceAll('.', '_').replace(/[A-Z]/g, (letter) => `_${letter}`);
    assert.equal(name, `CLEW_${words.toUpperCase()}`);
    const key = option.split('.')[1];
    if (option.startsWith('batch.')) assert.equal(value, BATCH_DEFAULTS[key as keyof typeof BATCH_DEFAULTS]);
  }
});

test('no package reads a variable that is not in the table', () => {
  const root = new URL('../../', import.meta.url).pathname;
  const files = globSync('*/src/**/*.ts', { cwd: root }).filter((file) => !file.startsWith('testkit'));
  const read = files.flatMap((file) =>
    [...readFileSync(join(root, file), 'utf8').matchAll(/\benv\.((?:OTEL|CLEW)_\w+)/g)].map(([, name]) => name),
  );
  assert.ok(read.includes('OTEL_SEMCONV_STABILITY_OPT_IN'), 'the sources were found');
  const known = new Set<string | undefined>(VARIABLES.map(({ name }) => name));
  assert.deepEqual(
    read.filter((name) => !known.has(name)),
    [],
  );
});

/** Options with a variable of OpenTelemetry's, of functions or objects alone, or that only code can decide. */
const WITHOUT = new Set([
  ...['serviceName', 'serviceVersion', 'environment', 'resource', 'exporter', 'endpoint', 'headers', 'sampler'],
  ...['propagators', 'limits', 'spanProcessors', 'idGenerator', 'register'],
  ...['batch.maxQueueSpans', 'batch.maxExportBatchSpans', 'batch.scheduledDelayMs', 'batch.exportTimeoutMs'],
]);

test('an option that no variable of OpenTelemetry covers has one of ours', () => {
  const groups = ['batch', 'spool'];
  const options = [
    ...START_OPTIONS.filter((name) => !groups.includes(name)),
    ...Object.keys(BATCH_DEFAULTS).map((name) => `batch.${name}`),
    ...SPOOL_OPTIONS.map((name) => `spool.${name}`),
  ];
  const covered = VARIABLES.map(({ option }) => option).filter((option) => option !== undefined);
  assert.deepEqual(covered.toSorted(), options.filter((option) => !WITHOUT.has(option)).toSorted());
});

function read(row: Row, env: NodeJS.ProcessEnv): { seen: unknown; warnings: string[] } {
  const warnings: string[] = [];
  const warn = (text: string): void => void warnings.push(text);
  const whole = { ...row.with, ...env };
  const config = readEnvironment(whole, warn);
  return { seen: row.see(config, whole, warn), warnings };
}
