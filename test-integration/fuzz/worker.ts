/** One thread's share of a run; the shares differ in where they begin. */
import { parentPort, workerData } from 'node:worker_threads';
import { type ApiReport, fuzzApi } from './fuzz-api.ts';
import { fuzzHeaders, type HeaderReport } from './fuzz-headers.ts';
import { fuzzSpans, type SpanReport } from './fuzz-spans.ts';
import { shareProgress } from './progress.ts';

/** What a thread is asked to do: how many of each, beginning where. */
export interface Share {
  seed: number;
  /** Eight bytes in which the thread notes where it is. */
  progress: SharedArrayBuffer;
  headers: { first: number; count: number };
  api: { first: number; count: number };
  spans: { first: number; count: number };
}

/** What it has seen. */
export interface ShareReport {
  headers: HeaderReport;
  api: ApiReport;
  spans: SpanReport;
}

/** Do a share in this thread. */
export async function runShare({ seed, progress, headers, api, spans }: Share): Promise<ShareReport> {
  shareProgress(progress);
  return {
    api: await fuzzApi(seed, api.first, api.count),
    spans: fuzzSpans(seed, spans.first, spans.count),
    headers: fuzzHeaders(seed, headers.first, headers.count),
  };
}

if (parentPort !== null) parentPort.postMessage(await runShare(workerData as Share));
