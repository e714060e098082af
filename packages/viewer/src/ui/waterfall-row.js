// One row of the waterfall.

import { serviceColor } from './colors.js';
import { h } from './dom.js';
import { formatCount, formatDuration } from './format.js';

/**
 * @typedef {object} RowLook
 * @property {number} index among the visible rows
 * @property {number} durationUs of the trace
 * @property {boolean} isFolded
 * @property {boolean} isDim
 * @property {number} lineCount
 * @property {() => void} onFold
 * @property {() => void} onOpen
 */

/** @param {import('./trace-model.js').Row} row @param {RowLook} look */
export function rowElement(row, look) {
  const hasChildren = row.children.length > 0;
  return h(
    'div',
    {
      id: `span-${look.index}`,
      class: `span-row${row.isError ? ' failed' : ''}${look.isDim ? ' dim' : ''}`,
      role: 'row',
      'aria-level': row.depth + 1,
      'aria-posinset': row.position,
      'aria-setsize': row.siblings,
      'aria-rowindex': look.index + 1,
      'aria-expanded': hasChildren ? String(!look.isFolded) : undefined,
      'aria-label': rowLabel(row, look),
      '--index': look.index,
      '--depth': row.depth,
      '--color': serviceColor(row.service),
      onclick: look.onOpen,
    },
    h('span', { class: 'name', role: 'gridcell' }, ...nameParts(row, look, hasChildren)),
    h('span', { class: 'line', role: 'gridcell' }, ...barParts(row, look.durationUs)),
  );
}

/** @param {import('./trace-model.js').Row} row @param {RowLook} look @param {boolean} hasChildren */
function nameParts(row, look, hasChildren) {
  const fold = (/** @type {MouseEvent} */ event) => {
    event.stopPropagation();
    look.onFold();
  };
  const caret = hasChildren
    ? h(
        'button',
        { type: 'button', class: 'caret', tabindex: -1, 'aria-hidden': 'true', onclick: fold },
        look.isFolded ? '▸' : '▾',
      )
    : h('span', { class: 'caret' });
  return [
    caret,
    h('span', { class: 'service' }, row.service),
    h('span', { class: 'operation', title: row.span.operationName }, row.span.operationName || '(no name)'),
    row.isError && h('span', { class: 'error' }, '✕ error'),
    row.isOrphan && h('span', { class: 'badge', title: 'its parent is not in this trace (yet)' }, 'no parent'),
    look.isFolded && h('span', { class: 'badge' }, `+${row.descendants}`),
    look.lineCount > 0 &&
      h('span', { class: 'badge', title: formatCount(look.lineCount, 'log line') }, `▤ ${look.lineCount}`),
  ];
}

/** @param {import('./trace-model.js').Row} row @param {number} traceUs */
function barParts({ span, offsetUs, isError }, traceUs) {
  const from = offsetUs / traceUs;
  const share = span.duration / traceUs;
  return [
    h('span', { class: `bar${isError ? ' failed' : ''}`, '--from': from, '--share': share }),
    ...span.logs.map(({ timestamp }) =>
      h('span', { class: 'event', '--from': (timestamp - (span.startTime - offsetUs)) / traceUs }),
    ),
    h('span', { class: 'took', '--from': from, '--share': share }, formatDuration(span.duration * 1000)),
  ];
}

/** @param {import('./trace-model.js').Row} row @param {RowLook} look */
function rowLabel(row, look) {
  const share = Math.round((row.span.duration / look.durationUs) * 100);
  const parts = [
    `${row.service} ${row.span.operationName}`,
    row.kind,
    formatDuration(row.span.duration * 1000),
    `${share} % of the trace`,
    row.isError ? 'error' : '',
    look.lineCount > 0 ? formatCount(look.lineCount, 'log line') : '',
  ];
  return parts.filter((part) => part !== '').join(', ');
}
