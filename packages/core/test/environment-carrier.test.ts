import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { baggageOf, ROOT } from '../src/context.ts';
import { environmentGetter, environmentSetter, headerGetter } from '../src/propagation/carrier.ts';
import { createPropagator } from '../src/propagation/composite.ts';

const VALID = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

test('a child process finds its parent in the environment', () => {
  const propagator = createPropagator(['tracecontext', 'baggage']);
  const context = propagator.extract(ROOT, { traceparent: VALID, tracestate: 'a=1', baggage: 'k=v' }, headerGetter);
  const env: NodeJS.ProcessEnv = {};
  propagator.inject(context, env, environmentSetter);
  assert.deepEqual(env, { TRACEPARENT: VALID, TRACESTATE: 'a=1', BAGGAGE: 'k=v' });

  const child = execFileSync(process.execPath, ['-p', 'JSON.stringify(process.env)'], { env, encoding: 'utf8' });
  const extracted = propagator.extract(ROOT, JSON.parse(child) as NodeJS.ProcessEnv, environmentGetter);
  assert.equal(baggageOf(extracted)?.getEntry('k')?.value, 'v');
  const again: NodeJS.ProcessEnv = {};
  propagator.inject(extracted, again, environmentSetter);
  assert.deepEqual(again, env);
});

test('names are written in upper case, with an underscore for what is no letter or digit', () => {
  const env: NodeJS.ProcessEnv = {};
  environmentSetter.set(env, 'x-b3-traceid', '1');
  assert.deepEqual(env, { X_B3_TRACEID: '1' });
  assert.equal(environmentGetter.get(env, 'x-b3-traceid'), '1');
  assert.deepEqual(environmentGetter.keys(env), ['X_B3_TRACEID']);
});
