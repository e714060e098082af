import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  checkArray,
  checkBoolean,
  checkFunction,
  checkInteger,
  checkNumber,
  checkObject,
  checkOneOf,
  checkOptionNames,
  checkString,
  nearestName,
  showValue,
} from '../src/config/options.ts';

const KNOWN = ['serviceName', 'endpoint', 'maxQueueSpans', 'sampler', 'batch'];

const MISSPELT: Array<[given: string, nearest: string | undefined]> = [
  ['servicename', 'serviceName'],
  ['service_name', 'serviceName'],
  ['servicNeame', 'serviceName'],
  ['endPoint', 'endpoint'],
  ['enpdoint', 'endpoint'],
  ['maxQueueSpan', 'maxQueueSpans'],
  ['samplers', 'sampler'],
  ['bach', 'batch'],
  ['protocol', undefined],
  ['x', undefined],
  ['', undefined],
];
for (const [given, nearest] of MISSPELT) {
  test(`the option ${JSON.stringify(given)} is answered with ${nearest ?? 'the list'}`, () => {
    assert.equal(nearestName(given, KNOWN), nearest);
    const message = nearest === undefined ? `known are: ${KNOWN.join(', ')}` : `did you mean "${nearest}"?`;
    assert.throws(() => checkOptionNames('startTracing', { [given]: 1 }, KNOWN), {
      code: 'CLEW_ERR_OPTION',
      message: `startTracing has no option ${JSON.stringify(given)}, ${message}`,
    });
  });
}

test('known options pass, and so do no options', () => {
  checkOptionNames('startTracing', { endpoint: 'x', sampler: undefined }, KNOWN);
  checkOptionNames('startTracing', {}, KNOWN);
  checkOptionNames('startTracing', undefined, KNOWN);
});

test('names of Object.prototype are unknown options', () => {
  assert.throws(() => checkOptionNames('x', JSON.parse('{"__proto__":1}'), KNOWN), { code: 'CLEW_ERR_OPTION' });
  assert.throws(() => checkOptionNames('x', { constructor: 1 }, KNOWN), { code: 'CLEW_ERR_OPTION' });
});

for (const [given, shown] of [
  [null, 'null'],
  ['text', '"text"'],
  [[1, 2], 'an array of 2'],
  [7, '7'],
] as const) {
  test(`${shown} is no options object`, () => {
    assert.throws(() => checkOptionNames('tracePool', given, KNOWN), {
      code: 'CLEW_ERR_OPTION',
      message: `the options of tracePool must be an object, got ${shown}`,
    });
  });
}

const REFUSED: Array<[check: () => unknown, message: string]> = [
  [() => checkInteger('maxQueueSpans', 0, 1), 'maxQueueSpans must be an integer of 1 or more, got 0'],
  [() => checkInteger('n', 1.5, 1), 'n must be an integer of 1 or more, got 1.5'],
  [() => checkInteger('n', '5', 1), 'n must be an integer of 1 or more, got "5"'],
  [() => checkInteger('n', Number.NaN, 1), 'n must be an integer of 1 or more, got NaN'],
  [() => checkInteger('n', 2 ** 53, 1), 'n must be an integer of 1 or more, got 9007199254740992'],
  [() => checkInteger('n', null, 1), 'n must be an integer of 1 or more, got null'],
  [() => checkInteger('n', 5n, 1), 'n must be an integer of 1 or more, got 5n'],
  [() => checkInteger('n', 11, 1, 10), 'n must be an integer from 1 to 10, got 11'],
  [() => checkNumber('r', 1.01, 0, 1), 'r must be a number from 0 to 1, got 1.01'],
  [() => checkNumber('r', Number.NaN, 0), 'r must be a number of 0 or more, got NaN'],
  [() => checkNumber('r', Number.POSITIVE_INFINITY, 0), 'r must be a number of 0 or more, got Infinity'],
  [() => checkBoolean('b', 'true'), 'b must be true or false, got "true"'],
  [() => checkBoolean('b', 0), 'b must be true or false, got 0'],
  [() => checkString('s', ''), 's must be a string that is not empty, got ""'],
  [() => checkString('s', 7), 's must be a string that is not empty, got 7'],
  [() => checkOneOf('c', 'gzp', ['none', 'gzip']), 'c must be one of none, gzip, got "gzp", did you mean "gzip"?'],
  [() => checkOneOf('c', 1, ['none', 'gzip']), 'c must be one of none, gzip, got 1'],
  [() => checkFunction('f', 'x' as never), 'f must be a function, got "x"'],
  [() => checkObject('o', [] as never), 'o must be an object, got an array of 0'],
  [() => checkObject('o', null as never), 'o must be an object, got null'],
  [() => checkArray('a', {} as never), 'a must be an array, got an object'],
];
for (const [check, message] of REFUSED) {
  test(`refused: ${message}`, () => {
    assert.throws(check, { code: 'CLEW_ERR_OPTION', message });
  });
}

test('accepted values come back, bounds included', () => {
  const fn = (): void => {};
  const object = {};
  const array = [1];
  assert.equal(checkInteger('n', 1, 1, 10), 1);
  assert.equal(checkInteger('n', 10, 1, 10), 10);
  assert.equal(checkNumber('r', 0, 0, 1), 0);
  assert.equal(checkNumber('r', 1, 0, 1), 1);
  assert.equal(checkBoolean('b', false), false);
  assert.equal(checkString('s', 'x'), 'x');
  assert.equal(checkOneOf('c', 'gzip', ['none', 'gzip']), 'gzip');
  assert.equal(checkFunction('f', fn), fn);
  assert.equal(checkObject('o', object), object);
  assert.equal(checkArray('a', array), array);
});

test('an option that is not given comes back as undefined', () => {
  assert.deepEqual(
    [checkInteger('n', undefined, 1), checkNumber('n', undefined, 1), checkBoolean('n', undefined)],
    [undefined, undefined, undefined],
  );
  assert.equal(checkString('n', undefined), undefined);
  assert.equal(checkOneOf('n', undefined, ['x']), undefined);
  assert.equal(checkFunction('n', undefined), undefined);
  assert.equal(checkObject('n', undefined), undefined);
  assert.equal(checkArray('n', undefined), undefined);
});

test('a value is shown without reading from it, and not whole when it is long', () => {
  const hostile = new Proxy({}, { get: () => assert.fail('read'), ownKeys: () => assert.fail('listed') });
  assert.equal(showValue(hostile), 'an object');
  assert.equal(showValue(Symbol('s')), 'Symbol(s)');
  assert.equal(
    showValue(() => 1),
    'a function',
  );
  assert.equal(showValue('x'.repeat(81)), `"${'x'.repeat(80)}…"`);
  assert.equal(showValue('x'.repeat(80)), `"${'x'.repeat(80)}"`);
  assert.equal(showValue('a\nb'), '"a\\nb"');
});
