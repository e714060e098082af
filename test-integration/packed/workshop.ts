/** Packs the published packages and lays them out as users have them: in a project of their own, outside of the workspace. */
import { execFile } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { promisify } from 'node:util';

const exec = promisify(execFile);
const ROOT = join(import.meta.dirname, '..', '..');
const PACKAGES = ['core', 'express', 'fastify', 'undici', 'pg', 'kafkajs', 'pino', 'prom-client', 'viewer'];

/** How a command ended. */
export interface Ran {
  code: number;
  stdout: string;
  stderr: string;
}

/** Run a command; a code other than 0 is a result and no exception. */
export async function run(file: string, args: string[], cwd: string, env: NodeJS.ProcessEnv = {}): Promise<Ran> {
  try {
    const { stdout, stderr } = await exec(file, args, {
      cwd,
      env: { ...process.env, NODE_OPTIONS: '', ...env },
      timeout: 240_000,
      maxBuffer: 32 * 1024 * 1024,
    });
    return { code: 0, stdout, stderr };
  } catch (error) {
    const { code, stdout, stderr, message } = error as Error & { code?: unknown; stdout?: string; stderr?: string };
    return { code: typeof code === 'number' ? code : 1, stdout: stdout ?? '', stderr: stderr || message };
  }
}

async function must(file: string, args: string[], cwd: string, env?: NodeJS.ProcessEnv): Promise<string> {
  const { code, stdout, stderr } = await run(file, args, cwd, env);
  if (code !== 0) throw new Error(`${file} ${args.join(' ')} ended with ${code}:\n${stderr}\n${stdout}`);
  return stdout;
}

/** npm on the Node.js that runs this test: on an older one it would leave native parts out. */
export function npm(args: string[], cwd: string): Promise<string> {
  const quiet = ['--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error'];
  const env = { PATH: `${dirname(process.execPath)}${delimiter}${process.env.PATH ?? ''}` };
  return must('npm', [...args, ...quiet], cwd, env);
}

/** A folder that goes when the process ends. */
export function temporaryFolder(name: string): string {
  const folder = mkdtempSync(join(tmpdir(), `clew-${name}-`));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Build what is not built, and pack published packages: every one, or those that are named. Gives the tarballs' paths. */
export async function packAll(packages: readonly string[] = PACKAGES): Promise<string[]> {
  await must(process.execPath, [join(ROOT, 'scripts', 'build.mjs'), '--if-needed'], ROOT);
  const folder = temporaryFolder('tarballs');
  const names: string[] = [];
  for (const name of packages) {
    const packed = await npm(
      ['pack', '--json', '--ignore-scripts', '--pack-destination', folder],
      join(ROOT, 'packages', name),
    );
    names.push(join(folder, readFilename(packed)));
  }
  return names;
}

// npm 11 answers with a list, a newer one with an object by name.
function readFilename(json: string): string {
  const answer = JSON.parse(json) as unknown;
  const [first] = Array.isArray(answer) ? answer : Object.values(answer as object);
  return (first as { filename: string }).filename;
}

/** Put packed packages into a project's `node_modules` without asking npm, whose lock file does not know them. */
export async function unpackInto(project: string, tarballs: string[]): Promise<void> {
  for (const tarball of tarballs) {
    const folder = mkdtempSync(join(tmpdir(), 'clew-unpack-'));
    await must('tar', ['-xzf', tarball, '-C', folder], folder);
    const { default: manifest } = (await import(join(folder, 'package', 'package.json'), {
      with: { type: 'json' },
    })) as {
      default: { name: string };
    };
    const target = join(project, 'node_modules', manifest.name);
    mkdirSync(dirname(target), { recursive: true });
    cpSync(join(folder, 'package'), target, { recursive: true });
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The oldest Node.js that we support, and the newest of each line. */
export const NODE_VERSIONS: readonly string[] = ['20.19.0', '20.20.2', '22.23.3', '24.21.0', '26.10.0'];

/**
 * Path of a Node.js of this version, installed from npm into a folder that is kept. Two test files may want the same one
 * at the same time: each installs into a folder of its own, and the first one that is done gives it its name.
 */
export async function nodeBinary(version: string): Promise<string> {
  const matrix = join(ROOT, '.node', 'matrix');
  const folder = join(matrix, version);
  const binary = join(folder, 'node_modules', 'node', 'bin', 'node');
  if (existsSync(binary)) return binary;
  mkdirSync(matrix, { recursive: true });
  const own = mkdtempSync(`${folder}-`);
  // npm 11 runs the scripts of a package only where it is named; npm 10 does not know the field.
  writeFileSync(join(own, 'package.json'), '{ "private": true, "allowScripts": { "node": true } }\n');
  await npm(['install', '--no-save', '--no-package-lock', '--ignore-scripts=false', `node@${version}`], own);
  try {
    renameSync(own, folder);
  } catch {
    // The other one was first; or an interrupted installation has left something.
    if (existsSync(binary)) {
      rmSync(own, { recursive: true, force: true });
      return binary;
    }
    rmSync(folder, { recursive: true, force: true });
    renameSync(own, folder);
  }
  return binary;
}
