// Reporter of one test file: one JSON line for each thing that tests/run-file.mjs wants to know.
//
// It runs in the process of the test file, so errors are turned into text here, where they are still objects.
import { writeSync } from 'node:fs';
import { inspect } from 'node:util';

// These say only that something further in has failed, and that one is reported itself.
const ECHOES = new Set(['subtestsFailed', 'cancelledByParent']);

export default async function* reporter(events) {
  const running = tellOnSignal();
  const path = [];
  for await (const { type, data } of events) {
    if (type === 'test:start') {
      path.length = data.nesting;
      path.push(data.name);
    } else if (type === 'test:pass' || type === 'test:fail') {
      yield line(describe(type, data, path));
    } else if (type === 'test:diagnostic' && data.message.startsWith('Error: ')) {
      yield line({ kind: 'diagnostic', message: data.message });
    } else if (type === 'test:dequeue') {
      running.add(data.name);
    } else if (type === 'test:complete') {
      running.delete(data.name);
    } else if (type === 'test:summary') {
      yield line({ kind: 'summary' });
    }
  }
}

// tests/run-file.mjs sends the signal before it ends a file that takes too long.
function tellOnSignal() {
  const running = new Set();
  process.on('SIGUSR2', () => {
    const tests = running.size === 0 ? 'no test is running' : `running: ${[...running].join(', ')}`;
    writeSync(2, `${tests}; the process is kept alive by: ${process.getActiveResourcesInfo().join(', ')}\n`);
  });
  return running;
}

function describe(type, data, path) {
  const error = data.details.error;
  return {
    kind: data.details.type === 'suite' ? 'suite' : 'test',
    outcome: outcomeOf(type, data),
    name: [...path.slice(0, data.nesting), data.name].join(' › '),
    line: data.line,
    isEcho: ECHOES.has(error?.failureType),
    error: type === 'test:fail' ? describeError(error) : undefined,
  };
}

// `skip` and `todo` hold the reason, which may be an empty text.
function outcomeOf(type, data) {
  if (data.skip !== undefined && data.skip !== false) return 'skipped';
  if (data.todo !== undefined && data.todo !== false) return 'todo';
  return type === 'test:pass' ? 'passed' : 'failed';
}

function describeError(error) {
  const cause = error?.cause ?? error;
  if (!(cause instanceof Error)) return typeof cause === 'string' ? cause : inspect(cause);
  const stack = (cause.stack ?? '').split('\n').filter((text) => /^\s+at /.test(text) && !/\bnode:/.test(text));
  const message = cause.stack?.startsWith(`${cause.name}`) ? `${cause.name}: ${cause.message}` : cause.message;
  const inner = cause.cause === undefined ? [] : [`caused by ${inspect(cause.cause)}`];
  return [message, ...stack, ...inner].join('\n');
}

function line(value) {
  return `${JSON.stringify(value)}\n`;
}
