import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { containerAttributes, kubernetesAttributes } from '../src/resource-container.ts';

const ID = 'dc64b5743252dbaef6e30521c34d6bbd1620c8ce65bdb7bf9e7143b61bb5b183';
const OTHER = 'ab'.repeat(32);
const NAMESPACE_FILE = 'var/run/secrets/kubernetes.io/serviceaccount/namespace';

function makeRoot(t: TestContext, files: Record<string, string>): string {
  const root = mkdtempSync(join(tmpdir(), 'clew-root-'));
  t.after(() => rmSync(root, { recursive: true }));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return root;
}

const CGROUPS: Array<[title: string, line: string, id: string | undefined]> = [
  ['Docker', `12:memory:/docker/${ID}`, ID],
  ['Docker with systemd', `1:name=systemd:/system.slice/docker-${ID}.scope`, ID],
  ['CRI-O', `11:cpu:/kubepods.slice/kubepods-pod1.slice/crio-${ID}.scope`, ID],
  ['containerd', `11:cpu:/kubepods.slice/cri-containerd-${ID}.scope`, ID],
  ['containerd with colons', `0::/kubepods-burstable-pod1.slice:cri-containerd:${ID}`, ID],
  [
    'Fargate',
    '9:perf_event:/ecs/55091c13/55091c13b8cf4801b527f4601742204d-2486140915',
    '55091c13b8cf4801b527f4601742204d-2486140915',
  ],
  ['garden', '3:cpu:/garden/6f53f9c8-1f21-4b2d-9a8a-2f6cbe1b2d11', '6f53f9c8-1f21-4b2d-9a8a-2f6cbe1b2d11'],
  ['a UUID with underscores', '3:cpu:/x/6f53f9c8_1f21_4b2d_9a8a_2f6cbe1b2d11', '6f53f9c8_1f21_4b2d_9a8a_2f6cbe1b2d11'],
  ['containerd with systemd', `0::/kubepods.slice/cri-containerd-${ID}.scope`, ID],
  ['Podman', `0::/machine.slice/libpod-${ID}.scope`, ID],
  ['another prefix', `0::/machine.slice/other-${ID}.scope`, undefined],
  ['upper-case digits', `12:memory:/docker/${ID.toUpperCase()}`, undefined],
  ['63 digits', `12:memory:/docker/${ID.slice(1)}`, undefined],
  ['65 digits', `12:memory:/docker/${ID}a`, undefined],
  ['32 digits', '4:memory:/process_api/6b2be73c47719a40e45c107815844247', undefined],
  ['a pod only', '11:cpu:/kubepods/besteffort/pod3e61c214', undefined],
  ['no container', '0::/', undefined],
];
for (const [title, line, id] of CGROUPS) {
  test(`the container id in a cgroup line of ${title}`, (t) => {
    const root = makeRoot(t, { 'proc/self/cgroup': `13:pids:/\n${line}\n` });
    assert.deepEqual(containerAttributes(root), id === undefined ? {} : { 'container.id': id });
  });
}

const MOUNTS: Array<[title: string, line: string, id: string | undefined]> = [
  ['Docker', `473 456 254:1 /docker/containers/${ID}/hostname /etc/hostname rw,relatime - ext4 /dev/vda1 rw`, ID],
  [
    'Podman',
    `9 8 0:25 /containers/storage/overlay-containers/${ID}/userdata/hostname /etc/hostname rw - tmpfs tmpfs rw`,
    ID,
  ],
  [
    'a sandbox',
    `9 8 0:25 /io.containerd.grpc.v1.cri/sandboxes/x/containers/${OTHER}/hostname /etc/hostname rw - ext4 d rw`,
    undefined,
  ],
  ['another file', `9 8 0:25 /docker/containers/${OTHER}/resolv.conf /etc/resolv.conf rw - ext4 d rw`, undefined],
];
for (const [title, line, id] of MOUNTS) {
  test(`with control groups of version 2, the container id in a mount of ${title}`, (t) => {
    const root = makeRoot(t, { 'proc/self/cgroup': '0::/\n', 'proc/self/mountinfo': `1 2 0:1 / / rw\n${line}\n` });
    assert.deepEqual(containerAttributes(root), id === undefined ? {} : { 'container.id': id });
  });
}

test('a system without /proc has no container id', (t) => {
  assert.deepEqual(containerAttributes(makeRoot(t, {})), {});
});

const PODS: Array<[title: string, env: NodeJS.ProcessEnv, expected: Record<string, string>]> = [
  ['outside of Kubernetes nothing is found', { POD_NAME: 'p', HOSTNAME: 'h' }, {}],
  ['an empty service host is outside', { KUBERNETES_SERVICE_HOST: '', POD_NAME: 'p' }, {}],
  [
    'without variables of the manifest: host name and the file of the service account',
    { KUBERNETES_SERVICE_HOST: '10.0.0.1', HOSTNAME: 'pod-1' },
    { 'k8s.pod.name': 'pod-1', 'k8s.namespace.name': 'from-file' },
  ],
  [
    'the short names',
    {
      ...{ KUBERNETES_SERVICE_HOST: '1', HOSTNAME: 'h', POD_NAME: 'p', POD_NAMESPACE: 'n' },
      ...{ NODE_NAME: 'no', POD_UID: 'u' },
    },
    { 'k8s.pod.name': 'p', 'k8s.namespace.name': 'n', 'k8s.node.name': 'no', 'k8s.pod.uid': 'u' },
  ],
  [
    'the long names win',
    {
      ...{ KUBERNETES_SERVICE_HOST: '1', POD_NAME: 'x', POD_NAMESPACE: 'x', NODE_NAME: 'x', POD_UID: 'x' },
      ...{ K8S_POD_NAME: 'p', K8S_NAMESPACE_NAME: 'n', K8S_NODE_NAME: 'no', K8S_POD_UID: 'u', K8S_CONTAINER_NAME: 'c' },
    },
    {
      ...{ 'k8s.pod.name': 'p', 'k8s.namespace.name': 'n', 'k8s.node.name': 'no', 'k8s.pod.uid': 'u' },
      'k8s.container.name': 'c',
    },
  ],
];
for (const [title, env, expected] of PODS) {
  test(`Kubernetes: ${title}`, (t) => {
    assert.deepEqual(kubernetesAttributes(env, makeRoot(t, { [NAMESPACE_FILE]: 'from-file\n' })), expected);
  });
}
