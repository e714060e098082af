import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type EnvConfig, otlpTracesUrl, readEnvironment } from '../src/config/env.ts';
import { VARIABLES } from '../src/config/variables.ts';

const DEFAULTS: EnvConfig = {
  sdkDisabled: false,
  logLevel: 'warn',
  resource: {
    serviceName: undefined,
    attributes: {},
    detectors: ['env', 'host', 'os', 'process', 'container', 'k8s', 'serviceinstance'],
  },
  propagators: ['tracecontext', 'baggage'],
  sampler: { name: 'parentbased_always_on', ratio: 1 },
  exporters: ['otlp'],
  batch: {
    scheduledDelayMs: 5000,
    exportTimeoutMs: 30000,
    maxQueueSpans: 2048,
    maxQueueBytes: 16777216,
    maxExportBatchSpans: 512,
    initialBackoffMs: 1000,
    maxBackoffMs: 30000,
    maxRetryElapsedMs: 300000,
    maxRetryAfterMs: 60000,
    retryMaxBytes: 33554432,
  },
  limits: {
    attributeCountLimit: 128,
    attributeValueLengthLimit: Number.POSITIVE_INFINITY,
    eventCountLimit: 128,
    linkCountLimit: 128,
    attributePerEventCountLimit: 128,
    attributePerLinkCountLimit: 128,
  },
  otlp: {
    url: 'http://localhost:4318/v1/traces',
    protocol: 'http/protobuf',
    headers: {},
    timeoutMs: 10000,
    compression: 'none',
    certificate: undefined,
    clientKey: undefined,
    clientCertificate: undefined,
  },
  zipkin: { url: 'http://localhost:9411/api/v2/spans', timeoutMs: 10000 },
  sslCertFile: undefined,
  semconvOptIn: undefined,
  flushOnSignal: false,
  spool: { dir: undefined, maxBytes: 67108864, maxAgeMs: 86400000 },
  onSamplerError: 'parent',
  exportConcurrency: 4,
  trustIncoming: 'all',
  propagateTo: undefined,
  baggageSpanKeys: undefined,
};

test('without variables the defaults hold', () => {
  assert.deepEqual(read({}), { config: DEFAULTS, warnings: [] });
});

test('empty and blank variables count as not set', () => {
  for (const text of ['', ' \t ']) {
    const env = Object.fromEntries(VARIABLES.map(({ name }) => [name, text]));
    assert.deepEqual(read(env), { config: DEFAULTS, warnings: [] });
  }
});

test('the default that the table names is the one that holds', () => {
  for (const { name, type, default: value } of VARIABLES) {
    // URLs and the service name get their default where they are put together, which other tests cover.
    if (value === undefined || type === 'url' || name === 'OTEL_SERVICE_NAME') continue;
    assert.deepEqual(read({ [name]: String(value) }), { config: DEFAULTS, warnings: [] }, name);
  }
});

type Change = Partial<{ [K in keyof EnvConfig]: EnvConfig[K] extends object ? Partial<EnvConfig[K]> : EnvConfig[K] }>;

const ACCEPTED: Array<[env: NodeJS.ProcessEnv, change: Change]> = [
  [{ OTEL_SDK_DISABLED: 'true' }, { sdkDisabled: true }],
  [{ OTEL_SDK_DISABLED: ' TRUE ' }, { sdkDisabled: true }],
  [{ OTEL_SDK_DISABLED: 'False' }, {}],
  [{ OTEL_LOG_LEVEL: 'DEBUG' }, { logLevel: 'debug' }],
  [{ OTEL_SERVICE_NAME: ' shop ' }, { resource: { serviceName: 'shop' } }],
  [
    { OTEL_RESOURCE_ATTRIBUTES: ' a = 1 ,b=x%2Cy%3D%20z,,c=,' },
    { resource: { attributes: { a: '1', b: 'x,y= z', c: '' } } },
  ],
  [{ OTEL_RESOURCE_ATTRIBUTES: 'a=1,a=2' }, { resource: { attributes: { a: '2' } } }],
  [{ OTEL_RESOURCE_ATTRIBUTES: 'a%20b=1' }, { resource: { attributes: { 'a b': '1' } } }],
  [{ OTEL_NODE_RESOURCE_DETECTORS: 'host,env' }, { resource: { detectors: ['host', 'env'] } }],
  [{ OTEL_NODE_RESOURCE_DETECTORS: 'none' }, { resource: { detectors: [] } }],
  [{ OTEL_NODE_RESOURCE_DETECTORS: 'host,all' }, {}],
  [{ OTEL_PROPAGATORS: 'baggage, TraceContext ,baggage' }, { propagators: ['baggage', 'tracecontext'] }],
  [{ OTEL_PROPAGATORS: 'none' }, { propagators: [] }],
  [{ OTEL_TRACES_SAMPLER: 'always_off' }, { sampler: { name: 'always_off' } }],
  [
    { OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: '0.25' },
    { sampler: { name: 'traceidratio', ratio: 0.25 } },
  ],
  [
    { OTEL_TRACES_SAMPLER: 'parentbased_traceidratio', OTEL_TRACES_SAMPLER_ARG: '1e-3' },
    { sampler: { name: 'parentbased_traceidratio', ratio: 0.001 } },
  ],
  [
    { OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: '0' },
    { sampler: { name: 'traceidratio', ratio: 0 } },
  ],
  [{ OTEL_TRACES_SAMPLER: 'always_on', OTEL_TRACES_SAMPLER_ARG: 'whatever' }, { sampler: { name: 'always_on' } }],
  [{ OTEL_TRACES_EXPORTER: 'console,otlp' }, { exporters: ['console', 'otlp'] }],
  [{ OTEL_TRACES_EXPORTER: 'None' }, { exporters: [] }],
  [{ OTEL_BSP_SCHEDULE_DELAY: '0' }, { batch: { scheduledDelayMs: 0 } }],
  [{ OTEL_BSP_SCHEDULE_DELAY: '2147483647' }, { batch: { scheduledDelayMs: 2147483647 } }],
  [{ OTEL_BSP_EXPORT_TIMEOUT: '0' }, { batch: { exportTimeoutMs: 2147483647 } }],
  [{ OTEL_BSP_MAX_QUEUE_SIZE: '1000' }, { batch: { maxQueueSpans: 1000 } }],
  [{ OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '2048' }, { batch: { maxExportBatchSpans: 2048 } }],
  [{ OTEL_BSP_MAX_QUEUE_SIZE: '100' }, { batch: { maxQueueSpans: 100, maxExportBatchSpans: 100 } }],
  [{ OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT: '0' }, { limits: { attributeValueLengthLimit: 0 } }],
  [
    { OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT: '10', OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT: '20' },
    { limits: { attributeValueLengthLimit: 20 } },
  ],
  [
    { OTEL_ATTRIBUTE_COUNT_LIMIT: '10' },
    { limits: { attributeCountLimit: 10, attributePerEventCountLimit: 10, attributePerLinkCountLimit: 10 } },
  ],
  [
    {
      OTEL_ATTRIBUTE_COUNT_LIMIT: '10',
      OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT: '1',
      OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT: '2',
      OTEL_LINK_ATTRIBUTE_COUNT_LIMIT: '3',
      OTEL_SPAN_EVENT_COUNT_LIMIT: '4',
      OTEL_SPAN_LINK_COUNT_LIMIT: '5',
    },
    {
      limits: {
        attributeCountLimit: 1,
        attributePerEventCountLimit: 2,
        attributePerLinkCountLimit: 3,
        eventCountLimit: 4,
        linkCountLimit: 5,
      },
    },
  ],
  [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c:4318' }, { otlp: { url: 'http://c:4318/v1/traces' } }],
  [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c:4318/' }, { otlp: { url: 'http://c:4318/v1/traces' } }],
  [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'https://c/base' }, { otlp: { url: 'https://c/base/v1/traces' } }],
  [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'https://c/base/?k=v' }, { otlp: { url: 'https://c/base/v1/traces?k=v' } }],
  [{ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://t:1' }, { otlp: { url: 'http://t:1/' } }],
  [{ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://t:1/x' }, { otlp: { url: 'http://t:1/x' } }],
  [
    { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c:4318', OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://t:1/x' },
    { otlp: { url: 'http://t:1/x' } },
  ],
  [
    { OTEL_EXPORTER_OTLP_HEADERS: 'X-Key=a%20b, x-both=1', OTEL_EXPORTER_OTLP_TRACES_HEADERS: 'X-BOTH=2,x-t=a=b' },
    { otlp: { headers: { 'x-key': 'a b', 'x-both': '2', 'x-t': 'a=b' } } },
  ],
  [{ OTEL_EXPORTER_OTLP_TIMEOUT: '0' }, { otlp: { timeoutMs: 2147483647 } }],
  [{ OTEL_EXPORTER_OTLP_TIMEOUT: '1', OTEL_EXPORTER_OTLP_TRACES_TIMEOUT: '2' }, { otlp: { timeoutMs: 2 } }],
  [
    { OTEL_EXPORTER_OTLP_COMPRESSION: 'gzip', OTEL_EXPORTER_OTLP_TRACES_COMPRESSION: 'none' },
    { otlp: { compression: 'none' } },
  ],
  [{ OTEL_EXPORTER_OTLP_COMPRESSION: 'GZIP' }, { otlp: { compression: 'gzip' } }],
  [{ OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json' }, { otlp: { protocol: 'http/json' } }],
  [
    { OTEL_EXPORTER_OTLP_CERTIFICATE: '/ca.pem', OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY: '/key.pem' },
    { otlp: { certificate: '/ca.pem', clientKey: '/key.pem' } },
  ],
  [{ OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE: '/c.pem' }, { otlp: { clientCertificate: '/c.pem' } }],
  [
    { OTEL_EXPORTER_ZIPKIN_ENDPOINT: 'http://z/api/v2/spans', OTEL_EXPORTER_ZIPKIN_TIMEOUT: '7' },
    { zipkin: { url: 'http://z/api/v2/spans', timeoutMs: 7 } },
  ],
  [{ CLEW_FLUSH_ON_SIGNAL: 'TRUE' }, { flushOnSignal: true }],
  [{ CLEW_TRUST_INCOMING: ' None ' }, { trustIncoming: 'none' }],
  [
    { CLEW_PROPAGATE_TO: ' *.example.com, ,localhost,*.example.com,fe80::1' },
    { propagateTo: ['*.example.com', 'localhost', 'fe80::1'] },
  ],
  [{ CLEW_BAGGAGE_SPAN_KEYS: 'customer.tier,Region' }, { baggageSpanKeys: ['customer.tier', 'Region'] }],
  [{ CLEW_EXPORT_CONCURRENCY: '1' }, { exportConcurrency: 1 }],
  [
    { CLEW_BATCH_MAX_QUEUE_BYTES: '1', CLEW_BATCH_RETRY_MAX_BYTES: '2147483647' },
    { batch: { maxQueueBytes: 1, retryMaxBytes: 2147483647 } },
  ],
  [{ SSL_CERT_FILE: '/ca.pem' }, { sslCertFile: '/ca.pem' }],
  [{ OTEL_SEMCONV_STABILITY_OPT_IN: 'http/dup, rpc' }, { semconvOptIn: 'http/dup, rpc' }],
  [{ OTEL_EXPORTER_OTLP_INSECURE: 'true', OTEL_EXPORTER_OTLP_TRACES_INSECURE: 'FALSE' }, {}],
  [{ OTEL_TRACES_EXPORTER: 'OTLP/stdout' }, { exporters: ['otlp/stdout'] }],
  [{ HTTP_PROXY: 'http://p', HTTPS_PROXY: 'p:1', NO_PROXY: '*', NODE_EXTRA_CA_CERTS: '/ca.pem' }, {}],
];
for (const [env, change] of ACCEPTED) {
  test(`OpenTelemetry "Environment Variable Specification": ${JSON.stringify(env)}`, () => {
    assert.deepEqual(read(env), { config: merged(change), warnings: [] });
  });
}

const REFUSED: Array<[env: NodeJS.ProcessEnv, warning: RegExp, change?: Change]> = [
  [{ OTEL_SDK_DISABLED: '1' }, /^OTEL_SDK_DISABLED must be true or false, got "1"; it counts as false$/],
  [{ OTEL_LOG_LEVEL: 'loud' }, /^OTEL_LOG_LEVEL must be one of none, error, .*, got "loud"; it counts as not set$/],
  [{ OTEL_BSP_SCHEDULE_DELAY: '-1' }, /from 0 to 2147483647 \(milliseconds\), got "-1"/],
  [{ OTEL_BSP_SCHEDULE_DELAY: '2147483648' }, /got "2147483648"/],
  [{ OTEL_BSP_SCHEDULE_DELAY: '1.5' }, /got "1.5"/],
  [{ OTEL_BSP_SCHEDULE_DELAY: '5s' }, /got "5s"/],
  [{ OTEL_BSP_SCHEDULE_DELAY: '0x10' }, /got "0x10"/],
  [{ OTEL_BSP_MAX_QUEUE_SIZE: '0' }, /OTEL_BSP_MAX_QUEUE_SIZE must be an integer from 1 to 2147483647, got "0"/],
  [{ OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '0' }, /from 1 to/],
  [
    { OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '2049' },
    /must not be above the queue size, got "2049"; 2048 is used/,
    { batch: { maxExportBatchSpans: 2048 } },
  ],
  [{ OTEL_SPAN_EVENT_COUNT_LIMIT: 'many' }, /got "many"/],
  [
    { OTEL_ATTRIBUTE_COUNT_LIMIT: '10', OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT: 'x' },
    /OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT .* got "x"/,
    { limits: { attributeCountLimit: 10, attributePerEventCountLimit: 10, attributePerLinkCountLimit: 10 } },
  ],
  [{ OTEL_RESOURCE_ATTRIBUTES: 'a=1,b' }, /OTEL_RESOURCE_ATTRIBUTES must be name=value pairs/],
  [{ OTEL_RESOURCE_ATTRIBUTES: 'a=1,=2' }, /got "a=1,=2"/],
  [{ OTEL_RESOURCE_ATTRIBUTES: 'a=1=2' }, /got "a=1=2"/],
  [{ OTEL_RESOURCE_ATTRIBUTES: 'a=%zz' }, /got "a=%zz"/],
  [{ OTEL_PROPAGATORS: 'trace' }, /OTEL_PROPAGATORS takes none alone, or some of .*, got "trace", which is left out/],
  [{ OTEL_PROPAGATORS: 'baggage,nope,none' }, /got "nope,none", which is left out/, { propagators: ['baggage'] }],
  [{ OTEL_TRACES_EXPORTER: 'jaegr' }, /got "jaegr", which is left out/],
  [
    { OTEL_TRACES_EXPORTER: 'jaeger,zipkin' },
    /^OTEL_TRACES_EXPORTER: jaeger is not built in, it is left out; Jaeger takes OTLP: use otlp$/,
    { exporters: ['zipkin'] },
  ],
  [{ OTEL_TRACES_EXPORTER: 'logging' }, /logging is not built in, it is left out; it is called console$/],
  ...['jaeger_remote', 'parentbased_jaeger_remote', 'xray'].map((name): [NodeJS.ProcessEnv, RegExp] => [
    { OTEL_TRACES_SAMPLER: name, OTEL_TRACES_SAMPLER_ARG: 'endpoint=http://localhost:14250' },
    new RegExp(`^OTEL_TRACES_SAMPLER: ${name} is not built in, it counts as not set; Clew asks no server`),
  ]),
  ...['clew_adaptive', 'parentbased_clew_adaptive', 'clew_rate'].map((name): [NodeJS.ProcessEnv, RegExp] => [
    { OTEL_TRACES_SAMPLER: name, OTEL_TRACES_SAMPLER_ARG: '100' },
    new RegExp(`^OTEL_TRACES_SAMPLER: ${name} is not built in, it counts as not set; Clew has no sampler`),
  ]),
  [{ OTEL_TRACES_SAMPLER: 'constructor' }, /OTEL_TRACES_SAMPLER must be one of always_on, .*, got "constructor"/],
  [
    { OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: '1.1' },
    /OTEL_TRACES_SAMPLER_ARG must be a number from 0 to 1, got "1.1"/,
    { sampler: { name: 'traceidratio' } },
  ],
  [
    { OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: 'half' },
    /got "half"/,
    { sampler: { name: 'traceidratio' } },
  ],
  [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'localhost:4318' }, /must be a URL with http or https, got "localhost:4318"/],
  [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'grpc://c:4317' }, /got "grpc:\/\/c:4317"/],
  [
    { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c', OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: '/v1/traces' },
    /OTEL_EXPORTER_OTLP_TRACES_ENDPOINT must be a URL/,
    { otlp: { url: 'http://c/v1/traces' } },
  ],
  [{ OTEL_EXPORTER_OTLP_TIMEOUT: '10s' }, /OTEL_EXPORTER_OTLP_TIMEOUT/],
  [{ OTEL_EXPORTER_OTLP_PROTOCOL: 'http' }, /must be one of http\/protobuf, http\/json, got "http"/],
  [
    { OTEL_EXPORTER_OTLP_PROTOCOL: 'GRPC', OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: 'http/json' },
    /^OTEL_EXPORTER_OTLP_PROTOCOL: grpc is not built in, it counts as not set; .* use http\/protobuf, and port 4318/,
    { otlp: { protocol: 'http/json' } },
  ],
  [
    { OTEL_EXPORTER_OTLP_TRACES_INSECURE: 'yes' },
    /OTEL_EXPORTER_OTLP_TRACES_INSECURE must be true or false, got "yes"/,
  ],
  [{ OTEL_CONFIG_FILE: '/c.yaml' }, /^OTEL_CONFIG_FILE is not read, got "\/c.yaml"; the other variables hold$/],
  [{ OTEL_EXPERIMENTAL_CONFIG_FILE: '/c.yaml' }, /^OTEL_EXPERIMENTAL_CONFIG_FILE is not read/],
  [{ CLEW_TRUST_INCOMING: 'some' }, /CLEW_TRUST_INCOMING must be one of all, none, got "some"/],
  [
    { CLEW_PROPAGATE_TO: 'https://a.example,b.example' },
    /^CLEW_PROPAGATE_TO must hold host names without scheme, port and path, got "https:\/\/a.example", which is left out$/,
    { propagateTo: ['b.example'] },
  ],
  [{ CLEW_PROPAGATE_TO: 'localhost:8080' }, /got "localhost:8080"/],
  [{ CLEW_BAGGAGE_SPAN_KEYS: 'a b' }, /CLEW_BAGGAGE_SPAN_KEYS must hold baggage keys, got "a b"/],
  [{ CLEW_EXPORT_CONCURRENCY: '0' }, /CLEW_EXPORT_CONCURRENCY must be an integer from 1 to/],
  [{ CLEW_BATCH_INITIAL_BACKOFF_MS: '0' }, /from 1 to 2147483647 \(milliseconds\), got "0"/],
  [{ OTEL_EXPORTER_OTLP_COMPRESSION: 'zstd' }, /must be one of none, gzip, got "zstd"/],
];
for (const [env, warning, change = {}] of REFUSED) {
  test(`OpenTelemetry "Parsing rules": one warning for ${JSON.stringify(env)}`, () => {
    const { config, warnings } = read(env);
    assert.equal(warnings.length, 1, warnings.join('\n'));
    assert.match(warnings[0] ?? '', warning);
    assert.deepEqual(config, merged(change));
  });
}

const SECRETS: Array<[env: NodeJS.ProcessEnv, headers: Record<string, string>]> = [
  [{ OTEL_EXPORTER_OTLP_HEADERS: 'a=1,hunter2' }, { a: '1' }],
  [{ OTEL_EXPORTER_OTLP_HEADERS: 'a=1,b c=hunter2' }, { a: '1' }],
  [{ OTEL_EXPORTER_OTLP_HEADERS: 'a=1,b=hunter2%0D%0Ax: 1' }, { a: '1' }],
  [{ OTEL_EXPORTER_OTLP_HEADERS: 'a=1,b=hunter2%00' }, { a: '1' }],
  [{ OTEL_EXPORTER_OTLP_HEADERS: 'a=1,b=hunter2%E2%82%AC' }, { a: '1' }],
];
for (const [env, headers] of SECRETS) {
  test(`a malformed header is left out and not shown: ${JSON.stringify(env)}`, () => {
    const { config, warnings } = read(env);
    assert.deepEqual(config.otlp.headers, headers);
    assert.equal(warnings.length, 1);
    assert.doesNotMatch(warnings.join(), /hunter2/);
  });
}

test('credentials and queries of a malformed URL are not shown', () => {
  const { warnings } = read({ OTEL_EXPORTER_OTLP_ENDPOINT: 'htp://user:hunter2@c/x?token=hunter2' });
  assert.match(warnings.join(), /got "…@c\/x\?…"/);
  assert.doesNotMatch(warnings.join(), /hunter2/);
});

test('names of Object.prototype are plain resource attributes', () => {
  const { attributes } = read({ OTEL_RESOURCE_ATTRIBUTES: '__proto__=1' }).config.resource;
  assert.deepEqual(Object.entries(attributes), [['__proto__', '1']]);
});

test('the environment is not changed', () => {
  const env = Object.freeze({ OTEL_SERVICE_NAME: ' x ', OTEL_BSP_SCHEDULE_DELAY: 'x' });
  read(env);
});

test('otlpTracesUrl leaves its base alone', () => {
  const base = new URL('http://c/x');
  assert.equal(otlpTracesUrl(base).href, 'http://c/x/v1/traces');
  assert.equal(base.href, 'http://c/x');
});

function read(env: NodeJS.ProcessEnv): { config: EnvConfig; warnings: string[] } {
  const warnings: string[] = [];
  return { config: readEnvironment(env, (text) => warnings.push(text)), warnings };
}

function merged(change: Change): EnvConfig {
  const config: Record<string, unknown> = { ...DEFAULTS };
  for (const [key, value] of Object.entries(change)) {
    const isGroup = typeof value === 'object' && !Array.isArray(value);
    config[key] = isGroup ? { ...(config[key] as object), ...value } : value;
  }
  // The cast holds: only keys of `Change` were put in.
  return config as unknown as EnvConfig;
}
