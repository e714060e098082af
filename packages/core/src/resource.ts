/** The resource: who makes the spans. It is complete when tracing starts and never changes. */
import type { Attributes, AttributeValue } from '@opentelemetry/api';
import type { EnvConfig } from './config/env.ts';
import type { SpanResource } from './export/readable-span.ts';
import { detectResource } from './resource-detectors.ts';
import { VERSION } from './version.ts';

const DEFAULT_SERVICE_NAME = 'unknown_service:node';

/**
 * An immutable set of attributes, in the shape that the official SDK's exporters (2.x and 3.x) read.
 * Values are strings, booleans, numbers and arrays of these; anything else is left out.
 */
export class Resource implements SpanResource {
  readonly attributes: Attributes;
  readonly schemaUrl: string | undefined;
  /** Always false: nothing is detected asynchronously. */
  readonly asyncAttributesPending: boolean = false;

  constructor(attributes: Attributes, schemaUrl?: string) {
    const usable = Object.entries(attributes).filter(([key, value]) => key !== '' && isUsable(value));
    this.attributes = Object.freeze(Object.fromEntries(usable.map(([key, value]) => [key, copyOf(value)])));
    this.schemaUrl = schemaUrl;
  }

  /** Resolves at once. */
  waitForAsyncAttributes(): Promise<void> {
    return Promise.resolve();
  }

  /** Attributes as pairs, as the official SDK's own `merge` reads them. */
  getRawAttributes(): Array<[string, AttributeValue | undefined]> {
    return Object.entries(this.attributes);
  }

  /** A new resource with the attributes of both; those of the other win. Two different schema URLs give none. */
  merge(other: SpanResource | null | undefined): Resource {
    if (other === null || other === undefined) return this;
    const attributes = Object.fromEntries([...Object.entries(this.attributes), ...Object.entries(other.attributes)]);
    return new Resource(attributes, mergeSchemaUrl(this.schemaUrl, other.schemaUrl));
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
  attributes?: Attributes | undefined;
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
  return new Resource(
    fromEntries(
      {
        'service.name': DEFAULT_SERVICE_NAME,
        'telemetry.sdk.name': 'clew',
        'telemetry.sdk.language': 'nodejs',
        'telemetry.sdk.version': VERSION,
      },
      detectResource(env.detectors),
      // As in the official SDK, the attributes of the environment are a detector that can be left out.
      env.detectors.includes('env') ? env.attributes : {},
      { 'service.name': env.serviceName },
      code.attributes ?? {},
      {
        'service.name': code.serviceName,
        'service.version': code.serviceVersion,
        'deployment.environment.name': code.environment,
        'deployment.environment': code.hasOlderEnvironment === true ? code.environment : undefined,
      },
    ),
  );
}

function fromEntries(...parts: Attributes[]): Attributes {
  // Pairs instead of spread objects: `__proto__` is an ordinary key here.
  const given = parts.flatMap((part) => Object.entries(part)).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given);
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
