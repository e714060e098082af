/**
 * `npm run load`: Express and Fastify under full load, with callers that leave and a third server behind them. Every
 * answer tells which context its handler saw.
 *
 *   npm run load -- --minutes 30 --callers 32 --seed 7   the long run for the record
 *   npm run load -- --write                              write RESULTS.md as well
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Random } from '../fuzz/random.ts';
import { type Check, equal } from '../soak/checks.ts';
import { type HeapSample, heapSlope, MIN_HEAP_SAMPLES, slopeLimit } from '../soak/heap-slope.ts';
import { positive, printChecks, writeResults } from '../soak/results.ts';
import type { Listening, Reading } from './app.ts';
import { Clients } from './clients.ts';
import { startInner } from './inner-server.ts';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '2' },
    callers: { type: 'string', default: '32' },
    seed: { type: 'string' },
    write: { type: 'boolean', default: false },
  },
});
const minutes = positive('minutes', values.minutes);
const callers = positive('callers', values.callers);
const seed = values.seed === undefined ? Math.floor(Math.random() * 2 ** 32) : positive('seed', values.seed);
console.log(`seed ${seed}`);

const runMs = minutes * 60_000;
const warmUpMs = Math.min(runMs / 3, 3 * 60_000);
const roundMs = Math.max(2000, runMs / 200);
const random = new Random(seed);
const inner = await startInner(random);
const app = fork(new URL('./app.ts', import.meta.url), [JSON.stringify({ innerUrl: inner.url })], {
  execArgv: ['--conditions=clew-source', '--expose-gc'],
});
const fell = once(app, 'exit').then(([code, signal]): never => {
  throw new Error(`the applications ended with ${code ?? signal}`);
});
const listening = await next<Listening>();
const clients = [new Clients(listening.express, random), new Clients(listening.fastify, random)] as const;

const heap: HeapSample[] = [];
const startMs = performance.now();
let first: Reading | undefined;
let last = await settle();
while (performance.now() - startMs < runMs) {
  for (const each of clients) each.start(callers);
  await Promise.race([sleep(roundMs), fell]);
  await Promise.race([Promise.all(clients.map((each) => each.pause())), fell]);
  last = await settle();
  const atMs = performance.now();
  if (atMs - startMs < warmUpMs) continue;
  first ??= last;
  heap.push({ atMs, bytes: last.heapBytes });
}
const checks = judge();
fell.catch(() => {});
app.disconnect();
inner.server.close();
for (const each of clients) each.close();
const results = printChecks(checks);
const figures = figuresOf();
for (const [key, value] of figures) console.log(`      ${key.padEnd(40)} ${value}`);
if (values.write) {
  const command = `npm run load -- --minutes ${minutes} --callers ${callers} --seed ${seed} --write`;
  writeResults(new URL('./RESULTS.md', import.meta.url), { title: 'Load results', command, figures, rows: results });
}
const passed = results.filter(({ ok }) => ok).length;
console.log(`${passed} passed, ${results.length - passed} failed`);
process.exit(passed === results.length ? 0 : 1);

/** The next message of the applications. */
async function next<T>(): Promise<T> {
  const [message] = await Promise.race([once(app, 'message'), fell]);
  // The applications send where they listen, and then one reading for each question.
  return message as T;
}

/** Ask until every request is over: callers that left do not wait for that. */
async function settle(): Promise<Reading> {
  for (let tries = 0; ; tries++) {
    app.send('read');
    const reading = await next<Reading>();
    const { SERVER = 0, CLIENT = 0 } = reading.spans;
    const isOver = reading.open === 0 && SERVER >= reading.requests && CLIENT >= reading.fetches;
    if (isOver || tries === 50) return reading;
    await sleep(100);
  }
}

function judge(): Check[] {
  const [ofExpress, ofFastify] = clients.map(({ seen }) => seen);
  const { listeners: before } = first ?? last;
  const { listeners: after, spans, requests, fetches, stats, strangeSpans, warnings } = last;
  const slope = heapSlope(heap);
  const limit = slopeLimit(heap);
  const [exporter] = stats.exporters;
  return [
    ...[ofExpress, ofFastify].flatMap((seen, i) => {
      const name = ['Express', 'Fastify'][i];
      const [answers, aborted] = [seen?.answers ?? 0, seen?.aborted ?? 0];
      return [
        {
          name: `${name} answered, and callers left`,
          ok: answers > 100 && aborted > 10,
          saw: `${answers}, ${aborted}`,
        },
        { name: `${name}: wrong answers`, ok: seen?.wrong === 0, saw: `${seen?.wrong} ${seen?.first ?? ''}` },
      ];
    }),
    equal('a SERVER span for each request, left ones included', spans.SERVER, requests),
    equal('a CLIENT span for each call of fetch', spans.CLIENT, fetches),
    equal('spans written on by the handler of another request', strangeSpans, 0),
    equal('spans given to the exporter', exporter?.accepted, requests + fetches),
    equal('spans dropped', exporter?.dropped, {}),
    equal('requests that are still open', last.open, 0),
    equal('listeners on process and servers', [after.process, after.servers], [before.process, before.servers]),
    { name: 'listeners on a socket', ok: after.socket <= before.socket, saw: `${before.socket}, then ${after.socket}` },
    equal('warnings of Node.js', warnings, []),
    {
      name: `the heap grows by less than ${limit.toFixed(1)} MB in 10 minutes`,
      ok: heap.length >= MIN_HEAP_SAMPLES && slope < limit,
      saw: `${slope.toFixed(2)} MB in 10 minutes, ${heap.length} readings of ${MIN_HEAP_SAMPLES} at least`,
    },
  ];
}

function figuresOf(): Array<[name: string, value: string]> {
  const sum = (key: 'answers' | 'aborted' | 'wrong'): string =>
    String(clients.reduce((total, { seen }) => total + seen[key], 0));
  return [
    ['answers looked at', sum('answers')],
    ['of them wrong', sum('wrong')],
    ['requests that callers left', sum('aborted')],
    ['SERVER spans', String(last.spans.SERVER)],
    ['CLIENT spans', String(last.spans.CLIENT)],
    ['heap after warm-up', `${((heap[0]?.bytes ?? 0) / 2 ** 20).toFixed(2)} MB`],
    ['heap at the end', `${((heap.at(-1)?.bytes ?? 0) / 2 ** 20).toFixed(2)} MB`],
    ['heap slope', `${heapSlope(heap).toFixed(3)} MB in 10 minutes`],
  ];
}
