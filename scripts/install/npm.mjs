// Find npm, run it, and say in plain words why it could not do its work.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { root } from '../repository.mjs';

const OLDEST_NPM = 10;
const MOST_LINES = 12;
const NETWORK =
  /ENOTFOUND|ECONNREFUSED|ECONNRESET|ETIMEDOUT|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|ERR_SOCKET_TIMEOUT|network|Exit handler never called/;

/** A reason to stop that the reader can act on; its stack would only hide it. */
export class InstallError extends Error {}

/**
 * Run npm with `args`, by the given Node.js, which is also the first on PATH for scripts of packages.
 *
 * @param node  path of the Node.js that runs npm: npm skips optional packages whose `engines` that one does not meet
 * @param cwd   folder to run in
 */
export async function runNpm(node, args, cwd = root) {
  // Its own loglevel: under "npm run --silent" it would not say why it failed.
  const { code, output } = await capture(node, [...args, '--loglevel=error'], cwd);
  if (code === 0) return output;
  const reason = NETWORK.test(output)
    ? 'The npm registry cannot be reached. Installing needs the network, this once; "npm config get registry" names the registry.'
    : `npm ${args[0]} failed.`;
  const lines = tellingLines(output);
  throw new InstallError([reason, ...lines.map((line) => `  ${line}`)].join('\n'));
}

// npm says first what is wrong, and then how it is used in general.
function tellingLines(output) {
  const lines = output.split('\n').filter((line) => line.trim() !== '');
  const errors = lines.filter((line) => /^npm (error|ERR!) (?!\s+at )./.test(line));
  return errors.length > 0 ? errors.slice(0, MOST_LINES) : lines.slice(-MOST_LINES);
}

/** @throws InstallError when npm is missing or older than 10, whose lock files we do not test */
export async function requireNpm() {
  const { code, output } = await capture(process.execPath, ['--version'], root);
  const version = output.trim().split('\n').at(-1) ?? '';
  if (code !== 0) throw new InstallError(`npm is needed and does not start: ${version}`);
  if (Number.parseInt(version, 10) < OLDEST_NPM) {
    throw new InstallError(
      `npm ${OLDEST_NPM} or newer is needed, this is ${version}. Run: npm install --global npm@11`,
    );
  }
}

function capture(node, args, cwd) {
  const env = { ...process.env, PATH: `${dirname(node)}${delimiter}${process.env.PATH ?? ''}` };
  // Settings of the "npm run" around us would send this one to that one's folder.
  for (const name of Object.keys(env))
    if (/^npm_(config_local_prefix|package_|lifecycle_)/.test(name)) delete env[name];
  const [command, ...first] = npmCommand(node);
  return new Promise((resolve, reject) => {
    const child = spawn(command, [...first, ...args], { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text) => {
        output += text;
      });
    }
    child.on('error', (error) => reject(new InstallError(`npm is needed and does not start: ${error.message}`)));
    child.on('close', (code, signal) => resolve({ code: code ?? signal, output }));
  });
}

// Started by "npm run", we use that same npm; started by hand, the one beside Node.js, else the one on PATH.
function npmCommand(node) {
  const running = process.env.npm_execpath;
  if (running !== undefined && /npm-cli\.c?js$/.test(running)) return [node, running];
  const beside = join(dirname(process.execPath), '..', 'lib', 'node_modules', 'npm', 'bin', 'npm-cli.js');
  return existsSync(beside) ? [node, beside] : ['npm'];
}
