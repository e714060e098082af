/** The container and the Kubernetes pod that the process runs in, as far as files and variables tell. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Attributes } from '@opentelemetry/api';

// Docker, containerd, CRI-O and Podman use 64 hex digits, garden a UUID, Fargate 32 hex digits and a number.
const ID = '([0-9a-f]{64}|[0-9a-f]{8}(?:[-_][0-9a-f]{4}){3}[-_][0-9a-f]{12}|[0-9a-f]{32}-[0-9]+)';
const CGROUP_PART = new RegExp(`^(?:docker-|crio-|cri-containerd-|libpod-)?${ID}(?:\\.scope)?$`);
const MOUNTED_HOSTNAME = /\/(?:overlay-)?containers\/([0-9a-f]{64})\/(?:userdata\/)?hostname\b/;
const NAMESPACE_FILE = 'var/run/secrets/kubernetes.io/serviceaccount/namespace';

/**
 * `container.id`, from control group version 1 or, where that says nothing, from the mounts of version 2.
 *
 * @param root  where `/` is; tests have their own
 */
export function containerAttributes(root = '/'): Attributes {
  const id = idInCgroup(readText(root, 'proc/self/cgroup')) ?? idInMounts(readText(root, 'proc/self/mountinfo'));
  return id === undefined ? {} : { 'container.id': id };
}

/**
 * `k8s.*` from the variables that a pod's manifest sets through the downward API, and from what Kubernetes sets itself.
 *
 * @param env   usually `process.env`
 * @param root  where `/` is; tests have their own
 */
export function kubernetesAttributes(env: NodeJS.ProcessEnv, root = '/'): Attributes {
  if (!env.KUBERNETES_SERVICE_HOST) return {};
  const found = {
    'k8s.pod.name': env.K8S_POD_NAME || env.POD_NAME || env.HOSTNAME,
    'k8s.namespace.name': env.K8S_NAMESPACE_NAME || env.POD_NAMESPACE || readText(root, NAMESPACE_FILE).trim(),
    'k8s.node.name': env.K8S_NODE_NAME || env.NODE_NAME,
    'k8s.pod.uid': env.K8S_POD_UID || env.POD_UID,
    'k8s.container.name': env.K8S_CONTAINER_NAME,
  };
  return Object.fromEntries(Object.entries(found).filter(([, value]) => value !== undefined && value !== ''));
}

function idInCgroup(text: string): string | undefined {
  for (const line of text.split('\n')) {
    // hierarchy:controllers:path, and with containerd's systemd driver the path has colons too.
    const part = line.split(/[/:]/).at(-1) ?? '';
    const id = CGROUP_PART.exec(part)?.[1];
    if (id !== undefined) return id;
  }
  return undefined;
}

// A sandbox holds the pod's network and has an id of its own: its line has `/sandboxes/` and does not match.
function idInMounts(text: string): string | undefined {
  for (const line of text.split('\n')) {
    const id = line.includes('/sandboxes/') ? undefined : MOUNTED_HOSTNAME.exec(line)?.[1];
    if (id !== undefined) return id;
  }
  return undefined;
}

function readText(root: string, path: string): string {
  try {
    return readFileSync(join(root, path), 'utf8');
  } catch {
    // Not there outside of Linux and of pods; that is no fault.
    return '';
  }
}
