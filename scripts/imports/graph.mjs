// Walks over "which file imports which".

/**
 * One cycle of imports, as the list of its files, or `undefined`.
 *
 * @param edges  a map from each file to the files that it imports
 */
export function findCycle(edges) {
  const finished = new Set();
  for (const file of edges.keys()) {
    const cycle = walk(file, [], edges, finished);
    if (cycle !== undefined) return cycle;
  }
  return undefined;
}

function walk(file, path, edges, finished) {
  const seenAt = path.indexOf(file);
  if (seenAt !== -1) return [...path.slice(seenAt), file];
  if (finished.has(file)) return undefined;
  for (const next of edges.get(file) ?? []) {
    const cycle = walk(next, [...path, file], edges, finished);
    if (cycle !== undefined) return cycle;
  }
  finished.add(file);
  return undefined;
}

/** Every file that `start` loads, itself not, with the way there: a map from the file to the path of files. */
export function reach(start, edges) {
  const ways = new Map();
  const waiting = [[start]];
  for (let way = waiting.shift(); way !== undefined; way = waiting.shift()) {
    for (const next of edges.get(way.at(-1)) ?? []) {
      if (next === start || ways.has(next)) continue;
      ways.set(next, [...way, next]);
      waiting.push([...way, next]);
    }
  }
  return ways;
}
