// The newest traces, newest first, with filters.

import { clearAll, fetchServices, fetchStats, fetchTraces } from './api.js';
import { serviceColor } from './colors.js';
import { h, notify } from './dom.js';
import { formatAge, formatCount, formatDateTime, formatDuration, formatTime } from './format.js';
import { poll } from './poll.js';
import { setupCard } from './setup-card.js';

/** @typedef {import('./api.js').Summary} Summary */

const REFRESH_MS = 2000;

/** @param {HTMLElement} place @param {() => boolean} isLive @returns {import('./app.js').View} */
export function showList(place, isLive) {
  document.title = 'Traces – Clew';
  const parameters = new URLSearchParams(location.search);
  const filters = {
    service: parameters.get('service') ?? '',
    text: parameters.get('q') ?? '',
    errors: parameters.has('errors'),
  };
  /** @type {Map<string, { element: HTMLElement, summary: Summary }>} */
  const rows = new Map();
  /** @type {Summary[]} */
  let traces = [];
  let revision = -1;

  const services = h('select', {
    'aria-label': 'Service',
    onchange: () => changed(services.value, search.value, errors.checked),
  });
  const search = h('input', {
    type: 'search',
    placeholder: 'Filter by operation, service or id',
    'aria-label': 'Filter by operation, service or id',
    value: filters.text,
    spellcheck: 'false',
    oninput: () => changed(services.value, search.value, errors.checked),
  });
  const errors = h('input', {
    type: 'checkbox',
    checked: filters.errors,
    onchange: () => changed(services.value, search.value, errors.checked),
  });
  const count = h('span', { class: 'count' });
  const clear = h('button', { type: 'button', class: 'quiet', onclick: forget }, 'Clear');
  const list = h('ul', { class: 'traces', 'aria-label': 'Traces' });
  const empty = h('div', { class: 'empty' });
  const bar = h(
    'div',
    { class: 'filters' },
    services,
    search,
    h('label', { class: 'check' }, errors, 'Errors only'),
    count,
    clear,
  );
  const head = h('div', { class: 'trace-head', 'aria-hidden': 'true' });
  head.append(...['Trace', 'Services', 'Spans', 'Duration', 'Started'].map((title) => h('span', {}, title)));
  place.replaceChildren(h('h1', { class: 'visually-hidden' }, 'Traces'), bar, head, list, empty);

  /** @param {string} service @param {string} text @param {boolean} errorsOnly */
  function changed(service, text, errorsOnly) {
    const isOtherService = service !== filters.service;
    Object.assign(filters, { service, text, errors: errorsOnly });
    const query = new URLSearchParams();
    if (service !== '') query.set('service', service);
    if (text !== '') query.set('q', text);
    if (errorsOnly) query.set('errors', '1');
    history.replaceState(null, '', `/${query.size === 0 ? '' : `?${query}`}`);
    if (!isOtherService) return render();
    revision = -1;
    asking.now();
  }

  async function forget() {
    if (!confirm('Forget all traces and log lines that the viewer holds?')) return;
    await clearAll();
    notify('cleared');
    revision = -1;
    asking.now();
  }

  async function refresh() {
    if (!isLive() && revision !== -1) return;
    const answer = await fetchTraces(filters.service);
    const isChanged = answer.revision !== revision;
    revision = answer.revision;
    traces = answer.traces;
    if (isChanged) fillServices(services, await fetchServices(), filters.service);
    render();
  }

  function render() {
    const text = filters.text.trim().toLowerCase();
    const shown = traces.filter((trace) => (!filters.errors || trace.errorCount > 0) && matches(trace, text));
    const longest = shown.reduce((most, trace) => Math.max(most, trace.durationNs), 1);
    renderRows(list, rows, shown, longest);
    head.hidden = shown.length === 0;
    count.textContent =
      shown.length === traces.length
        ? formatCount(traces.length, 'trace')
        : `${shown.length} of ${traces.length} traces`;
    clear.hidden = traces.length === 0;
    empty.hidden = shown.length > 0;
    if (shown.length === 0) renderEmpty(empty, traces.length > 0 || filters.service !== '');
  }

  /** @param {KeyboardEvent} event */
  function onKey(event) {
    if (event.key === '/') search.focus();
    else if (event.key === 'e') errors.click();
    else if (event.key === 'j' || event.key === 'ArrowDown') moveFocus(list, 1);
    else if (event.key === 'k' || event.key === 'ArrowUp') moveFocus(list, -1);
    else return false;
    return true;
  }

  const asking = poll(refresh, REFRESH_MS);
  return { dispose: asking.stop, onKey, refresh: asking.now };
}

/** @param {HTMLElement} empty @param {boolean} hasTraces */
async function renderEmpty(empty, hasTraces) {
  if (hasTraces) return empty.replaceChildren(h('p', {}, 'No trace here matches these filters.'));
  if (empty.querySelector('.setup') !== null) return;
  const { otlpUrl } = await fetchStats();
  empty.replaceChildren(setupCard(otlpUrl));
}

/**
 * Brings the list to what is shown without moving rows that stay, so that focus and reading place stay too.
 *
 * @param {HTMLElement} list
 * @param {Map<string, { element: HTMLElement, summary: Summary }>} rows
 * @param {Summary[]} shown
 * @param {number} longest
 */
function renderRows(list, rows, shown, longest) {
  const ids = new Set(shown.map(({ traceId }) => traceId));
  for (const [id, { element }] of rows) {
    if (ids.has(id)) continue;
    element.remove();
    rows.delete(id);
  }
  let next = list.firstElementChild;
  for (const summary of shown) {
    const row = rows.get(summary.traceId) ?? { element: h('li'), summary: undefined };
    if (JSON.stringify(row.summary) !== JSON.stringify(summary)) fillRow(row.element, summary);
    rows.set(summary.traceId, { element: row.element, summary });
    row.element.style.setProperty('--share', String(summary.durationNs / longest));
    const age = row.element.querySelector('.age');
    if (age !== null) age.textContent = formatAge(Number(BigInt(summary.startNs) / 1_000_000n), Date.now());
    if (row.element === next) next = next.nextElementSibling;
    else list.insertBefore(row.element, next);
  }
}

/** @param {HTMLElement} element @param {Summary} summary */
function fillRow(element, summary) {
  const { root, services, errorCount } = summary;
  const startMs = Number(BigInt(summary.startNs) / 1_000_000n);
  const hadFocus = element.contains(document.activeElement);
  const link = h(
    'a',
    {
      href: `/trace/${summary.traceId}`,
      class: errorCount > 0 ? 'row failed' : 'row',
      '--color': serviceColor(root.service),
    },
    h(
      'span',
      { class: 'root' },
      h('b', {}, root.operation || '(no name)'),
      h('span', { class: 'service' }, root.service),
      errorCount > 0 && h('span', { class: 'error' }, `✕ ${formatCount(errorCount, 'error')}`),
    ),
    h(
      'span',
      { class: 'chips' },
      ...services
        .slice(0, 6)
        .map(({ name, count }) =>
          h('span', { class: 'chip', '--color': serviceColor(name), title: formatCount(count, 'span') }, name),
        ),
      services.length > 6 && h('span', { class: 'more' }, `+${services.length - 6}`),
    ),
    h('span', { class: 'number' }, summary.spanCount.toLocaleString('en-US')),
    h('span', { class: 'duration' }, h('span', { class: 'length' }), formatDuration(summary.durationNs)),
    h('span', { class: 'started', title: formatDateTime(startMs) }, formatTime(startMs), h('span', { class: 'age' })),
  );
  element.replaceChildren(link);
  if (hadFocus) link.focus();
}

/** @param {HTMLSelectElement} select @param {string[]} names @param {string} chosen */
function fillServices(select, names, chosen) {
  const all = chosen === '' || names.includes(chosen) ? names : [...names, chosen];
  const options = ['', ...all].map((name) =>
    h('option', { value: name, selected: name === chosen }, name || 'All services'),
  );
  const isSame =
    select.options.length === options.length &&
    options.every((option, index) => option.value === select.options[index]?.value);
  if (!isSame) select.replaceChildren(...options);
}

/** @param {Summary} trace @param {string} text lower case */
function matches(trace, text) {
  if (text === '') return true;
  const { root, services, traceId } = trace;
  const words = [root.operation, traceId, ...services.map(({ name }) => name)];
  return words.some((word) => word.toLowerCase().includes(text));
}

/** @param {HTMLElement} list @param {number} step */
function moveFocus(list, step) {
  const links = [...list.querySelectorAll('a')];
  const focused = document.activeElement;
  const at = focused instanceof HTMLAnchorElement ? links.indexOf(focused) : -1;
  const next = at === -1 ? 0 : Math.min(links.length - 1, Math.max(0, at + step));
  links[next]?.focus();
}
