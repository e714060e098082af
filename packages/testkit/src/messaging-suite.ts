/**
 * What every messaging package promises, on each back end: one trace from sender to handler, contexts that do not mix,
 * and an application that sees nothing of it.
 */
import test from 'node:test';
import { BACKENDS } from './backends.ts';
import { MessagingBench, type MessagingLibrary } from './messaging-bench.ts';
import { MESSAGING_CASES, MESSAGING_CASES_WITHOUT_PROVIDER } from './messaging-cases.ts';

/** Run the suite on every back end. Call it at the top level of a test file. */
export function messagingSuite(name: string, library: MessagingLibrary): void {
  for (const kind of BACKENDS) {
    test(`${name} on ${kind === 'none' ? 'no provider' : kind}`, { timeout: 60_000 }, async (t) => {
      const bench = await MessagingBench.start(t, kind, library);
      for (const [title, run] of kind === 'none' ? MESSAGING_CASES_WITHOUT_PROVIDER : MESSAGING_CASES) {
        await t.test(title, () => run(bench));
      }
    });
  }
}
