import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';

import pg from 'pg';
import { request } from 'undici';

import { startChild } from '../src/child.ts';

async function startPeers(t: TestContext): Promise<Record<string, string>> {
  const peers = await startChild({ script: new URL('../src/service/peers.ts', import.meta.url), core: undefined });
  t.after(() => peers.stop());
  return (await peers.ask('addresses')) as Record<string, string>; // What peers.ts answers: two URLs.
}

test('the stand-in for the database gives pg the rows that the real one would', async (t) => {
  const { databaseUrl } = await startPeers(t);
  const pool = new pg.Pool({ connectionString: databaseUrl });
  const [users, orders] = await Promise.all([
    pool.query('SELECT id, name, email FROM clew_bench_users WHERE id = $1', [7]),
    pool.query('SELECT id, total FROM clew_bench_orders WHERE user_id = $1', [7]),
  ]);
  await pool.end();
  assert.deepEqual(users.rows, [{ id: 7, name: 'user 7', email: 'user7@example.org' }]);
  assert.deepEqual(orders.rows, [
    { id: 21, total: 147 },
    { id: 22, total: 154 },
    { id: 23, total: 161 },
  ]);
  assert.deepEqual([orders.command, orders.rowCount], ['SELECT', 3]);
});

test('the service that is asked gives each request a price', async (t) => {
  const { targetUrl } = await startPeers(t);
  const answers = await Promise.all([1, 2, 3].map((id) => request(`${targetUrl}/prices/${id}`)));
  for (const { statusCode, body } of answers) {
    assert.equal(statusCode, 200);
    assert.equal(((await body.json()) as { amount: number }).amount, 1299); // As peers.ts writes it.
  }
});
