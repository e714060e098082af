/** The command: its output, its exit codes, and Ctrl-C. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const CLI = fileURLToPath(new URL('../src/cli.ts', import.meta.url));

interface Run {
  child: ChildProcess;
  stdout: () => string;
  stderr: () => string;
  exit: Promise<number | null>;
  /** Resolves when stdout has this text. */
  says: (text: string) => Promise<void>;
}

function start(t: TestContext, ...args: string[]): Run {
  const child = spawn(process.execPath, [CLI, ...args], { stdio: ['ignore', 'pipe', 'pipe'], timeout: 30_000 });
  t.after(() => child.kill('SIGKILL'));
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk) => {
    stdout += chunk;
  });
  child.stderr.on('data', (chunk) => {
    stderr += chunk;
  });
  const exit = new Promise<number | null>((resolve) => child.on('close', (code) => resolve(code)));
  const says = async (text: string): Promise<void> => {
    while (!stdout.includes(text)) {
      const isOver = await Promise.race([
        exit.then(() => true),
        new Promise((resolve) => child.stdout.once('data', () => resolve(false))),
      ]);
      if (isOver === true && !stdout.includes(text)) assert.fail(`ended without "${text}": ${stdout}${stderr}`);
    }
  };
  return { child, stdout: () => stdout, stderr: () => stderr, exit, says };
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  test(`it says where it listens, serves there, and ends with 0 on ${signal}`, async (t) => {
    const viewer = start(t, '--port', '0', '--otlp-port', '0');
    await viewer.says('Ctrl-C ends it.');
    const url = /Clew viewer {3}(\S+)/.exec(viewer.stdout())?.[1];
    const otlpUrl = /OTLP\/HTTP {5}(\S+)/.exec(viewer.stdout())?.[1];
    assert.equal(await (await fetch(`${url}/healthz`)).text(), 'ok\n');
    assert.equal(
      (
        await fetch(`${otlpUrl}/v1/traces`, {
          method: 'POST',
          body: '{}',
          headers: { 'content-type': 'application/json' },
        })
      ).status,
      200,
    );
    viewer.child.kill(signal);
    assert.equal(await viewer.exit, 0);
    assert.equal(viewer.stderr(), '');
  });
}

test('--print-env prints the one line alone on stdout', async (t) => {
  const viewer = start(t, '--port=0', '--otlp-port=0', '--print-env');
  await viewer.says('\n');
  assert.match(viewer.stdout(), /^OTEL_EXPORTER_OTLP_ENDPOINT=http:\/\/127\.0\.0\.1:\d+\n$/);
  viewer.child.kill('SIGINT');
  assert.equal(await viewer.exit, 0);
});

test('--help tells every option and ends with 0', async (t) => {
  const viewer = start(t, '--help');
  assert.equal(await viewer.exit, 0);
  for (const option of [
    '--port',
    '--otlp-port',
    '--host',
    '--allow-host',
    '--token',
    '--max-spans',
    '--print-env',
    '--help',
  ]) {
    assert.ok(viewer.stdout().includes(`  ${option}`), option);
  }
});

const WRONG: ReadonlyArray<readonly [string[], string]> = [
  [['--prot', '1'], 'unknown option --prot; did you mean --port? (--help lists all)'],
  [['--port', 'x'], '--port must be a whole number, got "x"'],
  [['--port', '70000'], 'port must be 0 to 65535, got 70000'],
  [['--max-spans', '0', '--port', '0', '--otlp-port', '0'], 'maxSpans must be a whole number, 1 or more, got 0'],
  [['--host', '0.0.0.0'], 'host 0.0.0.0 can be reached from other machines, so a token is needed'],
];
for (const [args, message] of WRONG) {
  test(`${args.join(' ')} ends with 2 and one line`, async (t) => {
    const viewer = start(t, ...args);
    assert.equal(await viewer.exit, 2);
    assert.equal(viewer.stderr(), `clew-viewer: ${message}\n`);
    assert.equal(viewer.stdout(), '');
  });
}

test('an argument without a name, and an option without its value, end with 2', async (t) => {
  assert.equal(await start(t, 'extra').exit, 2);
  assert.equal(await start(t, '--port').exit, 2);
});

test('a given port that is taken ends with 2 and names the port', async (t) => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  const viewer = start(t, '--port', String(port), '--otlp-port', '0');
  assert.equal(await viewer.exit, 2);
  assert.match(
    viewer.stderr(),
    new RegExp(`^clew-viewer: cannot listen on 127\\.0\\.0\\.1 port ${port} .*: another program has it`),
  );
});
