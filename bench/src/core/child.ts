// The measured process: child.ts <implementation> <ratio>
import { answerParent } from '../child.ts';
import { percentile } from '../stats.ts';
import { CASES, timeCase } from './cases.ts';
import { bytesPerWaitingSpan, flushStalls } from './stall.ts';
import { IMPLEMENTATIONS } from './variant.ts';

const [name = '', ratio = '1'] = process.argv.slice(2);
const implementation = await IMPLEMENTATIONS[name]?.(ratio === '0' ? 0 : 1);
if (implementation === undefined) throw new Error(`unknown implementation ${name}`);

answerParent({
  time: async ({ name: caseName, seconds }) => {
    const run = CASES[String(caseName)]?.prepare(implementation);
    if (run === undefined) throw new Error(`unknown case ${String(caseName)}`);
    return { value: await timeCase(run, implementation, Number(seconds)) };
  },
  stall: async ({ flushes }) => {
    const stalls = await flushStalls(implementation, Number(flushes));
    return { median: percentile(stalls, 0.5), p99: percentile(stalls, 0.99) };
  },
  memory: () => bytesPerWaitingSpan(implementation),
});
