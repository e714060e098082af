// Make a fresh clone ready: the pinned Node.js first, then, run by it, "npm ci". Does nothing when all is there.
//
// Runs on any Node.js from 20.19 and needs no package. Every npm command of this repository starts with it.
import { acceptInstalled, staleReason } from './install/dependencies.mjs';
import { InstallError, requireNpm, runNpm } from './install/npm.mjs';
import { hasPinnedNode, installPinnedNode, pinnedNode, pinnedVersion } from './install/pinned-node.mjs';
import { inTurn } from './install/turn.mjs';
import { isMain, root } from './repository.mjs';

const OLDEST_NODE = [20, 19];

/** @returns path of the pinned Node.js, installed, with node_modules complete */
export async function bootstrap() {
  requireNode();
  if (!isReady()) await inTurn('install', installWhatIsMissing);
  return pinnedNode;
}

function isReady() {
  return hasPinnedNode() && staleReason(root) === undefined;
}

async function installWhatIsMissing() {
  // Asked again: the process that we waited for may have done it all.
  if (isReady()) return;
  await requireNpm();
  if (!hasPinnedNode()) await tell(`installing Node.js ${pinnedVersion()} into .node`, installPinnedNode);
  const reason = staleReason(root);
  if (reason === undefined) return;
  await tell(`running npm ci, because ${reason}`, () =>
    runNpm(pinnedNode, ['ci', '--no-audit', '--no-fund', '--ignore-scripts=false']),
  );
  acceptInstalled(root);
}

// To stderr: what a command prints belongs to the command alone, and may be read by another program.
async function tell(what, work) {
  process.stderr.write(`clew: ${what} … `);
  const start = Date.now();
  await work().catch((error) => {
    process.stderr.write('failed\n');
    throw error;
  });
  process.stderr.write(`done in ${Math.round((Date.now() - start) / 1000)} s\n`);
}

function requireNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  const [oldestMajor, oldestMinor] = OLDEST_NODE;
  if (major > oldestMajor || (major === oldestMajor && minor >= oldestMinor)) return;
  throw new InstallError(`Node.js ${OLDEST_NODE.join('.')} or newer is needed, this is ${process.versions.node}.`);
}

/** Print what the reader can act on, without a stack, and end with code 1. */
export function exitWith(error) {
  console.error(error instanceof InstallError ? `clew: ${error.message}` : error);
  process.exit(1);
}

if (isMain(import.meta.url)) {
  await bootstrap().catch(exitWith);
}
