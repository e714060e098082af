/** The resource: who makes the spans. What has to be waited for joins it once, before the first batch leaves. */
import type { Attributes, AttributeValue } from '@opentelemetry/api';
import type { EnvConfig } from './config/env.ts';
import type { SpanResource } from './export/readable-span.ts';
import { describeError, reportFault } from './faults.ts';
import { detectLater, detectResource } from './resource-detectors.ts';
import { VERSION } from './version.ts';

const DEFAULT_SERVICE_NAME = 'unknown_service:node';

/**
 * A set of attributes, in the shape that the official SDK's exporters (2.x and 3.x) read.
 * Values are strings, booleans, numbers and arrays of these; anything else is left out.
 */
export class Resource implements SpanResource {
  readonly schemaUrl: string | undefined;
  #attributes: Attributes;
  #pending: Promise<void> | undefined;

  /** @param later  what takes the place of `attributes` when it is known; must not reject */
  constructor(attributes: Attributes, schemaUrl?: string, later?: Promise<Attributes>) {
    this.#attributes = usable(attributes);
    this.schemaUrl = schemaUrl;
    this.#pending = later?.then((all) => {
      this.#attributes = usable(all);
      this.#pending = undefined;
    });
  }

  /** Frozen. While `asyncAttributesPending` is true some may be missing. */
  get attributes(): Attributes {
    return this.#attributes;
  }

  /** Whether something is still being detected. */
  get asyncAttributesPending(): boolean {
    return this.#pending !== undefined;
  }

  /** Resolves when `attributes` is complete. */
  waitForAsyncAttributes(): Promise<void> {
    return this.#pending ?? Promise.resolve();
  }

  /** Attributes as pairs, as the official SDK's own `merge` reads them. */
  getRawAttributes(): Array<[string, AttributeValue | undefined]> {
    return Object.entries(this.attributes);
  }

  /** A new resource with the attributes of both; those of the other win. Two different schema URLs give none. */
  merge(other: SpanResource | null | undefined): Resource {
    if (other === null || other === undefined) return this;
    const both = (): Attributes => fromEntries(this.attributes, other.attributes);
    return new Resource(both(), mergeSchemaUrl(this.schemaUrl, other.schemaUrl), settled(this, other)?.then(both));
  }
}

/** What code says about the resource. */
export interface ResourceInCode {
  serviceName?: string | undefined;
  serviceVersion?: string | undefined;
  /** `deployment.environment.name` */
  environment?: string | undefined;
  /** Whether `environment` is also written under its older name `deployment.environment`. Default false. */
  hasOlderEnvironment?: boolean | undefined;
  /** Attributes, or a resource of the official SDK. */
  attributes?: Attributes | SpanResource | undefined;
}

/**
 * Make the resource of a process. Later ones win: defaults, detectors, `OTEL_RESOURCE_ATTRIBUTES`, `OTEL_SERVICE_NAME`,
 * code; in code the options of their own beat `attributes`.
 *
 * @param sources.env   from `readEnvironment(…).resource`
 * @param sources.code  what `startTracing` was given
 */
export function createResource(sources: { env: EnvConfig['resource']; code?: ResourceInCode }): Resource {
  const { env, code = {} } = sources;
  const given = code.attributes;
  const now = detectResource(env.detectors);
  const compose = (found: Attributes): Attributes => composeAttributes(env, code, found);
  const schemaUrl = isResource(given) ? given.schemaUrl : undefined;
  const later = detectLater(env.detectors);
  const givenLater = isResource(given) ? settled(given) : undefined;
  if (later === undefined && givenLater === undefined) return new Resource(compose(now), schemaUrl);
  const all = Promise.all([later, givenLater]).then(([found]) => compose({ ...now, ...found }));
  return new Resource(compose(now), schemaUrl, all);
}

function composeAttributes(env: EnvConfig['resource'], code: ResourceInCode, detected: Attributes): Attributes {
  const given = code.attributes;
  return fromEntries(
    {
      'service.name': DEFAULT_SERVICE_NAME,
      'telemetry.sdk.name': 'clew',
      'telemetry.sdk.language': 'nodejs',
      'telemetry.sdk.version': VERSION,
    },
    detected,
    // As in the official SDK, the attributes of the environment are a detector that can be left out.
    env.detectors.includes('env') ? env.attributes : {},
    { 'service.name': env.serviceName },
    isResource(given) ? knownAttributes(given) : (given ?? {}),
    {
      'service.name': code.serviceName,
      'service.version': code.serviceVersion,
      'deployment.environment.name': code.environment,
      'deployment.environment': code.hasOlderEnvironment === true ? code.environment : undefined,
    },
  );
}

/** A resource and not plain attributes, which have no methods. */
function isResource(given: Attributes | SpanResource | undefined): given is SpanResource {
  return (
    typeof given?.waitForAsyncAttributes === 'function' || typeof (given as Partial<Resource>)?.merge === 'function'
  );
}

// The official SDK logs an error when `attributes` is read too early, and keeps promises among the raw ones; these are
// left out with all that is no simple value. Of two with the same key the first one counts there.
function knownAttributes(given: SpanResource): Attributes {
  const { getRawAttributes } = given as Partial<Resource>;
  if (given.asyncAttributesPending !== true || getRawAttributes === undefined) return given.attributes;
  return Object.fromEntries(getRawAttributes.call(given as Resource).toReversed());
}

/** Resolves when none of them is detecting any more; `undefined` when none is. Never rejects. */
function settled(...resources: readonly SpanResource[]): Promise<void> | undefined {
  const pending = resources.filter(({ asyncAttributesPending }) => asyncAttributesPending === true);
  if (pending.length === 0) return undefined;
  const waits = pending.map((resource) => Promise.resolve(resource.waitForAsyncAttributes?.()));
  return Promise.all(waits).then(
    () => {},
    (error: unknown) => reportFault('resource_detector_threw', `a resource given in code: ${describeError(error)}`),
  );
}

function fromEntries(...parts: Attributes[]): Attributes {
  // Pairs instead of spread objects: `__proto__` is an ordinary key here.
  const given = parts.flatMap((part) => Object.entries(part)).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given);
}

function usable(attributes: Attributes): Attributes {
  const kept = Object.entries(attributes).filter(([key, value]) => key !== '' && isUsable(value));
  return Object.freeze(Object.fromEntries(kept.map(([key, value]) => [key, copyOf(value)])));
}

function isUsable(value: unknown): boolean {
  return Array.isArray(value) ? value.every((item) => item === null || isScalar(item)) : isScalar(value);
}

function isScalar(value: unknown): boolean {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
}

function copyOf(value: AttributeValue | undefined): AttributeValue | undefined {
  // The cast holds: a copy has the elements of what it was made from.
  return Array.isArray(value) ? (value.slice() as AttributeValue) : value;
}

function mergeSchemaUrl(ours: string | undefined, theirs: string | undefined): string | undefined {
  if (ours === undefined || ours === '') return theirs;
  if (theirs === undefined || theirs === '' || ours === theirs) return ours;
  return undefined;
}
