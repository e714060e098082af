/**
 * The environment variables that Clew reads, as a table: the reader takes type and default from it, and a test compares
 * it with docs/configuration.md.
 */
import { PROPAGATOR_NAMES } from '../propagation/composite.ts';
import { EXPORTER_VARIABLES, TRANSPORT_VARIABLES } from './exporter-variables.ts';
import { OWN_VARIABLES } from './own-variables.ts';
import {
  DETECTOR_NAMES,
  EXPORTER_NAMES,
  LOG_LEVELS,
  SAMPLER_NAMES,
  UNSUPPORTED_EXPORTERS,
  UNSUPPORTED_SAMPLERS,
  type Variable,
} from './variable.ts';

const GENERAL: readonly Variable[] = [
  {
    name: 'OTEL_SDK_DISABLED',
    type: 'boolean',
    default: false,
    note: 'No spans are made; incoming context is still passed on.',
  },
  {
    name: 'OTEL_SERVICE_NAME',
    type: 'string',
    default: 'unknown_service:node',
    note: 'The resource attribute `service.name`; beats the one in `OTEL_RESOURCE_ATTRIBUTES`.',
  },
  {
    name: 'OTEL_RESOURCE_ATTRIBUTES',
    type: 'pairs',
    default: undefined,
    note: 'Resource attributes; those given in code win.',
  },
  {
    name: 'OTEL_NODE_RESOURCE_DETECTORS',
    type: 'list',
    values: [...DETECTOR_NAMES, 'all'],
    default: 'all',
    note: 'What is found out about the process and its host.',
  },
  {
    name: 'OTEL_LOG_LEVEL',
    type: 'enum',
    values: LOG_LEVELS,
    default: 'warn',
    note: "How much Clew's own messages on stderr tell, unless the application set a `diag` logger.",
  },
  {
    name: 'OTEL_PROPAGATORS',
    type: 'list',
    values: PROPAGATOR_NAMES,
    default: 'tracecontext,baggage',
    note: 'The header formats that are read and written, in this order; the first that finds a trace wins.',
  },
  {
    name: 'OTEL_TRACES_SAMPLER',
    type: 'enum',
    values: SAMPLER_NAMES,
    unsupported: UNSUPPORTED_SAMPLERS,
    default: 'parentbased_always_on',
    note: 'Which traces are recorded.',
  },
  {
    name: 'OTEL_TRACES_SAMPLER_ARG',
    type: 'number',
    default: 1,
    min: 0,
    max: 1,
    note: 'The share of traces for `traceidratio` and `parentbased_traceidratio`; not read for other samplers.',
  },
  {
    name: 'OTEL_TRACES_EXPORTER',
    type: 'list',
    values: EXPORTER_NAMES,
    unsupported: UNSUPPORTED_EXPORTERS,
    default: 'otlp',
    note: 'Where spans go.',
  },
  {
    name: 'OTEL_SEMCONV_STABILITY_OPT_IN',
    type: 'string',
    default: undefined,
    note: 'With `http/dup`, `database/dup` or `messaging/dup` spans carry the older attribute names too.',
  },
  {
    name: 'OTEL_SEMCONV_EXCEPTION_SIGNAL_OPT_IN',
    type: 'string',
    default: undefined,
    note: 'With `logs` the HTTP plugins record exceptions as log records instead of span events, with `logs/dup` as both.',
  },
  {
    name: 'OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS',
    type: 'texts',
    default: undefined,
    note: 'The HTTP methods that are recorded by name, in place of the standard ones.',
  },
  {
    name: 'OTEL_CONFIG_FILE',
    type: 'path',
    default: undefined,
    note: 'Not read: it is reported, and the other variables hold.',
  },
  {
    name: 'OTEL_EXPERIMENTAL_CONFIG_FILE',
    type: 'path',
    default: undefined,
    note: 'The older name of it; not read either.',
  },
];

const BATCHES: readonly Variable[] = [
  {
    name: 'OTEL_BSP_SCHEDULE_DELAY',
    type: 'duration',
    default: 5000,
    note: 'Longest wait before a partly filled batch is sent.',
  },
  {
    name: 'OTEL_BSP_EXPORT_TIMEOUT',
    type: 'timeout',
    default: 30000,
    note: 'Longest time for one export.',
  },
  {
    name: 'OTEL_BSP_MAX_QUEUE_SIZE',
    type: 'integer',
    min: 1,
    default: 2048,
    note: 'Spans that wait at most; further ones are dropped and counted. At the default they wait in the store of `batch.retryMaxBytes` instead.',
  },
  {
    name: 'OTEL_BSP_MAX_EXPORT_BATCH_SIZE',
    type: 'integer',
    min: 1,
    default: 512,
    note: 'Spans in one export; lowered to the queue size when it is larger. Over HTTP the default grows to 2048 while spans end fast or the backend is slow.',
  },
];

const LIMITS: readonly Variable[] = [
  {
    name: 'OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT',
    type: 'integer',
    default: undefined,
    note: 'Longest text of an attribute, in characters; longer ones are cut. No limit by default.',
  },
  {
    name: 'OTEL_ATTRIBUTE_COUNT_LIMIT',
    type: 'integer',
    default: 128,
    note: 'Attributes of a span, event or link, unless a limit of their own is set.',
  },
  {
    name: 'OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT',
    type: 'integer',
    default: undefined,
    note: 'Beats `OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT`.',
  },
  {
    name: 'OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT',
    type: 'integer',
    default: 128,
    note: 'Attributes of a span; beats `OTEL_ATTRIBUTE_COUNT_LIMIT`.',
  },
  { name: 'OTEL_SPAN_EVENT_COUNT_LIMIT', type: 'integer', default: 128, note: 'Events of a span.' },
  { name: 'OTEL_SPAN_LINK_COUNT_LIMIT', type: 'integer', default: 128, note: 'Links of a span.' },
  {
    name: 'OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT',
    type: 'integer',
    default: 128,
    note: 'Attributes of an event; beats `OTEL_ATTRIBUTE_COUNT_LIMIT`.',
  },
  {
    name: 'OTEL_LINK_ATTRIBUTE_COUNT_LIMIT',
    type: 'integer',
    default: 128,
    note: 'Attributes of a link; beats `OTEL_ATTRIBUTE_COUNT_LIMIT`.',
  },
];

/** Every variable, in the order of the documentation. */
export const VARIABLES: readonly Variable[] = [
  ...GENERAL,
  ...BATCHES,
  ...LIMITS,
  ...EXPORTER_VARIABLES,
  ...TRANSPORT_VARIABLES,
  ...OWN_VARIABLES,
];

/** The default of a variable, by its name. */
export function defaultOf(name: string): Variable['default'] {
  return VARIABLES.find((variable) => variable.name === name)?.default;
}
