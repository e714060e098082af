/** Turns checked options and the environment into the parts that `startTracing` puts together. */
import { type BatchOptions, BATCH_DEFAULTS } from '../export/batch.ts';
import { ClewError } from '../errors.ts';
import { checkBaggageSpanKeys, checkPropagateTo, checkTrust, type PluginDefaults } from '../plugin-defaults.ts';
import { alwaysOff, alwaysOn } from '../sampler/always.ts';
import { parentBased } from '../sampler/parent-based.ts';
import { ratio } from '../sampler/ratio.ts';
import type { Sampler } from '../sampler/types.ts';
import type { SpanLimits } from '../span-data.ts';
import type { StartTracingOptions } from '../start-options.ts';
import type { EnvConfig } from './env.ts';
import {
  checkArray,
  checkBoolean,
  checkInteger,
  checkObject,
  checkOneOf,
  checkOptionNames,
  showValue,
} from './options.ts';
import { SAMPLER_ERROR_WORDS } from './variable.ts';

/** The names of `StartTracingOptions`. */
export const START_OPTIONS = [
  'serviceName',
  'serviceVersion',
  'environment',
  'resource',
  'exporter',
  'endpoint',
  'headers',
  'sampler',
  'onSamplerError',
  'propagators',
  'trustIncoming',
  'propagateTo',
  'baggageSpanKeys',
  'exportConcurrency',
  'batch',
  'spool',
  'limits',
  'spanProcessors',
  'idGenerator',
  'flushOnSignal',
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

/** @throws ClewError `CLEW_ERR_OPTION` for an unknown name or a value of the wrong type */
export function checkStartOptions(options: StartTracingOptions): void {
  checkOptionNames('startTracing', options, START_OPTIONS);
  for (const name of ['serviceName', 'serviceVersion', 'environment'] as const) {
    const value: unknown = options[name];
    if (value !== undefined && (typeof value !== 'string' || value === '')) {
      throw new ClewError('CLEW_ERR_OPTION', `${name} must be a text that is not empty, got ${showValue(value)}`);
    }
  }
  const { register, flushOnSignal, spanProcessors } = options;
  checkBoolean('register', register);
  checkBoolean('flushOnSignal', flushOnSignal);
  if (spanProcessors !== undefined && !(Array.isArray(spanProcessors) && spanProcessors.every(isProcessor))) {
    throw new ClewError('CLEW_ERR_OPTION', 'spanProcessors must be an array of objects with onStart and onEnd');
  }
  checkOptionNames('limits', options.limits, LIMIT_OPTIONS);
  for (const name of LIMIT_OPTIONS) {
    if (options.limits?.[name] !== Number.POSITIVE_INFINITY) checkInteger(name, options.limits?.[name], 0);
  }
  checkInteger('exportConcurrency', options.exportConcurrency, 1);
  checkObject('resource', options.resource);
  checkArray('propagators', options.propagators);
  checkIdGenerator(options.idGenerator);
  checkOneOf('onSamplerError', options.onSamplerError, SAMPLER_ERROR_WORDS);
  checkHeaders(options.headers);
}

/** @throws ClewError `CLEW_ERR_OPTION` */
export function resolvePluginDefaults(options: StartTracingOptions, env: EnvConfig): PluginDefaults {
  const trust = checkTrust(options.trustIncoming ?? (env.trustIncoming === 'none' ? 'none' : undefined));
  return {
    isTrusted: options.trustIncoming === 'all' ? undefined : trust,
    mayPropagate: checkPropagateTo(options.propagateTo ?? env.propagateTo),
    baggageSpanKeys: checkBaggageSpanKeys(options.baggageSpanKeys ?? env.baggageSpanKeys),
  };
}

function checkIdGenerator(given: StartTracingOptions['idGenerator']): void {
  if (given === undefined) return;
  const { generateTraceId, generateSpanId } = (given ?? {}) as Partial<NonNullable<typeof given>>;
  if (typeof generateTraceId === 'function' && typeof generateSpanId === 'function') return;
  throw new ClewError(
    'CLEW_ERR_OPTION',
    `idGenerator must have generateTraceId and generateSpanId, got ${showValue(given)}`,
  );
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
