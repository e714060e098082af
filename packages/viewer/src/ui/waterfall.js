// The tree of spans with its bars. Only rows in sight are in the page, so a trace of any size scrolls alike.
//
// It is one tab stop; the selected row is its `aria-activedescendant`, because the row's element may not exist.

import { h } from './dom.js';
import { formatDuration } from './format.js';
import { visibleRows } from './trace-model.js';
import { rowElement } from './waterfall-row.js';

/** @typedef {import('./trace-model.js').Row} Row @typedef {import('./trace-model.js').TraceModel} TraceModel */

/** Height of a row, as `--row` in trace.css. Pixels. */
const ROW_PX = 28;
/** Rows drawn beyond each edge of the window. */
const SPARE_ROWS = 12;
const TICKS = 4;

/**
 * @param {{ onSelect: (row: Row) => void, onToggleDetails: (isOpen?: boolean) => void }} handlers
 */
export function createWaterfall({ onSelect, onToggleDetails }) {
  /** @type {TraceModel | undefined} */
  let model;
  /** @type {Row[]} */
  let visible = [];
  /** @type {Set<string>} */
  const collapsed = new Set();
  /** @type {Map<string, number>} */
  let lineCounts = new Map();
  /** @type {Set<Row> | undefined} */
  let matching;
  /** @type {Row | undefined} */
  let selected;
  /** @type {Map<Row, HTMLElement>} */
  let drawn = new Map();
  let isScheduled = false;

  const body = h('div', { class: 'rows', role: 'rowgroup' });
  const ticks = h('div', { class: 'ticks', 'aria-hidden': 'true' });
  const divider = h('div', {
    class: 'divider',
    role: 'separator',
    'aria-orientation': 'vertical',
    'aria-label': 'Width of the names',
    tabindex: 0,
  });
  const head = h('div', { class: 'waterfall-head' }, h('span', { class: 'name-head' }, 'Span'), divider, ticks);
  const element = h('div', { class: 'waterfall', role: 'treegrid', 'aria-label': 'Spans', tabindex: 0 }, head, body);
  const resizing = makeResizable(divider, element);

  /** @param {TraceModel} next @param {Map<string, number>} counts */
  function show(next, counts) {
    const key = selected?.key;
    model = next;
    lineCounts = counts;
    selected = next.rows.find((row) => row.key === key) ?? next.rows[0];
    ticks.replaceChildren(...tickLabels(next.durationUs));
    arrange();
  }

  /** Works out anew which rows there are. */
  function arrange() {
    if (model === undefined) return;
    visible = visibleRows(model, collapsed);
    body.style.height = `${visible.length * ROW_PX}px`;
    element.setAttribute('aria-rowcount', String(visible.length));
    redraw();
  }

  /** Draws all rows in sight anew. */
  function redraw() {
    for (const row of drawn.values()) row.remove();
    drawn = new Map();
    draw();
  }

  /** Draws rows that came into sight, removes those that left. */
  function draw() {
    isScheduled = false;
    if (model === undefined) return;
    const top = body.getBoundingClientRect().top;
    const first = Math.max(0, Math.floor(-top / ROW_PX) - SPARE_ROWS);
    const last = Math.min(visible.length, Math.ceil((window.innerHeight - top) / ROW_PX) + SPARE_ROWS);
    const wanted = new Set(visible.slice(first, Math.max(first, last)));
    for (const [row, existing] of drawn) {
      if (wanted.has(row)) continue;
      existing.remove();
      drawn.delete(row);
    }
    const fresh = document.createDocumentFragment();
    for (let index = first; index < last; index++) {
      const row = visible[index];
      if (row === undefined || drawn.has(row)) continue;
      const created = newRow(row, index, model);
      drawn.set(row, created);
      fresh.append(created);
    }
    body.append(fresh);
    markSelected();
  }

  /** @param {Row} row @param {number} index @param {TraceModel} current */
  function newRow(row, index, current) {
    return rowElement(row, {
      index,
      durationUs: current.durationUs,
      isCollapsed: collapsed.has(row.key),
      isDim: matching !== undefined && !matching.has(row),
      lineCount: lineCounts.get(row.span.spanID) ?? 0,
      onFold: () => fold(row, !collapsed.has(row.key)),
      onOpen: () => {
        const isSame = row === selected;
        select(row, false);
        onToggleDetails(isSame ? undefined : true);
      },
    });
  }

  function markSelected() {
    for (const [row, shown] of drawn) {
      const isSelected = row === selected;
      shown.classList.toggle('selected', isSelected);
      shown.setAttribute('aria-selected', String(isSelected));
      if (isSelected) element.setAttribute('aria-activedescendant', shown.id);
    }
  }

  /** @param {Row} row @param {boolean} isScrolled whether it is brought into sight */
  function select(row, isScrolled) {
    selected = row;
    unfoldAbove(row);
    if (isScrolled) scrollTo(visible.indexOf(row));
    draw();
    onSelect(row);
  }

  /** @param {Row} row */
  function unfoldAbove(row) {
    let isChanged = false;
    for (let above = row.parent; above !== undefined; above = above.parent)
      isChanged = collapsed.delete(above.key) || isChanged;
    if (isChanged) arrange();
  }

  /** @param {number} index */
  function scrollTo(index) {
    const top = body.getBoundingClientRect().top + index * ROW_PX;
    const headPx = head.getBoundingClientRect().bottom;
    const bottomPx = window.innerHeight - 2 * ROW_PX;
    if (top < headPx) window.scrollBy(0, top - headPx - ROW_PX);
    else if (top > bottomPx) window.scrollBy(0, top - bottomPx + ROW_PX);
  }

  /** @param {Row} row @param {boolean} isFolded */
  function fold(row, isFolded) {
    if (row.children.length === 0) return;
    if (isFolded) collapsed.add(row.key);
    else collapsed.delete(row.key);
    arrange();
  }

  /** @param {boolean} isFolded */
  function foldAll(isFolded) {
    collapsed.clear();
    if (isFolded)
      for (const row of model?.rows ?? []) if (row.depth > 0 && row.children.length > 0) collapsed.add(row.key);
    arrange();
    // The selected row may be inside a folded one now.
    while (selected !== undefined && !visible.includes(selected)) selected = selected.parent;
    draw();
  }

  /** @param {Set<Row> | undefined} rows the others are dimmed */
  function highlight(rows) {
    matching = rows;
    redraw();
  }

  /** @param {KeyboardEvent} event @returns {boolean} */
  function onKey(event) {
    if (event.target === divider || selected === undefined) return false;
    // Elsewhere on the page, Enter belongs to the button or link that has the focus.
    const isElsewhere = document.activeElement !== element && document.activeElement !== document.body;
    if (isElsewhere && ['Enter', ' '].includes(event.key)) return false;
    const at = visible.indexOf(selected);
    const page = Math.max(1, Math.floor(window.innerHeight / ROW_PX) - 6);
    const moves = {
      ArrowDown: at + 1,
      j: at + 1,
      ArrowUp: at - 1,
      k: at - 1,
      Home: 0,
      End: visible.length - 1,
      PageDown: at + page,
      PageUp: at - page,
    };
    const to = Object.hasOwn(moves, event.key) ? moves[/** @type {keyof typeof moves} */ (event.key)] : undefined;
    if (to !== undefined) selectIndex(to);
    else if (event.key === 'ArrowRight') unfoldOrEnter(selected);
    else if (event.key === 'ArrowLeft') foldOrLeave(selected);
    else if (event.key === 'Enter' || event.key === ' ') onToggleDetails();
    else return false;
    return true;
  }

  /** @param {number} index */
  function selectIndex(index) {
    const row = visible[Math.min(visible.length - 1, Math.max(0, index))];
    if (row !== undefined) select(row, true);
  }

  /** @param {Row} row */
  function unfoldOrEnter(row) {
    if (collapsed.has(row.key)) fold(row, false);
    else if (row.children[0] !== undefined) select(row.children[0], true);
  }

  /** @param {Row} row */
  function foldOrLeave(row) {
    if (row.children.length > 0 && !collapsed.has(row.key)) fold(row, true);
    else if (row.parent !== undefined) select(row.parent, true);
  }

  function schedule() {
    if (isScheduled) return;
    isScheduled = true;
    requestAnimationFrame(draw);
  }

  window.addEventListener('scroll', schedule, { passive: true });
  window.addEventListener('resize', schedule);
  const dispose = () => {
    window.removeEventListener('scroll', schedule);
    window.removeEventListener('resize', schedule);
    resizing.dispose();
  };
  return { element, show, select, selected: () => selected, foldAll, highlight, onKey, dispose };
}

/** @param {number} durationUs */
function tickLabels(durationUs) {
  return Array.from({ length: TICKS + 1 }, (_, index) => {
    const at = (durationUs * index) / TICKS;
    return h('span', { '--at': index / TICKS }, index === 0 ? '0' : formatDuration(at * 1000));
  });
}

/**
 * Lets people set the width of the name column, by mouse, touch or arrow keys.
 *
 * @param {HTMLElement} divider
 * @param {HTMLElement} element
 */
function makeResizable(divider, element) {
  let share = 0.38;
  const set = (/** @type {number} */ next) => {
    share = Math.min(0.7, Math.max(0.15, next));
    element.style.setProperty('--names', `${(share * 100).toFixed(1)}%`);
    divider.setAttribute('aria-valuenow', String(Math.round(share * 100)));
  };
  const onMove = (/** @type {PointerEvent} */ event) => {
    const { left, width } = element.getBoundingClientRect();
    set((event.clientX - left) / width);
  };
  const onUp = () => window.removeEventListener('pointermove', onMove);
  divider.addEventListener('pointerdown', (event) => {
    event.preventDefault();
    window.addEventListener('pointermove', onMove);
    window.addEventListener('pointerup', onUp, { once: true });
  });
  divider.addEventListener('keydown', (event) => {
    if (event.key !== 'ArrowLeft' && event.key !== 'ArrowRight') return;
    set(share + (event.key === 'ArrowLeft' ? -0.02 : 0.02));
    event.stopPropagation();
    event.preventDefault();
  });
  set(share);
  return { dispose: onUp };
}
