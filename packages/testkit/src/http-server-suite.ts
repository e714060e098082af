/**
 * What every HTTP server package promises, on each back end: right parents, names and ends, contexts that do not mix,
 * and an application that sees nothing of it.
 */
import test from 'node:test';
import { BACKENDS } from './backends.ts';
import { HttpServerBench, type HttpServerLibrary } from './http-server-bench.ts';
import { HTTP_SERVER_ATTRIBUTE_CASES } from './http-server-attribute-cases.ts';
import { HTTP_SERVER_CASES, HTTP_SERVER_CASES_WITHOUT_PROVIDER } from './http-server-cases.ts';
import { HTTP_SERVER_END_CASES } from './http-server-end-cases.ts';
import { HTTP_SERVER_SIGNAL_CASES, HTTP_SERVER_SIGNAL_CASES_WITHOUT_PROVIDER } from './http-server-signal-cases.ts';

const RECORDING = [
  ...HTTP_SERVER_CASES,
  ...HTTP_SERVER_ATTRIBUTE_CASES,
  ...HTTP_SERVER_END_CASES,
  ...HTTP_SERVER_SIGNAL_CASES,
];
const WITHOUT_PROVIDER = [...HTTP_SERVER_CASES_WITHOUT_PROVIDER, ...HTTP_SERVER_SIGNAL_CASES_WITHOUT_PROVIDER];

/** Run the suite on every back end. Call it at the top level of a test file. */
export function httpServerSuite(name: string, library: HttpServerLibrary): void {
  for (const kind of BACKENDS) {
    const cases = kind === 'none' ? WITHOUT_PROVIDER : RECORDING;
    for (const [title, run, sampler] of cases) {
      test(`${name} on ${kind === 'none' ? 'no provider' : kind}: ${title}`, { timeout: 30_000 }, async (t) => {
        await run(new HttpServerBench(t, kind, library, sampler));
      });
    }
  }
}
