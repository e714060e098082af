/** Running a part of a request in a context. */
import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import test from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { context, createContextKey, ROOT_CONTEXT } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { PluginTracing } from '../src/plugin.ts';
import { startTracing } from '../src/start-tracing.ts';

const KEY = createContextKey('test');
const plugin = new PluginTracing({ name: '@clew/test', version: '0.1.0' });

for (const manager of ['ours', "somebody else's"]) {
  test(`a function runs in its context, and so does what it starts, with ${manager}`, async (t) => {
    if (manager === 'ours') {
      const tracing = startTracing({ serviceName: 'test', exporter: 'none' });
      t.after(() => tracing.shutdown());
    } else {
      context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
      t.after(() => context.disable());
    }
    const inner = plugin.active().setValue(KEY, 'inner');
    const seen = plugin.run(inner, () => {
      const inside = plugin.active().getValue(KEY);
      return Promise.all([inside, nextTurn().then(() => plugin.active().getValue(KEY))]);
    });
    assert.equal(plugin.active().getValue(KEY), undefined);
    assert.deepEqual(await seen, ['inner', 'inner']);
  });
}

test('a function that throws does so to its caller, and leaves the context that was there', (t) => {
  const tracing = startTracing({ serviceName: 'test', exporter: 'none' });
  t.after(() => tracing.shutdown());
  const outer = plugin.active().setValue(KEY, 'outer');
  plugin.run(outer, () => {
    const fail = (): never => {
      throw new Error('boom');
    };
    assert.throws(() => plugin.run(outer.setValue(KEY, 'inner'), fail), /boom/);
    assert.equal(plugin.active().getValue(KEY), 'outer');
    plugin.run(ROOT_CONTEXT, () => assert.equal(plugin.active().getValue(KEY), undefined));
  });
});

test("the application's own storages are inside what they were outside", (t) => {
  const tracing = startTracing({ serviceName: 'test', exporter: 'none' });
  t.after(() => tracing.shutdown());
  const own = new AsyncLocalStorage<string>();
  own.run('request 1', () => {
    const inner = plugin.active().setValue(KEY, 'inner');
    plugin.run(inner, () => {
      assert.equal(own.getStore(), 'request 1');
      own.enterWith('request 1, user 7');
      assert.equal(plugin.active().getValue(KEY), 'inner');
    });
  });
  assert.equal(own.getStore(), undefined);
});
