// A trace in Jaeger's JSON to the rows of a waterfall. Pure.

/**
 * @typedef {{ key: string, type: string, value: string | number | boolean }} Tag
 * @typedef {{ traceID: string, spanID: string, operationName: string, references: { refType: string, traceID: string, spanID: string }[],
 *   startTime: number, duration: number, tags: Tag[], logs: { timestamp: number, fields: Tag[] }[], processID: string,
 *   warnings: string[] | null }} JaegerSpan
 * @typedef {{ traceID: string, spans: JaegerSpan[], processes: Record<string, { serviceName: string, tags: Tag[] }>,
 *   warnings: string[] | null }} JaegerTrace
 *
 * @typedef {object} Row one span
 * @property {JaegerSpan} span
 * @property {string} key same for the same span after a reload
 * @property {string} service
 * @property {string} kind empty when unspecified
 * @property {boolean} isError
 * @property {boolean} isOrphan its parent is not in the trace
 * @property {number} offsetUs start, counted from the start of the trace
 * @property {number} depth 0 for a root
 * @property {Row | undefined} parent
 * @property {Row[]} children by start
 * @property {number} descendants
 * @property {number} position among its siblings, from 1
 * @property {number} siblings how many share its parent, itself included
 *
 * @typedef {object} TraceModel
 * @property {JaegerTrace} trace
 * @property {Row[]} rows all, parents before children
 * @property {Row[]} roots
 * @property {number} startUs
 * @property {number} durationUs at least 1
 * @property {number} errors
 * @property {number} depth
 * @property {{ name: string, count: number }[]} services in the order of appearance
 */

/** @param {JaegerTrace} trace @returns {TraceModel} */
export function buildModel(trace) {
  const startUs = trace.spans.reduce((least, span) => Math.min(least, span.startTime), Number.POSITIVE_INFINITY);
  const endUs = trace.spans.reduce((most, span) => Math.max(most, span.startTime + span.duration), 0);
  const all = trace.spans.map((span) => newRow(span, trace, startUs));
  const roots = linkParents(all);
  const rows = flatten(roots, all);
  return {
    trace,
    rows,
    roots,
    startUs,
    durationUs: Math.max(1, endUs - startUs),
    errors: rows.filter((row) => row.isError).length,
    depth: rows.reduce((most, row) => Math.max(most, row.depth + 1), 0),
    services: countServices(rows),
  };
}

/** Rows that are not inside a collapsed one. @param {TraceModel} model @param {ReadonlySet<string>} collapsed keys */
export function visibleRows(model, collapsed) {
  /** @type {Row[]} */
  const visible = [];
  let hiddenBelow = Number.POSITIVE_INFINITY;
  for (const row of model.rows) {
    if (row.depth > hiddenBelow) continue;
    hiddenBelow = collapsed.has(row.key) ? row.depth : Number.POSITIVE_INFINITY;
    visible.push(row);
  }
  return visible;
}

/** Whether a span has the text in its name, service, attributes or events. @param {Row} row @param {string} text lower case */
export function rowMatches(row, text) {
  const { span } = row;
  if (span.operationName.toLowerCase().includes(text) || row.service.toLowerCase().includes(text)) return true;
  if (span.spanID.startsWith(text)) return true;
  return tagsMatch(span.tags, text) || span.logs.some((log) => tagsMatch(log.fields, text));
}

/** Value of a tag. @param {Tag[]} tags @param {string} key */
export function tagValue(tags, key) {
  return tags.find((tag) => tag.key === key)?.value;
}

/** @param {Tag[]} tags @param {string} text */
function tagsMatch(tags, text) {
  return tags.some(({ key, value }) => `${key}=${value}`.toLowerCase().includes(text));
}

/** @param {JaegerSpan} span @param {JaegerTrace} trace @param {number} startUs @returns {Row} */
function newRow(span, trace, startUs) {
  const kind = String(tagValue(span.tags, 'span.kind') ?? '');
  return {
    span,
    key: `${span.spanID} ${kind}`,
    service: trace.processes[span.processID]?.serviceName ?? '',
    kind,
    isError: tagValue(span.tags, 'error') === true || tagValue(span.tags, 'otel.status_code') === 'ERROR',
    isOrphan: false,
    offsetUs: span.startTime - startUs,
    depth: 0,
    parent: undefined,
    children: [],
    descendants: 0,
    position: 1,
    siblings: 1,
  };
}

/** @param {Row[]} rows @returns {Row[]} roots */
function linkParents(rows) {
  /** @type {Map<string, Row>} */
  const byId = new Map();
  /** @type {Map<string, Row>} */
  const clients = new Map();
  // Where a CLIENT and a SERVER share an id, the SERVER is the CLIENT's child, and children belong to the SERVER.
  for (const row of rows) {
    if (row.kind === 'client') clients.set(row.span.spanID, row);
    if (!byId.has(row.span.spanID) || row.kind === 'server') byId.set(row.span.spanID, row);
  }
  for (const row of rows) {
    const twin = row.kind === 'server' ? clients.get(row.span.spanID) : undefined;
    row.parent = twin ?? parentOf(row, byId);
    row.parent?.children.push(row);
  }
  const roots = rows.filter((row) => row.parent === undefined);
  for (const siblings of [roots, ...rows.map((row) => row.children)]) numberSiblings(siblings);
  return roots;
}

/** @param {Row} row @param {Map<string, Row>} byId */
function parentOf(row, byId) {
  const { span } = row;
  const reference = span.references.find(({ refType, traceID }) => refType === 'CHILD_OF' && traceID === span.traceID);
  if (reference === undefined) return undefined;
  const parent = byId.get(reference.spanID);
  row.isOrphan = parent === undefined;
  // A span that names itself is a root.
  return reference.spanID === span.spanID ? undefined : parent;
}

/** @param {Row[]} siblings */
function numberSiblings(siblings) {
  siblings.sort((a, b) => a.offsetUs - b.offsetUs);
  for (const [index, row] of siblings.entries()) {
    row.position = index + 1;
    row.siblings = siblings.length;
  }
}

/**
 * Parents before children, without recursion: a trace may be ten thousand deep.
 *
 * @param {Row[]} roots grows by the spans of cycles, which no root leads to
 * @param {Row[]} all
 */
function flatten(roots, all) {
  /** @type {Row[]} */
  const rows = [];
  /** @type {Set<Row>} */
  const seen = new Set();
  /** @param {Row} root */
  const walk = (root) => {
    const stack = [root];
    for (let row = stack.pop(); row !== undefined; row = stack.pop()) {
      if (seen.has(row)) continue;
      seen.add(row);
      row.depth = row === root || row.parent === undefined ? 0 : row.parent.depth + 1;
      rows.push(row);
      for (const child of row.children.toReversed()) stack.push(child);
    }
  };
  for (const root of roots) walk(root);
  for (const row of all) {
    if (seen.has(row)) continue;
    // A cycle: cut above the span that comes first.
    if (row.parent !== undefined) row.parent.children = row.parent.children.filter((child) => child !== row);
    row.parent = undefined;
    roots.push(row);
    walk(row);
  }
  for (const row of rows.toReversed()) if (row.parent !== undefined) row.parent.descendants += row.descendants + 1;
  return rows;
}

/** @param {Row[]} rows */
function countServices(rows) {
  /** @type {Map<string, { name: string, count: number }>} */
  const services = new Map();
  for (const { service } of rows) {
    const entry = services.get(service) ?? { name: service, count: 0 };
    entry.count++;
    services.set(service, entry);
  }
  return [...services.values()];
}
