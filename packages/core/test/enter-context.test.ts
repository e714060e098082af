/** Entering a context without a function to run in it. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { context, createContextKey } from '@opentelemetry/api';
import { PluginTracing } from '../src/plugin.ts';
import { startTracing } from '../src/start-tracing.ts';

const KEY = createContextKey('test');
const plugin = new PluginTracing({ name: '@clew/test', version: '0.1.0' });

test('a context that was entered is active until it is left, and in what started meanwhile', async (t) => {
  const tracing = startTracing({ serviceName: 'test', exporter: 'none' });
  t.after(() => tracing.shutdown());
  const outer = plugin.active().setValue(KEY, 'outer');
  const seen = await plugin.run(outer, () => {
    const leave = plugin.enter(plugin.active().setValue(KEY, 'inner'));
    const inside = plugin.active().getValue(KEY);
    const later = nextTurn().then(() => plugin.active().getValue(KEY));
    leave?.();
    return Promise.all([inside, later, plugin.active().getValue(KEY)]);
  });
  assert.deepEqual(seen, ['inner', 'inner', 'outer']);
  assert.equal(plugin.active().getValue(KEY), undefined);
});

test("the context manager of somebody else cannot be entered, and says so by 'undefined'", (t) => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  t.after(() => context.disable());
  const leave = plugin.enter(plugin.active().setValue(KEY, 'inner'));
  assert.equal(leave, undefined);
  assert.equal(plugin.active().getValue(KEY), undefined);
});
