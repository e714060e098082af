// Log lines of a trace, by time.

import { serviceColor } from './colors.js';
import { h } from './dom.js';
import { formatCount, formatDuration } from './format.js';

/** @typedef {import('./api.js').LogLine} LogLine @typedef {import('./trace-model.js').TraceModel} TraceModel */

/** Lines drawn at once. */
const PAGE = 500;
/** The same on every line of a process, so only seen when a line is opened. */
const NOISE = new Set(['pid', 'hostname']);
const MARKS = new Map([
  ['fatal', '✕'],
  ['error', '✕'],
  ['warn', '⚠'],
]);

/** @param {TraceModel} model @param {LogLine[]} lines @param {(spanId: string) => void} openSpan */
export function logSection(model, lines, openSpan) {
  const title = h('h2', {}, 'Log lines', h('span', { class: 'count' }, formatCount(lines.length, 'line')));
  if (lines.length === 0) return h('div', {}, title, noLines());
  const list = h('ol', { class: 'lines' }, ...lineElements(lines.slice(0, PAGE), model, openSpan));
  const section = h('div', {}, title, list);
  if (lines.length > PAGE) section.append(moreButton(list, lines, model, openSpan));
  return section;
}

/** @param {LogLine[]} lines @param {TraceModel} model @param {((spanId: string) => void) | undefined} openSpan */
export function lineElements(lines, model, openSpan) {
  const startNs = BigInt(Math.round(model.startUs)) * 1000n;
  return lines.map((line) => lineElement(line, startNs, openSpan));
}

/** @param {LogLine} line @param {bigint} startNs @param {((spanId: string) => void) | undefined} openSpan */
function lineElement(line, startNs, openSpan) {
  const offsetNs = Number(BigInt(line.timeNs) - startNs);
  const offset = offsetNs < 0 ? `−${formatDuration(-offsetNs)}` : `+${formatDuration(offsetNs)}`;
  const fields = Object.entries(line.fields);
  const mark = MARKS.get(line.level);
  const open = openSpan !== undefined && line.spanId !== '' ? () => openSpan(line.spanId) : undefined;
  return h(
    'li',
    { class: `line level-${line.level}`, '--color': serviceColor(line.service) },
    h('span', { class: 'offset' }, offset),
    h('span', { class: 'level' }, mark === undefined ? line.level : `${mark} ${line.level}`),
    h('span', { class: 'service' }, line.service),
    h(
      'span',
      { class: 'message' },
      h('span', { class: 'text' }, line.msg || h('i', { class: 'muted' }, 'no message')),
      fields.length > 0 &&
        h(
          'details',
          {},
          h('summary', {}, fieldSummary(fields)),
          h('pre', {}, JSON.stringify(line.fields, undefined, 2)),
        ),
    ),
    open !== undefined && h('button', { type: 'button', class: 'quiet', onclick: open }, 'Span'),
  );
}

/** @param {[string, unknown][]} fields */
function fieldSummary(fields) {
  const told = fields.filter(([key]) => !NOISE.has(key));
  if (told.length === 0) return fields.map(([key]) => key).join(', ');
  const text = told.map(([key, value]) => `${key}=${shortValue(value)}`).join('  ');
  return text.length > 160 ? `${text.slice(0, 160)}…` : text;
}

/** @param {unknown} value */
function shortValue(value) {
  if (typeof value === 'object' && value !== null) {
    // pino's serialised error says most in its message.
    return 'message' in value ? String(value.message) : JSON.stringify(value);
  }
  return String(value);
}

/** @param {HTMLElement} list @param {LogLine[]} lines @param {TraceModel} model @param {(spanId: string) => void} openSpan */
function moreButton(list, lines, model, openSpan) {
  const button = h('button', { type: 'button', onclick: more }, '');
  label();
  function more() {
    const from = list.childElementCount;
    list.append(...lineElements(lines.slice(from, from + PAGE), model, openSpan));
    label();
  }
  function label() {
    const left = lines.length - list.childElementCount;
    button.hidden = left === 0;
    button.textContent = `Show ${Math.min(PAGE, left)} more of ${left}`;
  }
  return button;
}

function noLines() {
  return h(
    'p',
    { class: 'muted' },
    'None arrived for this trace. Lines need a ',
    h('code', {}, 'trace_id'),
    '; send them as OTLP to ',
    h('code', {}, '/v1/logs'),
    ', or as pino writes them to ',
    h('code', {}, '/api/clew/logs'),
    '.',
  );
}
