/** What the process can find out about itself and its host. */
import { randomUUID } from 'node:crypto';
import { arch, hostname, platform, release, userInfo } from 'node:os';
import { basename } from 'node:path';
import type { Attributes } from '@opentelemetry/api';
import type { EnvConfig } from './config/env.ts';
import { describeError, reportFault } from './faults.ts';
import { containerAttributes, kubernetesAttributes } from './resource-container.ts';
import { askHostId, hostIdCommand, hostIdFromFiles } from './resource-host-id.ts';

type DetectorName = EnvConfig['resource']['detectors'][number];

// One id for each process and each worker thread: a worker loads this module anew.
let instanceId: string | undefined;

const DETECTORS: Record<Exclude<DetectorName, 'env'>, () => Attributes> = {
  host: () => ({
    'host.name': hostname(),
    'host.arch': hostArch(arch()),
    ...hostId(platform() === 'linux' ? hostIdFromFiles() : undefined),
  }),
  os: () => ({ 'os.type': osType(platform()), 'os.version': release() }),
  process: () => ({
    'process.pid': process.pid,
    'process.executable.name': basename(process.execPath),
    'process.executable.path': process.execPath,
    ...(process.argv[1] === undefined ? {} : { 'process.command': process.argv[1] }),
    // Arguments are left out: they can hold passwords.
    'process.runtime.name': 'nodejs',
    'process.runtime.version': process.versions.node,
    'process.runtime.description': 'Node.js',
    ...processOwner(),
  }),
  container: () => containerAttributes(),
  k8s: () => kubernetesAttributes(process.env),
  serviceinstance: () => {
    instanceId ??= randomUUID();
    return { 'service.instance.id': instanceId };
  },
};

/**
 * The attributes of the named detectors.
 *
 * @throws never: a detector that fails is reported, the others still count
 */
export function detectResource(names: readonly DetectorName[]): Attributes {
  const attributes: Attributes = {};
  for (const name of names) {
    if (name === 'env') continue;
    try {
      Object.assign(attributes, DETECTORS[name]());
    } catch (error) {
      reportFault('resource_detector_threw', `${name}: ${describeError(error)}`);
    }
  }
  return attributes;
}

/**
 * What takes longer: on macOS and Windows another program has to be asked for `host.id`.
 *
 * @returns `undefined` when there is nothing to wait for; the promise settles within a second and never rejects
 */
export function detectLater(names: readonly DetectorName[]): Promise<Attributes> | undefined {
  const command = names.includes('host') ? hostIdCommand(platform()) : undefined;
  return command === undefined ? undefined : askHostId(command).then(hostId);
}

/** The semantic conventions' word for `os.arch()`. */
export function hostArch(nodeArch: string): string {
  const words: Record<string, string> = { x64: 'amd64', arm: 'arm32', ia32: 'x86', ppc: 'ppc32' };
  return words[nodeArch] ?? nodeArch;
}

/** The semantic conventions' word for `os.platform()`. */
export function osType(nodePlatform: string): string {
  const words: Record<string, string> = { win32: 'windows', sunos: 'solaris' };
  return words[nodePlatform] ?? nodePlatform;
}

function hostId(id: string | undefined): Attributes {
  return id === undefined ? {} : { 'host.id': id };
}

function processOwner(): Attributes {
  try {
    return { 'process.owner': userInfo().username };
  } catch {
    // A user id without a name, as containers have it, makes `userInfo` throw.
    return {};
  }
}
