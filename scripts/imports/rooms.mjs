// The table "who may import whom", as data and pure functions. CONTRIBUTING.md has it in words.

/** Inside core a file imports only from its left. A group stands on one level; its members may know one another. */
const CORE_ORDER = [
  ['ids', 'clock', 'attributes'],
  ['span-context'],
  ['span'],
  ['tracer'],
  ['http', 'messaging', 'database'],
];
const CORE_ROOMS = ['http', 'messaging', 'database'];
/** They know span contexts and finished spans; tracer.ts joins them. */
const CORE_PARTS = ['propagation', 'sampler', 'export'];

/** The room that a file is in, by its path from the root of the repository; `undefined` outside of all rooms. */
export function roomOf(path) {
  const [top, name, part] = path.split('/');
  if (top === 'packages') {
    const isSource = part === 'src';
    if (name === 'testkit') return { kind: 'testkit', dir: `packages/${name}`, isSource };
    const kind = !isSource ? 'package test' : name === 'core' || name === 'viewer' ? name : 'library';
    return { kind, dir: `packages/${name}`, isSource, isPage: path.startsWith('packages/viewer/src/ui/') };
  }
  if (top === 'examples') return { kind: 'user', dir: `examples/${name}`, isSource: false };
  if (top === 'test-integration' || top === 'bench') return { kind: 'user', dir: top, isSource: false };
  return undefined;
}

/**
 * Why `room` may not import the package `name`; `undefined` when it may.
 *
 * @param name      package name, `@clew/core` for `@clew/core/http`
 * @param typeOnly  the import is gone at run time
 * @param manifest  package.json of the room
 */
export function packageFault(room, name, typeOnly, manifest) {
  const isOurs = name.startsWith('@clew/');
  if (name === manifest.name)
    return room.kind === 'package test' ? undefined : 'a package does not import itself by name';
  switch (room.kind) {
    case 'core':
      return name === '@opentelemetry/api' ? undefined : 'core knows node: modules and @opentelemetry/api only';
    case 'library':
      return libraryFault(name, typeOnly, manifest);
    case 'viewer':
      if (isOurs) return 'the viewer stands alone: no core, no library packages';
      if (name in (manifest.dependencies ?? {}) || typeOnly) return undefined;
      if (room.isPage && name in (manifest.devDependencies ?? {})) return undefined;
      return 'the viewer has node: modules only, its page the UI libraries that are bundled into it';
    case 'testkit':
      if (isOurs && name !== '@clew/core') return 'library packages hand their set-up to the suites of testkit';
      break;
    case 'package test':
      if (isOurs && name !== '@clew/core' && name !== '@clew/testkit') return 'a package is tested without the others';
      break;
    case 'user':
      // bench has a lock file of its own and takes ours from the workspaces.
      if (isOurs && room.dir === 'bench') return undefined;
      break;
  }
  const declared = { ...manifest.dependencies, ...manifest.devDependencies, ...manifest.peerDependencies };
  return name in declared ? undefined : `${name} is not in the package.json of ${room.dir}`;
}

function libraryFault(name, typeOnly, manifest) {
  if (name === '@clew/core') return undefined;
  if (name.startsWith('@clew/')) return 'library packages do not know one another';
  if (!(name in (manifest.peerDependencies ?? {})))
    return `a library package knows ${manifest.name}'s own library and core`;
  return typeOnly ? undefined : 'the traced library is handed over by the caller: import its types only';
}

/** Why the file `from` may not import the file `to`, both paths from the root; `undefined` when it may. */
export function fileFault(from, to) {
  const room = roomOf(from);
  if (!to.startsWith(`${room.dir}/`)) return 'a path leaves its room: use the published name';
  if (room.isSource && !to.startsWith(`${room.dir}/src/`)) return 'sources import sources only';
  return room.kind === 'core' ? coreFault(partOf(from), partOf(to)) : undefined;
}

/** Why core's file `from` may not end up loading `to` over other files; `undefined` when it may. */
export function reachFault(from, to) {
  return roomOf(from)?.kind === 'core' ? coreFault(partOf(from), partOf(to)) : undefined;
}

// packages/core/src/http/status.ts -> http; packages/core/src/ids.ts -> ids
function partOf(path) {
  return path.split('/')[3].replace(/\.ts$/, '');
}

function coreFault(from, to) {
  if (from === to) return undefined;
  if (CORE_ROOMS.includes(from) && CORE_ROOMS.includes(to)) return `${from} and ${to} do not know one another`;
  if (CORE_PARTS.includes(from) && (to === 'tracer' || CORE_ROOMS.includes(to))) return `${from} does not know ${to}`;
  const fromLevel = levelOf(from);
  const toLevel = levelOf(to);
  if (fromLevel === -1 || toLevel <= fromLevel) return undefined;
  return `${from} stands left of ${to}, and imports only from its left`;
}

function levelOf(part) {
  return CORE_ORDER.findIndex((group) => group.includes(part));
}
