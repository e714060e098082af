/** The options about metrics and optional attributes: what is refused, and what holds without them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isClewError } from '../../src/errors.ts';
import { checkClientOptions } from '../../src/http/client-options.ts';
import { checkServerOptions } from '../../src/http/server-options.ts';

const BOTH: Array<[given: object, message: RegExp]> = [
  [{ meterProvider: {} }, /meterProvider must be a meter provider, got an object/],
  [{ meterProvider: null }, /meterProvider must be a meter provider, got null/],
  [{ durationMetric: 1 }, /durationMetric must be true or false, got 1/],
  [{ activeRequestsMetric: 'yes' }, /activeRequestsMetric must be true or false, got "yes"/],
  [{ activeRequestMetric: true }, /did you mean "activeRequestsMetric"\?/],
];
const SERVER: Array<[given: object, message: RegExp]> = [
  [{ optionalAttributes: 'client.port' }, /optionalAttributes must be an array, got "client.port"/],
  [{ optionalAttributes: ['client.ports'] }, /an attribute in optionalAttributes must be one of .*got "client.ports"/],
  [{ optionalAttributes: [undefined] }, /an attribute in optionalAttributes must be one of .*got null/],
];

for (const [side, check, rows] of [
  ['server', checkServerOptions, [...BOTH, ...SERVER]],
  ['client', checkClientOptions, BOTH],
] as const) {
  for (const [given, message] of rows) {
    test(`refused of a ${side}: ${message.source}`, () => {
      assert.throws(
        () => check('plugin', given as never),
        (error: Error) => {
          assert.ok(isClewError(error));
          assert.equal(error.code, 'CLEW_ERR_OPTION');
          assert.match(error.message, message);
          return true;
        },
      );
    });
  }

  test(`a ${side} measures durations and no active requests unless it is told otherwise`, () => {
    const { durationMetric, activeRequestsMetric, meterProvider } = check('plugin');
    assert.deepEqual([durationMetric, activeRequestsMetric, meterProvider], [true, false, undefined]);
  });
}
