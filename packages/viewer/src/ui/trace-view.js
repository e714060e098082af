// One trace: its head, its waterfall, the details of a span, and the log lines.

import { fetchLogs, fetchTrace } from './api.js';
import { h, notify } from './dom.js';
import { logSection } from './log-lines.js';
import { poll } from './poll.js';
import { spanDetails } from './span-details.js';
import { missingTrace, traceHead } from './trace-head.js';
import { buildModel, rowMatches } from './trace-model.js';
import { createWaterfall } from './waterfall.js';

/** @typedef {import('./trace-model.js').TraceModel} TraceModel @typedef {import('./trace-model.js').Row} Row */

const REFRESH_MS = 1500;

/** @param {HTMLElement} place @param {string} traceId @param {() => boolean} isLive @returns {import('./app.js').View} */
export function showTrace(place, traceId, isLive) {
  document.title = `Trace ${traceId.slice(0, 8)} – Clew`;
  /** @type {TraceModel | undefined} */
  let model;
  /** @type {import('./api.js').LogLine[]} */
  let lines = [];
  let etag = '';
  /** @type {string | undefined} */
  let matchText;

  const head = h('div', { class: 'trace-top' });
  const details = h('aside', { class: 'details', 'aria-label': 'Span details', hidden: true, tabindex: -1 });
  const logs = h('section', { class: 'logs', 'aria-label': 'Log lines' });
  const search = h('input', {
    type: 'search',
    placeholder: 'Find in this trace',
    'aria-label': 'Find in this trace',
    spellcheck: 'false',
    oninput: () => find(search.value.trim().toLowerCase()),
    onkeydown: (/** @type {KeyboardEvent} */ event) => event.key === 'Enter' && step(isMatch, event.shiftKey ? -1 : 1),
  });
  const found = h('span', { class: 'count' });
  const waterfall = createWaterfall({ onSelect: select, onToggleDetails: toggleDetails });
  const tools = h(
    'div',
    { class: 'tools' },
    search,
    found,
    h('button', { type: 'button', class: 'quiet', onclick: () => waterfall.foldAll(true) }, 'Fold all'),
    h('button', { type: 'button', class: 'quiet', onclick: () => waterfall.foldAll(false) }, 'Unfold all'),
  );
  const body = h('div', { class: 'trace-body' }, waterfall.element, details);
  const parts = h('div', { class: 'trace' }, head, tools, body, logs);
  place.replaceChildren(missingTrace(traceId, false));

  async function refresh() {
    if (!isLive() && model !== undefined) return;
    const answer = await fetchTrace(traceId, etag);
    if (answer.state === 'missing' && model === undefined) return place.replaceChildren(missingTrace(traceId, true));
    const fresh = await fetchLogs(traceId);
    const hasNewLines = fresh.length !== lines.length;
    if (answer.state !== 'found' && !hasNewLines) return;
    lines = fresh;
    if (answer.state === 'found') {
      model = buildModel(answer.trace);
      etag = answer.etag;
    }
    if (model !== undefined) render(model);
  }

  /** @param {TraceModel} current */
  function render(current) {
    const isFirst = parts.parentNode === null;
    if (isFirst) place.replaceChildren(parts);
    head.replaceChildren(traceHead(current, lines.length, copyId));
    waterfall.show(current, countLines(lines));
    renderLogs(current);
    if (matchText !== undefined) find(matchText);
    const wanted = isFirst ? new URLSearchParams(location.search).get('span') : undefined;
    if (wanted) openSpan(wanted);
    else if (!details.hidden) renderDetails();
    if (isFirst) waterfall.element.focus({ preventScroll: true });
    document.title = `${current.rows[0]?.span.operationName ?? traceId} – Clew`;
  }

  /** @param {TraceModel} current */
  function renderLogs(current) {
    logs.replaceChildren(logSection(current, lines, openSpan));
  }

  /** @param {string} spanId */
  function openSpan(spanId) {
    const row = model?.rows.find(({ span }) => span.spanID === spanId);
    if (row === undefined) return notify(`span ${spanId} is not in this trace`);
    waterfall.select(row, true);
    toggleDetails(true);
  }

  /** @param {Row} row */
  function select(row) {
    const query = details.hidden ? '' : `?span=${row.span.spanID}`;
    history.replaceState(null, '', `/trace/${traceId}${query}`);
    if (!details.hidden) renderDetails();
  }

  /** @param {boolean} [isOpen] the other way round when left out */
  function toggleDetails(isOpen = details.hidden === true) {
    details.hidden = !isOpen;
    body.classList.toggle('with-details', isOpen);
    const row = waterfall.selected();
    if (row !== undefined) select(row);
  }

  function renderDetails() {
    const row = waterfall.selected();
    if (row === undefined || model === undefined) return;
    const close = () => {
      toggleDetails(false);
      waterfall.element.focus({ preventScroll: true });
    };
    details.replaceChildren(...spanDetails(row, model, lines, close, openSpan));
    details.scrollTop = 0;
  }

  /** @param {string} text lower case */
  function find(text) {
    matchText = text === '' ? undefined : text;
    const matching = matchText === undefined ? undefined : new Set(model?.rows.filter((row) => rowMatches(row, text)));
    waterfall.highlight(matching);
    found.textContent = matching === undefined ? '' : `${matching.size} found`;
  }

  /** @param {Row} row */
  function isMatch(row) {
    return matchText !== undefined && rowMatches(row, matchText);
  }

  /** Selects the next row, on or back, that fits; it wraps around. @param {(row: Row) => boolean} fits @param {1 | -1} by */
  function step(fits, by) {
    const rows = model?.rows ?? [];
    const selected = waterfall.selected();
    const at = selected === undefined ? -1 : rows.indexOf(selected);
    for (let moved = 1; moved <= rows.length; moved++) {
      const row = rows[(at + by * moved + rows.length * 2) % rows.length];
      if (row !== undefined && fits(row)) return waterfall.select(row, true);
    }
    notify('nothing found');
  }

  async function copyId() {
    await navigator.clipboard.writeText(traceId);
    notify('trace id copied');
  }

  /** @param {KeyboardEvent} event */
  function onKey(event) {
    if (event.key === '/') search.focus();
    else if (event.key === 'e' || event.key === 'E') step((row) => row.isError, event.key === 'e' ? 1 : -1);
    else if (event.key === 'n' || event.key === 'N') step(isMatch, event.key === 'n' ? 1 : -1);
    else if (event.key === 'l') logs.scrollIntoView({ block: 'start' });
    else if (event.key === 'y') copyId();
    else if (event.key === 'Escape' && !details.hidden) toggleDetails(false);
    else if (event.key === 'Escape') history.back();
    else return waterfall.onKey(event);
    return true;
  }

  const asking = poll(refresh, REFRESH_MS);
  const dispose = () => {
    asking.stop();
    waterfall.dispose();
  };
  return { dispose, onKey, refresh: asking.now };
}

/** Log lines by span. @param {import('./api.js').LogLine[]} lines */
function countLines(lines) {
  /** @type {Map<string, number>} */
  const counts = new Map();
  for (const { spanId } of lines) counts.set(spanId, (counts.get(spanId) ?? 0) + 1);
  return counts;
}
