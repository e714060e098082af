/** Header sets: valid ones of every format, and what a network can make of them. */
import type { Random } from './random.ts';
import { NASTY } from './random.ts';

/** A carrier as it may arrive: values are texts, lists of texts, or anything else. */
export type Headers = Record<string, unknown>;

/** Valid headers of each format, from ids and contents of their own: nothing here was written by a propagator. */
export const FORMATS: Record<string, (random: Random) => Headers> = {
  tracecontext: (random) => ({
    traceparent: `00-${random.hex(32)}-${random.hex(16)}-0${random.below(4)}`,
    ...(random.oneIn(2)
      ? { tracestate: list(random, 33, () => `${stateKey(random)}=${random.hex(1 + random.below(8))}`) }
      : {}),
  }),
  baggage: (random) => ({ baggage: list(random, random.oneIn(50) ? 200 : 6, () => baggageMember(random)) }),
  b3: (random) => ({
    b3: random.oneIn(8) ? random.pick(['0', '1', 'd']) : `${b3Ids(random)}${random.pick(['', '-0', '-1', '-d'])}`,
  }),
  b3multi: (random) => ({
    'x-b3-traceid': random.hex(random.pick([16, 32])),
    'x-b3-spanid': random.hex(16),
    ...random.pick<Headers>([{}, { 'x-b3-sampled': '1' }, { 'x-b3-sampled': '0' }, { 'x-b3-flags': '1' }]),
  }),
  jaeger: (random) => ({
    'uber-trace-id': `${random.hex(random.pick([1, 16, 32]))}:${random.hex(random.pick([3, 16]))}:0:${random.below(4)}`,
    ...(random.oneIn(2)
      ? { [`uberctx-${random.token(8)}`]: encodeURIComponent(random.pick(['a', 'ü', ' x', '%'])) }
      : {}),
    ...(random.oneIn(4) ? { 'jaeger-baggage': 'k=v, l=w' } : {}),
  }),
  xray: (random) => ({
    'x-amzn-trace-id': shuffle(random, [
      `Root=1-${random.hex(8)}-${random.hex(24)}`,
      `Parent=${random.hex(16)}`,
      ...random.pick([[], ['Sampled=1'], ['Sampled=0'], ['Sampled=?'], ['Sampled=1', 'Lineage=a:1']]),
    ]).join(';'),
  }),
  ottrace: (random) => ({
    'ot-tracer-traceid': random.hex(random.pick([16, 32])),
    'ot-tracer-spanid': random.hex(16),
    ...random.pick<Headers>([{}, { 'ot-tracer-sampled': 'true' }, { 'ot-tracer-sampled': 'false' }]),
    ...(random.oneIn(2) ? { [`ot-baggage-${random.token(8)}`]: 'some value' } : {}),
  }),
  datadog: (random) => ({
    'x-datadog-trace-id': BigInt(`0x${random.hex(16)}`).toString(),
    'x-datadog-parent-id': BigInt(`0x${random.hex(16)}`).toString(),
    ...(random.oneIn(4) ? {} : { 'x-datadog-sampling-priority': random.pick(['-1', '0', '1', '2']) }),
    ...(random.oneIn(2) ? { 'x-datadog-origin': random.pick(['rum', 'synthetics']) } : {}),
    ...(random.oneIn(2) ? { 'x-datadog-tags': `_dd.p.tid=${random.hex(16)},_dd.p.dm=-${random.below(9)}` } : {}),
  }),
};

const FORMAT_NAMES = Object.keys(FORMATS);

/** One case. */
export interface HeaderCase {
  headers: Headers;
  /** The format that it began as. */
  format: string;
  /** Whether it is still as valid as it was made. */
  isValid: boolean;
}

/** A header set: one time in eight as its format wants it, else with up to six mutations, or several formats at once. */
export function makeHeaders(random: Random): HeaderCase {
  const format = random.pick(FORMAT_NAMES);
  const headers = FORMATS[format]?.(random) ?? {};
  if (random.oneIn(8)) return { headers, format, isValid: true };
  while (random.oneIn(3)) Object.assign(headers, FORMATS[random.pick(FORMAT_NAMES)]?.(random));
  for (let i = random.oneIn(4) ? 1 + random.below(6) : 1; i > 0; i--) mutate(random, headers);
  return { headers, format, isValid: false };
}

function mutate(random: Random, headers: Headers): void {
  const names = Object.keys(headers);
  if (names.length === 0) return;
  const name = random.pick(names);
  const value = headers[name];
  switch (random.below(12)) {
    case 0:
      delete headers[name];
      return;
    case 1:
      delete headers[name];
      headers[random.pick([name.toUpperCase(), name[0]?.toUpperCase() + name.slice(1), `${name} `])] = value;
      return;
    case 2:
      headers[name] = random.pick<unknown>([[value], [value, value], [], [value, random.anyText(20)], [null, value]]);
      return;
    case 3:
      headers[name] = random.pick<unknown>([undefined, null, 7, true, {}, Symbol('s'), 1n, () => value]);
      return;
    case 4:
      headers[random.pick([...names, '__proto__', 'uberctx-__proto__', 'ot-baggage-é'])] = random.anyText(40);
      return;
    case 5:
      // Another format's value under this name.
      headers[name] = headers[random.pick(names)];
      return;
    default:
      if (typeof value === 'string') headers[name] = mutateText(random, value);
  }
}

function mutateText(random: Random, text: string): string {
  const at = random.below(text.length + 1);
  const end = Math.min(text.length, at + 1 + random.below(3));
  switch (random.below(10)) {
    case 0:
      return text.slice(0, at) + text.slice(end);
    case 1:
      return text.slice(0, at) + random.pick(NASTY) + text.slice(at);
    case 2:
      return text.slice(0, at) + random.pick(NASTY) + text.slice(end);
    case 3:
      return text.slice(0, at);
    case 4:
      return text + random.pick([',', ', ', ';', '-', ' ']) + text;
    case 5:
      return random.pick([' ', '\t', '  ']) + text + random.pick([' ', '\t', '']);
    case 6:
      return text.toUpperCase();
    case 7:
      return text.slice(0, at) + encodeURIComponent(text.slice(at, end).toWellFormed()) + text.slice(end);
    case 8:
      return text.replaceAll(/[0-9a-f]/g, '0');
    default:
      // Seldom something huge: it is what the limits are for.
      return random.oneIn(20) ? text.repeat(2 + random.below(400)) : random.anyText(60);
  }
}

function stateKey(random: Random): string {
  return `${random.hex(1)}${random.pick(['', '_', '-', '*', '/', '@'])}${random.hex(1 + random.below(6))}`;
}

function baggageMember(random: Random): string {
  const value = random.oneIn(4)
    ? encodeURIComponent(random.anyText(8).toWellFormed())
    : random.hex(1 + random.below(12));
  const properties = random.oneIn(4) ? random.pick([';p', ';p=1', '; a=b; c']) : '';
  return `${random.token(10)}${random.pick(['=', ' = '])}${value}${properties}`;
}

function b3Ids(random: Random): string {
  return `${random.hex(random.pick([16, 32]))}-${random.hex(16)}`;
}

function list(random: Random, end: number, member: () => string): string {
  return Array.from({ length: 1 + random.below(end - 1) }, member).join(random.pick([',', ', ', ' ,\t']));
}

function shuffle<T>(random: Random, parts: T[]): T[] {
  for (let i = parts.length - 1; i > 0; i--) {
    const j = random.below(i + 1);
    [parts[i], parts[j]] = [parts[j] as T, parts[i] as T];
  }
  return parts;
}
