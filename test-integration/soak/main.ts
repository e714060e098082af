/**
 * `npm run soak`: every fault of a backend at its real length, and beside them a service that runs at full rate.
 *
 *   npm run soak -- --minutes 30 --rate 5000 --seed 7   the long run for the record
 *   npm run soak -- --only 503                          only faults whose name contains this; spans/s: the long run
 *   npm run soak -- --write                             write RESULTS.md as well
 */
import { parseArgs } from 'node:util';
import type { Check } from './checks.ts';
import { positive, type ResultRow, writeResults } from './results.ts';
import { ROWS } from './rows.ts';
import { soak, type SoakResult } from './soak.ts';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '3' },
    rate: { type: 'string', default: '5000' },
    seed: { type: 'string' },
    only: { type: 'string' },
    write: { type: 'boolean', default: false },
  },
});
const options = {
  minutes: positive('minutes', values.minutes),
  rate: positive('rate', values.rate),
  seed: values.seed === undefined ? Math.floor(Math.random() * 2 ** 32) : positive('seed', values.seed),
};
process.env.OTEL_LOG_LEVEL ??= 'none';
// Each fault has a tracing of its own in this process, and each of them listens for its end.
process.setMaxListeners(100);

const name = `${options.rate} spans/s for ${options.minutes} min, a tenth of the time with faults`;
console.log(`seed ${options.seed}`);
let figures: SoakResult['figures'] = [];
const long = {
  name,
  run: async (): Promise<Check[]> => {
    const result = await soak(options);
    figures = result.figures;
    return result.checks;
  },
};
const chosen = [long, ...ROWS].filter(({ name }) => values.only === undefined || name.includes(values.only));
const results = await Promise.all(chosen.map(judge));
for (const [key, value] of figures) console.log(`      ${key.padEnd(40)} ${value}`);
const passed = results.filter(({ ok }) => ok).length;
if (values.write) {
  const command = `npm run soak -- --minutes ${options.minutes} --rate ${options.rate} --seed ${options.seed} --write`;
  writeResults(new URL('./RESULTS.md', import.meta.url), { title: 'Soak results', command, figures, rows: results });
}
console.log(`${passed} passed, ${results.length - passed} failed`);
process.exit(passed === results.length && passed > 0 ? 0 : 1);

async function judge(row: { name: string; run(): Promise<Check[]> }): Promise<ResultRow> {
  const checks = await row.run().catch((error: unknown): Check[] => {
    return [{ name: 'the run itself', ok: false, saw: error instanceof Error ? (error.stack ?? '') : String(error) }];
  });
  const failed = checks.filter(({ ok }) => !ok);
  const ok = failed.length === 0 && checks.length > 0;
  console.log(`${ok ? 'ok   ' : 'FAIL '} ${row.name}  ${checks.length} claims`);
  for (const check of failed) console.log(`      ${check.name}: ${check.saw}`);
  return { name: row.name, ok };
}
