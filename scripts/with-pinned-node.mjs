// Bootstrap, then run the pinned Node.js with the given arguments:
//   node scripts/with-pinned-node.mjs --conditions=clew-source examples/shop/src/main.ts --once
//
// Standard streams, exit code and signals are those of the program.
import { spawn } from 'node:child_process';
import { delimiter, dirname, join } from 'node:path';
import { bootstrap, exitWith } from './bootstrap.mjs';
import { root } from './repository.mjs';

// npm passes a signal on to us beside the one that the terminal has sent to all of us, so it may come twice.
const SAME_SIGNAL_MS = 1000;

const node = await bootstrap().catch(exitWith);
const bins = [dirname(node), join(root, 'node_modules', '.bin')];
const env = { ...process.env, PATH: [...bins, process.env.PATH ?? ''].join(delimiter) };
const child = spawn(node, process.argv.slice(2), { stdio: 'inherit', env });

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  let lastMs = Number.NEGATIVE_INFINITY;
  process.on(signal, () => {
    // Ctrl-C in a terminal reaches the program without us.
    if (signal === 'SIGINT' && process.stdin.isTTY) return;
    const nowMs = performance.now();
    if (nowMs - lastMs > SAME_SIGNAL_MS) child.kill(signal);
    lastMs = nowMs;
  });
}

child.on('error', exitWith);
child.on('exit', (code, signal) => {
  if (signal === null) process.exit(code);
  // End as the program did, so that a shell sees the same.
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
});
