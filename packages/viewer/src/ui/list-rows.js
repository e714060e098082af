// The rows of the list. Rows that stay are never moved, so that focus and reading place stay too.

import { serviceColor } from './colors.js';
import { h } from './dom.js';
import { formatAge, formatCount, formatDateTime, formatDuration, formatTime } from './format.js';

/** @typedef {import('./api.js').Summary} Summary */

/** Services named in a row; the others are counted. */
const MAX_CHIPS = 6;

export class ListRows {
  /** @type {HTMLElement} */
  element = h('ul', { class: 'traces', 'aria-label': 'Traces' });
  /** @type {Map<string, { element: HTMLElement, told: string }>} by trace id */
  #rows = new Map();

  /** @param {Summary[]} traces in the order in which they are shown */
  show(traces) {
    this.#removeOthers(new Set(traces.map(({ traceId }) => traceId)));
    const longest = traces.reduce((most, trace) => Math.max(most, trace.durationNs), 1);
    let next = this.element.firstElementChild;
    for (const trace of traces) {
      const element = this.#rowOf(trace);
      element.style.setProperty('--share', String(trace.durationNs / longest));
      if (element === next) next = next.nextElementSibling;
      else this.element.insertBefore(element, next);
    }
  }

  /** @param {1 | -1} by */
  moveFocus(by) {
    const links = [...this.element.querySelectorAll('a')];
    const focused = document.activeElement;
    const at = focused instanceof HTMLAnchorElement ? links.indexOf(focused) : -1;
    const to = at === -1 ? 0 : Math.min(links.length - 1, Math.max(0, at + by));
    links[to]?.focus();
  }

  /** @param {Set<string>} ids */
  #removeOthers(ids) {
    for (const [id, { element }] of this.#rows) {
      if (ids.has(id)) continue;
      element.remove();
      this.#rows.delete(id);
    }
  }

  /** @param {Summary} trace */
  #rowOf(trace) {
    const told = JSON.stringify(trace);
    const known = this.#rows.get(trace.traceId);
    const element = known?.element ?? h('li');
    if (known?.told !== told) fill(element, trace);
    this.#rows.set(trace.traceId, { element, told });
    const age = element.querySelector('.age');
    if (age !== null) age.textContent = formatAge(startMs(trace), Date.now());
    return element;
  }
}

/** @param {HTMLElement} element @param {Summary} trace */
function fill(element, trace) {
  const hadFocus = element.contains(document.activeElement);
  const link = h(
    'a',
    { href: `/trace/${trace.traceId}`, class: 'row', '--color': serviceColor(trace.root.service) },
    rootCell(trace),
    servicesCell(trace),
    h('span', { class: 'number' }, trace.spanCount.toLocaleString('en-US')),
    h('span', { class: 'duration' }, h('span', { class: 'length' }), formatDuration(trace.durationNs)),
    h(
      'span',
      { class: 'started', title: formatDateTime(startMs(trace)) },
      formatTime(startMs(trace)),
      h('span', { class: 'age' }),
    ),
  );
  element.replaceChildren(link);
  if (hadFocus) link.focus();
}

/** @param {Summary} trace */
function rootCell({ root, errorCount }) {
  const name = h('b', {}, root.operation || '(no name)');
  const error = errorCount > 0 && h('span', { class: 'error' }, `✕ ${formatCount(errorCount, 'error')}`);
  return h('span', { class: 'root' }, name, h('span', { class: 'service' }, root.service), error);
}

/** @param {Summary} trace */
function servicesCell({ services }) {
  const chips = services.slice(0, MAX_CHIPS).map(({ name, count }) => {
    return h('span', { class: 'chip', '--color': serviceColor(name), title: formatCount(count, 'span') }, name);
  });
  const others = services.length > MAX_CHIPS && h('span', { class: 'more' }, `+${services.length - MAX_CHIPS}`);
  return h('span', { class: 'chips' }, ...chips, others);
}

/** @param {Summary} trace */
function startMs({ startNs }) {
  return Number(BigInt(startNs) / 1_000_000n);
}
