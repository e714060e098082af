/**
 * What propagators may write, by the grammar of each format and written apart from their code: the judge of tests that
 * feed them with whatever a network or an application can bring.
 */

const NOT_ZERO_16 = '(?!0{16}(?![0-9a-f]))[0-9a-f]{16}';
const NOT_ZERO_32 = '(?!0{32})[0-9a-f]{32}';
const TOKEN = "[!#$%&'*+\\-.^_`|~0-9A-Za-z]+";
const LOWER_TOKEN = "[!#$%&'*+\\-.^_`|~0-9a-z]+";
const BAGGAGE_VALUE = '(?:[\\x21\\x23\\x24\\x26-\\x2b\\x2d-\\x3a\\x3c-\\x5b\\x5d-\\x7e]|%[0-9A-F]{2})*';
const TRACE_STATE_MEMBER =
  /^[a-z0-9][a-z0-9_\-*/@]{0,255}=[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]$/;
const BAGGAGE_MEMBER = new RegExp(`^${TOKEN}=${BAGGAGE_VALUE}(?:;[\\t\\x20-\\x2b\\x2d-\\x7e]+)?$`);
const DATADOG_TAG = /^_dd\.p\.[\x21-\x2b\x2d-\x3c\x3e-\x7e]+=[\x20-\x2b\x2d-\x7e]+$/;
const HEADER_VALUE = /^[\t\x20-\x7e]*$/;

const shape = (pattern: string): ((value: string) => boolean) => {
  const expression = new RegExp(`^(?:${pattern})$`);
  return (value) => expression.test(value);
};

const GRAMMAR: Record<string, (value: string) => boolean> = {
  traceparent: shape(`00-${NOT_ZERO_32}-${NOT_ZERO_16}-0[0-3]`),
  tracestate: isTraceState,
  baggage: isBaggage,
  b3: shape(`[01]|${NOT_ZERO_32}-${NOT_ZERO_16}(?:-[01d])?`),
  'x-b3-traceid': shape(NOT_ZERO_32),
  'x-b3-spanid': shape(NOT_ZERO_16),
  'x-b3-sampled': shape('[01]'),
  'x-b3-flags': shape('1'),
  'uber-trace-id': shape(`${NOT_ZERO_32}:${NOT_ZERO_16}:0:0[0-3]`),
  'x-amzn-trace-id': shape('Root=1-(?!0{8}-0{24})[0-9a-f]{8}-[0-9a-f]{24};Parent=(?!0{16})[0-9a-f]{16};Sampled=[01?]'),
  'ot-tracer-traceid': shape(NOT_ZERO_16),
  'ot-tracer-spanid': shape(NOT_ZERO_16),
  'ot-tracer-sampled': shape('true|false'),
  'x-datadog-trace-id': isUint64,
  'x-datadog-parent-id': isUint64,
  'x-datadog-sampling-priority': shape('-1|0|1|2'),
  'x-datadog-origin': (value) => value.length > 0 && value.length <= 128,
  'x-datadog-tags': (value) => value.length <= 512 && value.split(',').every((tag) => DATADOG_TAG.test(tag)),
};
const PREFIXED: Array<[prefix: string, isValue: (value: string) => boolean]> = [
  ['uberctx-', shape(BAGGAGE_VALUE)],
  ['ot-baggage-', () => true],
];
const TOGETHER = [
  ['x-b3-traceid', 'x-b3-spanid'],
  ['ot-tracer-traceid', 'ot-tracer-spanid'],
  ['x-datadog-trace-id', 'x-datadog-parent-id'],
] as const;

/**
 * Why a set of headers is not what a propagator may write.
 *
 * @returns `undefined` when it is; `illegal: …` for what is no header at all, else `malformed: …`
 */
export function headerSetFault(headers: Readonly<Record<string, unknown>>): string | undefined {
  for (const name of Object.keys(headers)) {
    const fault = headerFault(name, headers[name]);
    if (fault !== undefined) return fault;
  }
  for (const [one, other] of TOGETHER) {
    if (one in headers !== other in headers) return `malformed: ${one} and ${other} belong together`;
  }
  if ('x-b3-flags' in headers && 'x-b3-sampled' in headers) return 'malformed: x-b3-sampled beside x-b3-flags';
  return undefined;
}

function headerFault(name: string, value: unknown): string | undefined {
  const shown = `${name}: ${JSON.stringify(value)}`;
  if (typeof value !== 'string' || !HEADER_VALUE.test(value)) return `illegal: ${shown}`;
  const isValid = Object.hasOwn(GRAMMAR, name) ? GRAMMAR[name] : prefixedGrammar(name);
  if (isValid === undefined) return `illegal: a name that nobody writes: ${shown}`;
  return isValid(value) ? undefined : `malformed: ${shown}`;
}

const LOWER_TOKEN_SHAPE = new RegExp(`^${LOWER_TOKEN}$`);

function prefixedGrammar(name: string): ((value: string) => boolean) | undefined {
  const [prefix, isValue] = PREFIXED.find(([start]) => name.startsWith(start)) ?? [];
  return prefix !== undefined && LOWER_TOKEN_SHAPE.test(name.slice(prefix.length)) ? isValue : undefined;
}

function isTraceState(value: string): boolean {
  const members = value
    .split(',')
    .map((member) => member.replace(/^[ \t]+|[ \t]+$/g, ''))
    .filter((member) => member !== '');
  const keys = new Set(members.map((member) => member.slice(0, member.indexOf('='))));
  const isCounted = members.length > 0 && members.length <= 32 && keys.size === members.length;
  return value.length <= 2048 && isCounted && members.every((member) => TRACE_STATE_MEMBER.test(member));
}

function isBaggage(value: string): boolean {
  const members = value.split(',');
  const isInLimits = value.length <= 8192 && members.length <= 180;
  return isInLimits && members.every((member) => member.length <= 4096 && BAGGAGE_MEMBER.test(member));
}

function isUint64(value: string): boolean {
  return /^[1-9]\d{0,19}$/.test(value) && BigInt(value) < 2n ** 64n;
}
