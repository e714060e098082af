// Run the tests and end with the line "N passed, N failed".
//
//   npm test                          all that runs on embedded engines
//   npm test -- core/test/ids pino    only files whose path contains one of these
//   npm test -- --name 'aborted'      only tests whose title matches
//   npm run test:engines              those that need real engines, named by variables
//
// A test that is skipped or marked as to do counts as failed: a quiet skip hides what nobody checks.
import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { root } from './repository.mjs';
import { missingEngines } from './tests/engine-variables.mjs';
import { runFile } from './tests/run-file.mjs';
import { selectFiles } from './tests/select-files.mjs';

const MOST_AT_ONCE = 4;
const MOST_PRINTED_LINES = 40;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    engines: { type: 'boolean', default: false },
    name: { type: 'string' },
    // Not a judgement of speed: it ends a file that would never end.
    'file-timeout-s': { type: 'string', default: '300' },
    root: { type: 'string' },
  },
});

const missing = values.engines ? missingEngines(process.env) : [];
if (missing.length > 0) {
  console.error(`These tests need real engines, and "docker compose up" starts them all.\n${missing.join('\n')}`);
  process.exit(1);
}

const base = values.root ?? root;
const files = selectFiles(base, { engines: values.engines, filters: positionals });
const reportsDir = mkdtempSync(join(tmpdir(), 'clew-tests-'));
process.on('exit', () => rmSync(reportsDir, { recursive: true, force: true }));
const interrupt = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => interrupt.abort(signal));

const total = { passed: 0, failed: 0 };
const waiting = [...files];
const lanes = Math.min(MOST_AT_ONCE, availableParallelism(), files.length);
await Promise.all(Array.from({ length: lanes }, runNext));
if (interrupt.signal.aborted) {
  console.log(`interrupted by ${interrupt.signal.reason}`);
  process.exit(130);
}
if (total.passed + total.failed === 0) console.log('no test ran');
console.log(`${total.passed} passed, ${total.failed} failed`);
process.exit(total.failed === 0 && total.passed > 0 ? 0 : 1);

async function runNext() {
  for (let file = waiting.shift(); file !== undefined && !interrupt.signal.aborted; file = waiting.shift()) {
    const expiry = new AbortController();
    const timer = setTimeout(() => expiry.abort(), Number(values['file-timeout-s']) * 1000);
    const options = { cwd: base, reportsDir, expired: expiry.signal, interrupted: interrupt.signal };
    if (values.name !== undefined) options.namePattern = values.name;
    const startMs = performance.now();
    const result = await runFile(file, options);
    clearTimeout(timer);
    if (!interrupt.signal.aborted) report(file, result, performance.now() - startMs);
  }
}

function report(file, { passed, failures, output }, tookMs) {
  total.passed += passed;
  total.failed += failures.length;
  const took = `${(tookMs / 1000).toFixed(1)} s`;
  if (failures.length === 0) {
    if (passed > 0) console.log(`ok    ${file}  ${passed} passed, ${took}`);
    return;
  }
  console.log(`FAIL  ${file}  ${passed} passed, ${failures.length} failed, ${took}`);
  for (const { name, line, text, isEcho } of failures) {
    console.log(`\n  ${name}\n    ${file}:${line}`);
    if (!isEcho) console.log(indent(text));
  }
  const printed = output.trimEnd().split('\n').slice(-MOST_PRINTED_LINES).join('\n');
  if (printed !== '') console.log(`\n  printed by this file, at the end:\n${indent(printed)}`);
  console.log();
}

function indent(text) {
  return text.replaceAll(/^/gm, '    ');
}
