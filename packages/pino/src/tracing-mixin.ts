/** The mixin that gives every log line the ids of the span that is active when it is written. */
import { activeSpanContext, checkOptionNames, ClewError, describeError, reportFault } from '@clew/core';
import { bindingTest } from './bindings.ts';
import { correlationFields, DEFAULT_FIELDS, type FieldNames } from './fields.ts';
import type { Mixin, TracingMixinOptions } from './types.ts';

/**
 * A `mixin` for pino's options.
 *
 * @param userMixin  a mixin of your own; its fields are added, and win over ours. If it throws, the line is written
 *   without its fields and the fault is reported
 * @param options    field names
 * @returns a function for `pino({ mixin })`; it never throws
 * @throws ClewError `CLEW_ERR_OPTION` for a mixin that is no function, or a wrong option
 */
export function tracingMixin(userMixin?: Mixin, options: TracingMixinOptions = {}): Mixin {
  if (userMixin !== undefined && typeof userMixin !== 'function') {
    throw new ClewError('CLEW_ERR_OPTION', `the mixin must be a function, got ${typeof userMixin}`);
  }
  const names = fieldNames(options);
  const isBound = bindingTest(names.traceId);
  return (mergeObject, level, logger) => {
    const fields = isBound(logger) ? {} : ownFields(names);
    if (userMixin === undefined) return fields;
    try {
      return Object.assign(fields, userMixin(mergeObject, level, logger));
    } catch (error) {
      reportFault('hook_threw', `the mixin given to tracingMixin threw: ${describeError(error)}`);
      return fields;
    }
  };
}

// A mixin that throws makes the log call throw, so nothing may pass here.
function ownFields(names: FieldNames): Record<string, unknown> {
  try {
    return correlationFields(activeSpanContext(), names);
  } catch (error) {
    reportFault('context_threw', `the active span could not be read: ${describeError(error)}`);
    return {};
  }
}

function fieldNames(options: TracingMixinOptions): FieldNames {
  checkOptionNames('tracingMixin', options, ['fields']);
  checkOptionNames('fields', options.fields, Object.keys(DEFAULT_FIELDS));
  for (const [name, value] of Object.entries(options.fields ?? {})) {
    if (typeof value !== 'string' || value === '') {
      throw new ClewError('CLEW_ERR_OPTION', `fields.${name} must be a text that is not empty, got ${String(value)}`);
    }
  }
  return options.fields === undefined ? DEFAULT_FIELDS : { ...DEFAULT_FIELDS, ...options.fields };
}
