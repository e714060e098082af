/** `host.id`: what tells one machine from another, by platform. */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { join } from 'node:path';

const COMMAND_TIMEOUT_MS = 500;
const MAX_OUTPUT = 64 * 1024;

/** A program that prints the id of the machine. */
export interface HostIdCommand {
  readonly file: string;
  readonly args: readonly string[];
  /** The id in what it prints. */
  readonly pattern: RegExp;
}

/** The program to ask, for the platforms that keep the id in no file. */
export function hostIdCommand(platform: string, env: NodeJS.ProcessEnv = process.env): HostIdCommand | undefined {
  if (platform === 'darwin') {
    const args = ['-rd1', '-c', 'IOPlatformExpertDevice'];
    return { file: '/usr/sbin/ioreg', args, pattern: /"IOPlatformUUID" = "([^"]+)"/ };
  }
  if (platform !== 'win32') return undefined;
  // By its whole path: what stands in the current folder under this name must not run.
  const file = join(env.SystemRoot || 'C:\\Windows', 'System32', 'reg.exe');
  const args = ['query', 'HKLM\\SOFTWARE\\Microsoft\\Cryptography', '/v', 'MachineGuid', '/reg:64'];
  return { file, args, pattern: /MachineGuid\s+REG_SZ\s+(\S+)/ };
}

/**
 * The id from the files of Linux.
 *
 * @param root  where `/` is; tests have their own
 */
export function hostIdFromFiles(root = '/'): string | undefined {
  for (const path of ['etc/machine-id', 'var/lib/dbus/machine-id']) {
    try {
      const id = readFileSync(join(root, path), 'utf8').trim();
      if (id !== '') return id;
    } catch {
      // Containers usually have none; that is no fault.
    }
  }
  return undefined;
}

/** The id that a program prints; `undefined` when it prints none, is not there or takes longer than half a second. */
export async function askHostId(
  { file, args, pattern }: HostIdCommand,
  timeoutMs: number = COMMAND_TIMEOUT_MS,
): Promise<string | undefined> {
  try {
    return pattern.exec(await outputOf(file, args, timeoutMs))?.[1];
  } catch {
    // Not there, not allowed or too slow: nothing found is no fault.
    return undefined;
  }
}

function outputOf(file: string, args: readonly string[], timeoutMs: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, {
      stdio: ['ignore', 'pipe', 'ignore'],
      windowsHide: true,
      signal: AbortSignal.timeout(timeoutMs),
      killSignal: 'SIGKILL',
    });
    // Neither of them may keep the process alive; that a pipe is a socket is documented with `subprocess.stdout`.
    child.unref();
    (child.stdout as Socket).unref();
    let text = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      if (text.length < MAX_OUTPUT) text += chunk;
    });
    child.on('error', reject);
    child.on('close', () => resolve(text));
  });
}
