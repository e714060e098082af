import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';

import { Kafka } from 'kafkajs';
import pg from 'pg';

import { startKafka, startPostgres } from '../src/engines/index.ts';

/** An address where nothing listens: taken, then given back. */
async function deadAddress(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return `127.0.0.1:${port}`;
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => resolve(true));
    socket.once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}

function setVariable(t: { after(fn: () => void): void }, name: string, value: string): void {
  const before = process.env[name];
  process.env[name] = value;
  t.after(() => {
    if (before === undefined) delete process.env[name];
    else process.env[name] = before;
  });
}

test('PostgreSQL answers the queries of several connections until it is closed', async () => {
  const postgres = await startPostgres();
  const pool = new pg.Pool({ connectionString: postgres.connectionString, max: 3 });
  const answers = await Promise.all([1, 2, 3].map((n) => pool.query('SELECT $1::int AS n', [n])));
  assert.deepEqual(
    answers.map((answer) => answer.rows[0].n),
    [1, 2, 3],
  );
  await pool.end();
  await postgres.close();
  await postgres.close();
});

test('Kafka hands a message from a producer to a consumer', async (t) => {
  const engine = await startKafka();
  t.after(engine.close);
  const kafka = new Kafka({ brokers: engine.brokers, logCreator: () => () => {} });
  const topic = `engines-test-${process.pid}`;
  const producer = kafka.producer();
  const consumer = kafka.consumer({ groupId: topic, maxWaitTimeInMs: 50 });
  await Promise.all([producer.connect(), consumer.connect()]);
  await producer.send({ topic, messages: [{ value: 'hello' }] });
  await consumer.subscribe({ topic, fromBeginning: true });
  const received = await new Promise((resolve) => {
    void consumer.run({ eachMessage: async ({ message }) => resolve(String(message.value)) });
  });
  assert.equal(received, 'hello');
  await Promise.all([producer.disconnect(), consumer.disconnect()]);
});

test('an engine neither keeps its program alive nor outlives it', { timeout: 60_000 }, async () => {
  const engines = JSON.stringify(new URL('../src/engines/index.ts', import.meta.url).href);
  const program = `const { startKafka } = await import(${engines}); console.log((await startKafka()).brokers[0]);`;
  const { KAFKA_BROKERS: _given, ...env } = process.env;
  // It never closes the engine, and still ends by itself.
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [[code], output] = await Promise.all([once(child, 'close'), text(child.stdout)]);
  assert.equal(code, 0);
  const port = Number(/^127\.0\.0\.1:(\d+)\n$/.exec(output)?.[1]);
  while (await accepts(port));
});

test('a PostgreSQL server that was named but is away is told in one sentence', async (t) => {
  const address = await deadAddress();
  setVariable(t, 'DATABASE_URL', `postgres://user@${address}/db`);
  const sentence = `PostgreSQL does not answer where DATABASE_URL says it is (${address}: ECONNREFUSED).`;
  await assert.rejects(startPostgres(), { message: sentence });
});

test('DATABASE_URL that is no address is told in one sentence', async (t) => {
  setVariable(t, 'DATABASE_URL', 'somewhere');
  await assert.rejects(startPostgres(), {
    message: 'DATABASE_URL is not of the form postgres://host:port/database.',
  });
});

test('Kafka brokers of which none answers are told in one sentence', async (t) => {
  const address = await deadAddress();
  setVariable(t, 'KAFKA_BROKERS', `${address}, nowhere`);
  const reasons = `${address}: ECONNREFUSED, nowhere: not of the form host:port`;
  await assert.rejects(startKafka(), {
    message: `Kafka does not answer where KAFKA_BROKERS says it is (${reasons}).`,
  });
});

test('one given Kafka broker that answers is enough', async (t) => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const alive = `127.0.0.1:${(server.address() as { port: number }).port}`;
  const dead = await deadAddress();
  setVariable(t, 'KAFKA_BROKERS', `${dead},${alive}`);
  const kafka = await startKafka();
  assert.deepEqual(kafka.brokers, [dead, alive]);
});
