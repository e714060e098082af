// All that is known of one span.

import { serviceColor } from './colors.js';
import { h, notify } from './dom.js';
import { formatDateTime, formatDuration } from './format.js';
import { lineElements } from './log-lines.js';
import { tagValue } from './trace-model.js';

/** @typedef {import('./trace-model.js').Tag} Tag */

/** Longest value shown; the JSON has the rest. Characters. */
const MAX_SHOWN = 65_536;
/** Shown in the head or in a section of their own. */
const PLACED = new Set([
  'span.kind',
  'otel.status_code',
  'otel.status_description',
  'error',
  'otel.scope.name',
  'otel.scope.version',
]);

/**
 * @param {import('./trace-model.js').Row} row
 * @param {import('./trace-model.js').TraceModel} model
 * @param {import('./api.js').LogLine[]} lines
 * @param {() => void} close
 * @param {(spanId: string) => void} openSpan
 * @returns {Node[]}
 */
export function spanDetails(row, model, lines, close, openSpan) {
  const { span } = row;
  const process = model.trace.processes[span.processID];
  const ownLines = lines.filter(({ spanId }) => spanId === span.spanID);
  const parent = span.references.find(({ refType }) => refType === 'CHILD_OF');
  const links = span.references.filter(({ refType }) => refType === 'FOLLOWS_FROM');
  const description = tagValue(span.tags, 'otel.status_description');
  return [
    h(
      'header',
      {},
      h(
        'h2',
        {},
        h('span', { class: 'service-name', '--color': serviceColor(row.service) }, row.service),
        span.operationName || '(no name)',
      ),
      h('button', { type: 'button', class: 'quiet', 'aria-label': 'Close details', onclick: close }, '✕'),
    ),
    row.isError && h('p', { class: 'failure' }, `✕ error${description === undefined ? '' : `: ${description}`}`),
    ...(span.warnings ?? []).map((warning) => h('p', { class: 'warning' }, `⚠ ${warning}`)),
    timing(row, model),
    section(
      'Attributes',
      tagTable(span.tags.filter(({ key }) => !PLACED.has(key))),
      span.tags.some(({ key }) => !PLACED.has(key)),
    ),
    section('Events', events(row), span.logs.length > 0),
    section(
      'Links',
      h('ul', { class: 'links' }, ...links.map((link) => linkElement(link, span.traceID, openSpan))),
      links.length > 0,
    ),
    section('Log lines', h('ol', { class: 'lines' }, ...lineElements(ownLines, model, undefined)), ownLines.length > 0),
    section('Process', tagTable(process?.tags ?? []), (process?.tags.length ?? 0) > 0),
    section('Made by', tagTable(idTags(row, parent?.spanID)), true),
  ].filter((part) => part !== false);
}

/** @param {import('./trace-model.js').Row} row @param {import('./trace-model.js').TraceModel} model */
function timing({ span, kind, offsetUs }, model) {
  const share = Math.round((span.duration / model.durationUs) * 1000) / 10;
  const facts = [
    ['Duration', `${formatDuration(span.duration * 1000)} (${share} %)`],
    ['Starts', `after ${formatDuration(offsetUs * 1000)}`],
    ['Kind', kind || 'unspecified'],
    ['At', formatDateTime(span.startTime / 1000)],
  ];
  return h(
    'dl',
    { class: 'facts' },
    ...facts.map(([name = '', value = '']) => h('div', {}, h('dt', {}, name), h('dd', {}, value))),
  );
}

/** @param {string} title @param {Node} content @param {boolean} isShown */
function section(title, content, isShown) {
  return isShown && h('section', {}, h('h3', {}, title), content);
}

/** @param {Tag[]} tags */
function tagTable(tags) {
  return h('table', { class: 'tags' }, h('tbody', {}, ...tags.map(tagRow)));
}

/** @param {Tag} tag */
function tagRow({ key, value, type }) {
  const text = String(value);
  const shown =
    text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}… (${text.length.toLocaleString('en-US')} characters)` : text;
  const copy = async () => {
    await navigator.clipboard.writeText(text);
    notify(`${key} copied`);
  };
  return h(
    'tr',
    {},
    h('th', { scope: 'row' }, ...breakable(key)),
    h(
      'td',
      { class: text.includes('\n') ? `${type} block` : type },
      shown === '' ? h('i', { class: 'muted' }, 'empty') : shown,
    ),
    h(
      'td',
      { class: 'act' },
      h('button', { type: 'button', class: 'quiet', 'aria-label': `Copy ${key}`, title: 'Copy', onclick: copy }),
    ),
  );
}

/** A dotted key that may break behind its dots. @param {string} key */
function breakable(key) {
  return key.split(/(?<=[._])/).flatMap((part) => [part, h('wbr')]);
}

/** @param {import('./trace-model.js').Row} row */
function events({ span }) {
  return h('ol', { class: 'events' }, ...span.logs.map((log) => eventElement(log, span.startTime)));
}

/** @param {import('./trace-model.js').JaegerSpan['logs'][number]} log @param {number} startUs */
function eventElement({ timestamp, fields }, startUs) {
  const others = fields.filter(({ key }) => key !== 'event');
  const name = tagValue(fields, 'event');
  const offset = formatDuration(Math.max(0, timestamp - startUs) * 1000);
  const title = h(
    'span',
    { class: 'event-name' },
    h('b', {}, String(name ?? 'event')),
    h('span', { class: 'muted' }, ` after ${offset}`),
  );
  return h('li', {}, title, others.length > 0 && tagTable(others));
}

/**
 * @param {{ traceID: string, spanID: string }} link
 * @param {string} traceId of the span that links
 * @param {(spanId: string) => void} openSpan
 */
function linkElement({ traceID, spanID }, traceId, openSpan) {
  if (traceID === traceId) {
    return h(
      'li',
      {},
      'in this trace: ',
      h('button', { type: 'button', class: 'link', onclick: () => openSpan(spanID) }, `span ${spanID}`),
    );
  }
  const href = `/trace/${encodeURIComponent(traceID)}?span=${encodeURIComponent(spanID)}`;
  return h('li', {}, 'trace ', h('a', { href }, h('code', {}, traceID)), `, span ${spanID}`);
}

/** @param {import('./trace-model.js').Row} row @param {string | undefined} parentId @returns {Tag[]} */
function idTags({ span }, parentId) {
  const scope = [tagValue(span.tags, 'otel.scope.name'), tagValue(span.tags, 'otel.scope.version')].filter(
    (part) => part !== undefined,
  );
  const tags = [
    ['library', scope.join(' ')],
    ['span id', span.spanID],
    ['parent span id', parentId ?? ''],
  ];
  return tags.filter(([, value]) => value !== '').map(([key = '', value = '']) => ({ key, type: 'string', value }));
}
