// Feed the propagators, the API and the encoders with what networks and applications can bring.
//
//   npm run fuzz                                  the full figures, on all processors
//   npm run fuzz -- --seed 7                      another run
//   npm run fuzz -- --headers 1000 --api 0 --spans 0 --first 500
//
// The last line is "N passed, N failed". A failure prints the seed, the smallest case and how to repeat it.
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import { describeProgress } from './progress.ts';
import { formatFailure } from './report.ts';
import type { Share, ShareReport } from './worker.ts';

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    headers: { type: 'string', default: '1000000' },
    api: { type: 'string', default: '6000' },
    spans: { type: 'string', default: '100000' },
    first: { type: 'string', default: '0' },
  },
});
const seed = Number(values.seed);
const counts = { headers: Number(values.headers), api: Number(values.api), spans: Number(values.spans) };
for (const [name, number] of Object.entries({ seed, ...counts, first: Number(values.first) })) {
  if (!Number.isSafeInteger(number) || number < 0) {
    console.error(`--${name} must be a whole number from 0, got ${values[name as keyof typeof values]}`);
    process.exit(2);
  }
}

// The faults of hostile input are counted; their reports would hide ours.
process.env.OTEL_LOG_LEVEL = 'none';
const startMs = performance.now();
const threads = Math.max(1, Math.min(availableParallelism(), 4));
const { headers, api, spans } = counts;
console.log(`seed ${seed}: ${headers} header sets, ${api} API combinations, ${spans} spans, on ${threads} threads`);
const reports = await Promise.all(Array.from({ length: threads }, (_, i) => runThread(i)));
report(reports, (performance.now() - startMs) / 1000);

function runThread(index: number): Promise<ShareReport> {
  const part = (count: number): { first: number; count: number } => {
    const from = Math.floor((count * index) / threads);
    return { first: Number(values.first) + from, count: Math.floor((count * (index + 1)) / threads) - from };
  };
  const progress = new SharedArrayBuffer(8);
  const share: Share = {
    seed,
    progress,
    headers: part(counts.headers),
    api: part(counts.api),
    spans: part(counts.spans),
  };
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL('worker.ts', import.meta.url), { workerData: share });
    const stop = watch(progress);
    worker.once('message', (report: ShareReport) => {
      stop();
      resolve(report);
    });
    worker.once('error', reject);
    worker.once('exit', (code) => reject(new Error(`thread ${index} ended early with ${code}`)));
  });
}

/** Ends the run when a thread has been at one case for a minute: that case has frozen it. */
function watch(progress: SharedArrayBuffer): () => void {
  let before = '';
  const timer = setInterval(() => {
    const now = describeProgress(progress);
    if (now === before) {
      console.log(`FAIL  a case takes more than a minute\n      repeat with: npm run fuzz -- --seed ${seed} ${now}`);
      console.log('0 passed, 1 failed');
      process.exit(1);
    }
    before = now;
  }, 60_000);
  return () => clearInterval(timer);
}

function report(reports: readonly ShareReport[], tookS: number): void {
  const sum = (read: (report: ShareReport) => number): number => reports.reduce((all, one) => all + read(one), 0);
  console.log(`Node.js ${process.versions.node}, ${tookS.toFixed(0)} s\n`);
  console.log(
    `header sets: ${sum(({ headers }) => headers.sets)}, contexts: ${sum(({ headers }) => headers.contexts)}`,
  );
  console.log(`headers written and judged: ${sum(({ headers }) => headers.written)}`);
  console.log('  propagator     accepted   refused   of its own, harmed: accepted   refused');
  for (const name of Object.keys(reports[0]?.headers.byPropagator ?? {})) {
    const of = (key: 'accepted' | 'refused' | 'ownAccepted' | 'ownRefused'): string =>
      String(sum(({ headers }) => headers.byPropagator[name]?.[key] ?? 0));
    const [accepted, refused] = [of('accepted').padStart(8), of('refused').padStart(9)];
    console.log(
      `  ${name.padEnd(14)} ${accepted} ${refused} ${of('ownAccepted').padStart(30)} ${of('ownRefused').padStart(9)}`,
    );
  }
  console.log(`API combinations: ${sum(({ api }) => api.combinations)}, calls: ${sum(({ api }) => api.calls)}`);
  const [protobuf, json, zipkin] = (['protobuf', 'json', 'zipkin'] as const).map((f) =>
    sum(({ api }) => api.arrived[f]),
  );
  console.log(`  spans that arrived: ${protobuf} by protobuf, ${json} by JSON, ${zipkin} by Zipkin`);
  console.log(`  healthy neighbours: ${sum(({ api }) => api.neighbours)} in each format`);
  console.log(`  spans given up: ${JSON.stringify(merge(reports.map(({ api }) => api.dropped)))}`);
  console.log(`  faults counted: ${JSON.stringify(merge(reports.map(({ api }) => api.faults)))}`);
  const [spans, attributes, bytes] = (['spans', 'attributes', 'bytes'] as const).map((k) => sum((one) => one.spans[k]));
  console.log(`random spans there and back: ${spans}, with ${attributes} attributes in ${bytes} bytes\n`);
  conclude(reports, sum);
}

function conclude(reports: readonly ShareReport[], sum: (read: (report: ShareReport) => number) => number): void {
  const failures = reports.flatMap(({ headers, api, spans }) => [headers.failures, api.failures, spans.failures]);
  for (const { first } of failures) for (const failure of first) console.log(formatFailure(failure));
  const failed = failures.reduce((all, { count }) => all + count, 0);
  const cases = sum(({ headers, api, spans }) => headers.sets + headers.contexts + api.combinations + spans.spans);
  console.log(`${Math.max(0, cases - failed)} passed, ${failed} failed`);
  process.exitCode = failed === 0 && cases > 0 ? 0 : 1;
}

function merge(parts: ReadonlyArray<Record<string, number>>): Record<string, number> {
  const all: Record<string, number> = {};
  for (const part of parts) for (const [key, count] of Object.entries(part)) all[key] = (all[key] ?? 0) + count;
  return all;
}
