// One trace: its head, its waterfall, the details of a span, and the log lines.

import { fetchLogs, fetchTrace } from './api.js';
import { h, notify } from './dom.js';
import { logSection } from './log-lines.js';
import { poll } from './poll.js';
import { spanDetails } from './span-details.js';
import { missingTrace, traceHead } from './trace-head.js';
import { buildModel, rowMatches } from './trace-model.js';
import { Waterfall } from './waterfall.js';

/** @typedef {import('./trace-model.js').TraceModel} TraceModel @typedef {import('./trace-model.js').Row} Row */

const REFRESH_MS = 1500;

export class TraceView {
  #place;
  #traceId;
  #isLive;
  #asking;
  /** @type {TraceModel | undefined} */
  #model;
  /** @type {import('./api.js').LogLine[]} */
  #lines = [];
  #etag = '';
  /** @type {string | undefined} what is searched for, lower case */
  #wanted;

  #head = h('div', { class: 'trace-top' });
  #details = h('aside', { class: 'details', 'aria-label': 'Span details', hidden: true, tabindex: -1 });
  #logs = h('section', { class: 'logs', 'aria-label': 'Log lines' });
  #found = h('span', { class: 'count' });
  #search = h('input', {
    type: 'search',
    placeholder: 'Find in this trace',
    'aria-label': 'Find in this trace',
    spellcheck: 'false',
    oninput: () => this.#find(),
    onkeydown: (/** @type {KeyboardEvent} */ event) =>
      event.key === 'Enter' && this.#step(this.#isFound, event.shiftKey ? -1 : 1),
  });
  #waterfall = new Waterfall({
    onSelect: () => this.#showSelected(),
    onToggleDetails: (isOpen) => this.#toggleDetails(isOpen),
  });
  #body = h('div', { class: 'trace-body' }, this.#waterfall.element, this.#details);
  #parts = h('div', { class: 'trace' }, this.#head, this.#tools(), this.#body, this.#logs);

  /** @param {HTMLElement} place @param {string} traceId @param {() => boolean} isLive */
  constructor(place, traceId, isLive) {
    document.title = `Trace ${traceId.slice(0, 8)} – Clew`;
    this.#place = place;
    this.#traceId = traceId;
    this.#isLive = isLive;
    place.replaceChildren(missingTrace(traceId, false));
    this.#asking = poll(() => this.#ask(), REFRESH_MS);
  }

  dispose() {
    this.#asking.stop();
    this.#waterfall.dispose();
  }

  refresh() {
    this.#asking.now();
  }

  /** @param {KeyboardEvent} event @returns {boolean} */
  onKey(event) {
    const { key } = event;
    if (key === '/') this.#search.focus();
    else if (key === 'e' || key === 'E') this.#step((row) => row.isError, key === 'e' ? 1 : -1);
    else if (key === 'n' || key === 'N') this.#step(this.#isFound, key === 'n' ? 1 : -1);
    else if (key === 'l') this.#logs.scrollIntoView({ block: 'start' });
    else if (key === 'y') this.#copyId();
    else if (key === 'Escape' && !this.#details.hidden) this.#closeDetails();
    else if (key === 'Escape') history.back();
    else return this.#waterfall.onKey(event);
    return true;
  }

  #tools() {
    const foldAll = (/** @type {boolean} */ isFolded) => () => this.#waterfall.foldAll(isFolded);
    return h(
      'div',
      { class: 'tools' },
      this.#search,
      this.#found,
      h('button', { type: 'button', class: 'quiet', onclick: foldAll(true) }, 'Fold all'),
      h('button', { type: 'button', class: 'quiet', onclick: foldAll(false) }, 'Unfold all'),
    );
  }

  async #ask() {
    if (!this.#isLive() && this.#model !== undefined) return;
    const answer = await fetchTrace(this.#traceId, this.#etag);
    if (answer.state === 'missing' && this.#model === undefined) {
      return this.#place.replaceChildren(missingTrace(this.#traceId, true));
    }
    const lines = await fetchLogs(this.#traceId);
    if (answer.state !== 'found' && lines.length === this.#lines.length) return;
    this.#lines = lines;
    if (answer.state === 'found') {
      this.#model = buildModel(answer.trace);
      this.#etag = answer.etag;
    }
    if (this.#model !== undefined) this.#render(this.#model);
  }

  /** @param {TraceModel} model */
  #render(model) {
    const isFirst = this.#parts.parentNode === null;
    if (isFirst) this.#place.replaceChildren(this.#parts);
    document.title = `${model.rows[0]?.span.operationName ?? this.#traceId} – Clew`;
    this.#head.replaceChildren(traceHead(model, this.#lines.length, () => this.#copyId()));
    this.#logs.replaceChildren(logSection(model, this.#lines, this.#openSpan));
    this.#waterfall.show(model, countLines(this.#lines));
    if (this.#wanted !== undefined) this.#find();
    if (!this.#details.hidden) this.#renderDetails();
    if (isFirst) this.#openFirst();
  }

  /** The address may name the span that is meant. */
  #openFirst() {
    const spanId = new URLSearchParams(location.search).get('span');
    if (spanId !== null) this.#openSpan(spanId);
    this.#waterfall.element.focus({ preventScroll: true });
  }

  #openSpan = (/** @type {string} */ spanId) => {
    const row = this.#model?.rows.find(({ span }) => span.spanID === spanId);
    if (row === undefined) return notify(`span ${spanId} is not in this trace`);
    this.#waterfall.select(row, true);
    this.#toggleDetails(true);
  };

  /** @param {boolean} [isOpen] the other way round when left out */
  #toggleDetails(isOpen = this.#details.hidden === true) {
    this.#details.hidden = !isOpen;
    this.#body.classList.toggle('with-details', isOpen);
    this.#showSelected();
  }

  #closeDetails() {
    this.#toggleDetails(false);
    this.#waterfall.element.focus({ preventScroll: true });
  }

  #showSelected() {
    const row = this.#waterfall.selected;
    if (row === undefined) return;
    const query = this.#details.hidden ? '' : `?span=${row.span.spanID}`;
    history.replaceState(null, '', `/trace/${this.#traceId}${query}`);
    if (!this.#details.hidden) this.#renderDetails();
  }

  #renderDetails() {
    const row = this.#waterfall.selected;
    if (row === undefined || this.#model === undefined) return;
    const close = () => this.#closeDetails();
    this.#details.replaceChildren(...spanDetails(row, this.#model, this.#lines, close, this.#openSpan));
    this.#details.scrollTop = 0;
  }

  #find() {
    const text = this.#search.value.trim().toLowerCase();
    this.#wanted = text === '' ? undefined : text;
    const matching = this.#wanted === undefined ? undefined : new Set(this.#model?.rows.filter(this.#isFound));
    this.#waterfall.highlight(matching);
    this.#found.textContent = matching === undefined ? '' : `${matching.size} found`;
  }

  #isFound = (/** @type {Row} */ row) => this.#wanted !== undefined && rowMatches(row, this.#wanted);

  /** Selects the next row, on or back, that fits; it wraps around. @param {(row: Row) => boolean} fits @param {1 | -1} by */
  #step(fits, by) {
    const rows = this.#model?.rows ?? [];
    const selected = this.#waterfall.selected;
    const at = selected === undefined ? -1 : rows.indexOf(selected);
    for (let moved = 1; moved <= rows.length; moved++) {
      const row = rows[(at + by * moved + rows.length * 2) % rows.length];
      if (row !== undefined && fits(row)) return this.#waterfall.select(row, true);
    }
    notify('nothing found');
  }

  async #copyId() {
    await navigator.clipboard.writeText(this.#traceId);
    notify('trace id copied');
  }
}

/** Log lines by span. @param {import('./api.js').LogLine[]} lines */
function countLines(lines) {
  /** @type {Map<string, number>} */
  const counts = new Map();
  for (const { spanId } of lines) counts.set(spanId, (counts.get(spanId) ?? 0) + 1);
  return counts;
}
