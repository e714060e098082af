// The newest traces, newest first, with filters.

import { clearAll, fetchServices, fetchStats, fetchTraces } from './api.js';
import { h, notify } from './dom.js';
import { formatCount } from './format.js';
import { ListRows } from './list-rows.js';
import { poll } from './poll.js';
import { setupCard } from './setup-card.js';

/** @typedef {import('./api.js').Summary} Summary */

const REFRESH_MS = 2000;

export class ListView {
  #isLive;
  #asking;
  #rows = new ListRows();
  /** @type {Summary[]} */
  #traces = [];
  /** Of what is shown; -1 before anything is. */
  #revision = -1;

  #services = h('select', { 'aria-label': 'Service', onchange: () => this.#serviceChosen() });
  #search = h('input', {
    type: 'search',
    placeholder: 'Filter by operation, service or id',
    'aria-label': 'Filter by operation, service or id',
    spellcheck: 'false',
    oninput: () => this.#filtersChanged(),
  });
  #errors = h('input', { type: 'checkbox', onchange: () => this.#filtersChanged() });
  #count = h('span', { class: 'count' });
  #clear = h('button', { type: 'button', class: 'quiet', onclick: () => this.#forget() }, 'Clear');
  #head = h('div', { class: 'trace-head', 'aria-hidden': 'true' }, ...columnTitles());
  #empty = h('div', { class: 'empty' });

  /** @param {HTMLElement} place @param {() => boolean} isLive */
  constructor(place, isLive) {
    document.title = 'Traces – Clew';
    this.#isLive = isLive;
    this.#readAddress();
    const onlyErrors = h('label', { class: 'check' }, this.#errors, 'Errors only');
    const bar = h('div', { class: 'filters' }, this.#services, this.#search, onlyErrors, this.#count, this.#clear);
    const title = h('h1', { class: 'visually-hidden' }, 'Traces');
    place.replaceChildren(title, bar, this.#head, this.#rows.element, this.#empty);
    this.#asking = poll(() => this.#ask(), REFRESH_MS);
  }

  dispose() {
    this.#asking.stop();
  }

  refresh() {
    this.#asking.now();
  }

  /** @param {KeyboardEvent} event @returns {boolean} */
  onKey({ key }) {
    if (key === '/') this.#search.focus();
    else if (key === 'e') this.#errors.click();
    else if (key === 'j' || key === 'ArrowDown') this.#rows.moveFocus(1);
    else if (key === 'k' || key === 'ArrowUp') this.#rows.moveFocus(-1);
    else return false;
    return true;
  }

  async #ask() {
    if (!this.#isLive() && this.#revision !== -1) return;
    const answer = await fetchTraces(this.#services.value);
    if (answer.revision !== this.#revision) fillServices(this.#services, await fetchServices());
    this.#revision = answer.revision;
    this.#traces = answer.traces;
    await this.#render();
  }

  async #render() {
    const text = this.#search.value.trim().toLowerCase();
    const all = this.#traces;
    const shown = all.filter((trace) => (!this.#errors.checked || trace.errorCount > 0) && matches(trace, text));
    this.#rows.show(shown);
    this.#head.hidden = shown.length === 0;
    this.#clear.hidden = all.length === 0;
    this.#empty.hidden = shown.length > 0;
    this.#count.textContent =
      shown.length === all.length ? formatCount(all.length, 'trace') : `${shown.length} of ${all.length} traces`;
    if (shown.length === 0) await this.#renderEmpty(all.length > 0 || this.#services.value !== '');
  }

  /** @param {boolean} isFiltered */
  async #renderEmpty(isFiltered) {
    if (isFiltered) return this.#empty.replaceChildren(h('p', {}, 'No trace here matches these filters.'));
    if (this.#empty.querySelector('.setup') !== null) return;
    const { otlpUrl } = await fetchStats();
    this.#empty.replaceChildren(setupCard(otlpUrl));
  }

  /** Filters are part of the address, so that a reload or a link shows the same. */
  #readAddress() {
    const parameters = new URLSearchParams(location.search);
    this.#search.value = parameters.get('q') ?? '';
    this.#errors.checked = parameters.has('errors');
    fillServices(this.#services, [], parameters.get('service') ?? '');
  }

  #filtersChanged() {
    const query = new URLSearchParams();
    if (this.#services.value !== '') query.set('service', this.#services.value);
    if (this.#search.value !== '') query.set('q', this.#search.value);
    if (this.#errors.checked) query.set('errors', '1');
    history.replaceState(null, '', `/${query.size === 0 ? '' : `?${query}`}`);
    this.#render();
  }

  #serviceChosen() {
    this.#filtersChanged();
    this.#revision = -1;
    this.#asking.now();
  }

  async #forget() {
    if (!confirm('Forget all traces and log lines that the viewer holds?')) return;
    await clearAll();
    notify('cleared');
    this.#revision = -1;
    this.#asking.now();
  }
}

function columnTitles() {
  return ['Trace', 'Services', 'Spans', 'Duration', 'Started'].map((title) => h('span', {}, title));
}

/** @param {HTMLSelectElement} select @param {string[]} names @param {string} [chosen] */
function fillServices(select, names, chosen = select.value) {
  const all = chosen === '' || names.includes(chosen) ? names : [...names, chosen];
  const options = ['', ...all].map((name) =>
    h('option', { value: name, selected: name === chosen }, name || 'All services'),
  );
  // Left alone when nothing changes: filling it anew would close it under the mouse.
  const isSame =
    select.length === options.length && options.every((option, index) => option.value === select.options[index]?.value);
  if (!isSame) select.replaceChildren(...options);
}

/** @param {Summary} trace @param {string} text lower case */
function matches({ root, services, traceId }, text) {
  const words = [root.operation, traceId, ...services.map(({ name }) => name)];
  return text === '' || words.some((word) => word.toLowerCase().includes(text));
}
