// Above the rows: the time line's ticks, and the divider that sets the width of the names.

import { h } from './dom.js';
import { formatDuration } from './format.js';

const TICKS = 4;
const LEAST_SHARE = 0.15;
const MOST_SHARE = 0.7;
const FIRST_SHARE = 0.38;
const KEY_STEP = 0.02;

/** Labels at equal distances. @param {number} durationUs */
export function tickLabels(durationUs) {
  return Array.from({ length: TICKS + 1 }, (_, index) => {
    const at = (durationUs * index) / TICKS;
    return h('span', { '--at': index / TICKS }, index === 0 ? '0' : formatDuration(at * 1000));
  });
}

/** Sets the width of the name column by mouse, touch or arrow keys. */
export class Divider {
  /** @type {HTMLElement} */
  element;
  /** @type {HTMLElement} */
  #table;
  #share = FIRST_SHARE;

  /** @param {HTMLElement} table whose `--names` it sets */
  constructor(table) {
    this.#table = table;
    this.element = h('div', {
      class: 'divider',
      role: 'separator',
      'aria-orientation': 'vertical',
      'aria-label': 'Width of the names',
      tabindex: 0,
      onpointerdown: this.#onPress,
      onkeydown: this.#onKey,
    });
    this.#set(FIRST_SHARE);
  }

  /** Ends a move that is under way. */
  dispose() {
    window.removeEventListener('pointermove', this.#onMove);
  }

  /** @param {number} share of the table's width */
  #set(share) {
    this.#share = Math.min(MOST_SHARE, Math.max(LEAST_SHARE, share));
    this.#table.style.setProperty('--names', `${(this.#share * 100).toFixed(1)}%`);
    this.element.setAttribute('aria-valuenow', String(Math.round(this.#share * 100)));
  }

  #onPress = (/** @type {PointerEvent} */ event) => {
    event.preventDefault();
    window.addEventListener('pointermove', this.#onMove);
    window.addEventListener('pointerup', () => this.dispose(), { once: true });
  };

  #onMove = (/** @type {PointerEvent} */ event) => {
    const { left, width } = this.#table.getBoundingClientRect();
    this.#set((event.clientX - left) / width);
  };

  #onKey = (/** @type {KeyboardEvent} */ event) => {
    if (event.key !== 'ArrowLeft' && event.key !== 'ArrowRight') return;
    this.#set(this.#share + (event.key === 'ArrowLeft' ? -KEY_STEP : KEY_STEP));
    // The arrows of the waterfall are not meant.
    event.stopPropagation();
    event.preventDefault();
  };
}
