// The tree of spans with its bars. Only rows in sight are in the page, so a trace of any size scrolls alike.
//
// It is one tab stop; the selected row is its `aria-activedescendant`, because the row's element may not exist.

import { h } from './dom.js';
import { visibleRows } from './trace-model.js';
import { Divider, tickLabels } from './waterfall-head.js';
import { rowElement } from './waterfall-row.js';

/** @typedef {import('./trace-model.js').Row} Row @typedef {import('./trace-model.js').TraceModel} TraceModel */

/** Height of a row, as `--row` in trace.css. Pixels. */
const ROW_PX = 28;
/** Rows drawn beyond each edge of the window. */
const SPARE_ROWS = 12;

export class Waterfall {
  /** @type {HTMLElement} */
  element;
  #head;
  #ticks;
  #body;
  #divider;
  #onSelect;
  #onToggleDetails;
  /** @type {TraceModel | undefined} */
  #model;
  /** @type {Row[]} not inside a folded one */
  #visible = [];
  /** @type {Set<string>} keys of folded rows */
  #folded = new Set();
  /** @type {Map<string, number>} log lines by span */
  #lineCounts = new Map();
  /** @type {Set<Row> | undefined} the others are dimmed */
  #matching;
  /** @type {Row | undefined} */
  #selected;
  /** @type {Map<Row, HTMLElement>} rows that are in the page */
  #drawn = new Map();
  #isScheduled = false;

  /** @param {{ onSelect: (row: Row) => void, onToggleDetails: (isOpen?: boolean) => void }} handlers */
  constructor({ onSelect, onToggleDetails }) {
    this.#onSelect = onSelect;
    this.#onToggleDetails = onToggleDetails;
    this.#body = h('div', { class: 'rows', role: 'rowgroup' });
    this.#ticks = h('div', { class: 'ticks', 'aria-hidden': 'true' });
    this.#head = h('div', { class: 'waterfall-head' });
    this.element = h(
      'div',
      { class: 'waterfall', role: 'treegrid', 'aria-label': 'Spans', tabindex: 0 },
      this.#head,
      this.#body,
    );
    this.#divider = new Divider(this.element);
    this.#head.append(h('span', { class: 'name-head' }, 'Span'), this.#divider.element, this.#ticks);
    window.addEventListener('scroll', this.#schedule, { passive: true });
    window.addEventListener('resize', this.#schedule);
  }

  /** The row that keys act on. */
  get selected() {
    return this.#selected;
  }

  /** Shows a trace, or more of the same one. @param {TraceModel} model @param {Map<string, number>} lineCounts */
  show(model, lineCounts) {
    const key = this.#selected?.key;
    this.#model = model;
    this.#lineCounts = lineCounts;
    this.#selected = model.rows.find((row) => row.key === key) ?? model.rows[0];
    this.#ticks.replaceChildren(...tickLabels(model.durationUs));
    this.#arrange();
  }

  /** @param {Row} row @param {boolean} isScrolled whether it is brought into sight */
  select(row, isScrolled) {
    this.#selected = row;
    this.#unfoldAbove(row);
    if (isScrolled) this.#scrollTo(this.#visible.indexOf(row));
    this.#draw();
    this.#onSelect(row);
  }

  /** @param {boolean} isFolded */
  foldAll(isFolded) {
    this.#folded.clear();
    for (const row of isFolded ? (this.#model?.rows ?? []) : []) {
      if (row.depth > 0 && row.children.length > 0) this.#folded.add(row.key);
    }
    this.#arrange();
    // The selected row may be inside a folded one now.
    while (this.#selected !== undefined && !this.#visible.includes(this.#selected))
      this.#selected = this.#selected.parent;
    this.#draw();
  }

  /** Dims all rows but these; `undefined` dims none. @param {Set<Row> | undefined} rows */
  highlight(rows) {
    this.#matching = rows;
    this.#redraw();
  }

  /** @param {KeyboardEvent} event @returns {boolean} whether the key was one of its own */
  onKey(event) {
    const selected = this.#selected;
    if (event.target === this.#divider.element || selected === undefined) return false;
    const to = this.#placeFor(event.key, this.#visible.indexOf(selected));
    if (to !== undefined) this.#selectPlace(to);
    else if (event.key === 'ArrowRight') this.#unfoldOrEnter(selected);
    else if (event.key === 'ArrowLeft') this.#foldOrLeave(selected);
    else if (this.#isActivation(event.key)) this.#onToggleDetails();
    else return false;
    return true;
  }

  dispose() {
    window.removeEventListener('scroll', this.#schedule);
    window.removeEventListener('resize', this.#schedule);
    this.#divider.dispose();
  }

  /** Works out anew which rows there are. */
  #arrange() {
    if (this.#model === undefined) return;
    this.#visible = visibleRows(this.#model, this.#folded);
    this.#body.style.height = `${this.#visible.length * ROW_PX}px`;
    this.element.setAttribute('aria-rowcount', String(this.#visible.length));
    this.#redraw();
  }

  /** Draws all rows in sight anew. */
  #redraw() {
    for (const element of this.#drawn.values()) element.remove();
    this.#drawn.clear();
    this.#draw();
  }

  /** Draws rows that came into sight, removes those that left. */
  #draw() {
    const model = this.#model;
    if (model === undefined) return;
    const top = this.#body.getBoundingClientRect().top;
    const first = Math.max(0, Math.floor(-top / ROW_PX) - SPARE_ROWS);
    const last = Math.max(first, Math.ceil((window.innerHeight - top) / ROW_PX) + SPARE_ROWS);
    const wanted = this.#visible.slice(first, last);
    const kept = new Set(wanted);
    for (const [row, element] of this.#drawn) {
      if (kept.has(row)) continue;
      element.remove();
      this.#drawn.delete(row);
    }
    for (const [offset, row] of wanted.entries()) {
      if (!this.#drawn.has(row)) this.#drawn.set(row, this.#newRow(row, first + offset, model));
    }
    this.#body.append(...[...this.#drawn.values()].filter((element) => element.parentNode === null));
    this.#markSelected();
  }

  /** @param {Row} row @param {number} index @param {TraceModel} model */
  #newRow(row, index, model) {
    return rowElement(row, {
      index,
      durationUs: model.durationUs,
      isFolded: this.#folded.has(row.key),
      isDim: this.#matching !== undefined && !this.#matching.has(row),
      lineCount: this.#lineCounts.get(row.span.spanID) ?? 0,
      onFold: () => this.#fold(row, !this.#folded.has(row.key)),
      onOpen: () => {
        const isSame = row === this.#selected;
        this.select(row, false);
        this.#onToggleDetails(isSame ? undefined : true);
      },
    });
  }

  #markSelected() {
    for (const [row, element] of this.#drawn) {
      const isSelected = row === this.#selected;
      element.classList.toggle('selected', isSelected);
      element.setAttribute('aria-selected', String(isSelected));
      if (isSelected) this.element.setAttribute('aria-activedescendant', element.id);
    }
  }

  /** @param {Row} row @param {boolean} isFolded */
  #fold(row, isFolded) {
    if (row.children.length === 0) return;
    if (isFolded) this.#folded.add(row.key);
    else this.#folded.delete(row.key);
    this.#arrange();
  }

  /** @param {Row} row */
  #unfoldAbove(row) {
    let isChanged = false;
    for (let above = row.parent; above !== undefined; above = above.parent) {
      isChanged = this.#folded.delete(above.key) || isChanged;
    }
    if (isChanged) this.#arrange();
  }

  /** @param {Row} row */
  #unfoldOrEnter(row) {
    if (this.#folded.has(row.key)) this.#fold(row, false);
    else if (row.children[0] !== undefined) this.select(row.children[0], true);
  }

  /** @param {Row} row */
  #foldOrLeave(row) {
    if (row.children.length > 0 && !this.#folded.has(row.key)) this.#fold(row, true);
    else if (row.parent !== undefined) this.select(row.parent, true);
  }

  /** Where a key leads from a place; `undefined` when it is no such key. @param {string} key @param {number} at */
  #placeFor(key, at) {
    const page = Math.max(1, Math.floor(window.innerHeight / ROW_PX) - 6);
    switch (key) {
      case 'ArrowDown':
      case 'j':
        return at + 1;
      case 'ArrowUp':
      case 'k':
        return at - 1;
      case 'PageDown':
        return at + page;
      case 'PageUp':
        return at - page;
      case 'Home':
        return 0;
      case 'End':
        return this.#visible.length - 1;
      default:
        return undefined;
    }
  }

  /** @param {number} place one beyond the ends means the end */
  #selectPlace(place) {
    const row = this.#visible[Math.min(this.#visible.length - 1, Math.max(0, place))];
    if (row !== undefined) this.select(row, true);
  }

  /** Elsewhere on the page, Enter belongs to the button or link that has the focus. @param {string} key */
  #isActivation(key) {
    const focused = document.activeElement;
    return (key === 'Enter' || key === ' ') && (focused === this.element || focused === document.body);
  }

  /** @param {number} place */
  #scrollTo(place) {
    const top = this.#body.getBoundingClientRect().top + place * ROW_PX;
    const least = this.#head.getBoundingClientRect().bottom;
    const most = window.innerHeight - 2 * ROW_PX;
    if (top < least) window.scrollBy(0, top - least - ROW_PX);
    else if (top > most) window.scrollBy(0, top - most + ROW_PX);
  }

  #schedule = () => {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    requestAnimationFrame(() => {
      this.#isScheduled = false;
      this.#draw();
    });
  };
}
