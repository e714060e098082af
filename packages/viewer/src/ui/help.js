// The list of keys.

import { byId, h } from './dom.js';

/** @type {[string, [string, string][]][]} */
const KEYS = [
  [
    'Everywhere',
    [
      ['?', 'this help'],
      ['g', 'go to a trace by its id'],
      ['/', 'search'],
      ['p', 'pause or go on'],
      ['Esc', 'back'],
    ],
  ],
  [
    'List of traces',
    [
      ['↓ ↑ or j k', 'next or previous trace'],
      ['Enter', 'open it'],
      ['e', 'only traces with errors'],
    ],
  ],
  [
    'Waterfall',
    [
      ['↓ ↑ or j k', 'next or previous span'],
      ['→ ←', 'unfold or first child, fold or parent'],
      ['Home End', 'first or last span'],
      ['PgDn PgUp', 'a page on or back'],
      ['Enter', 'details of the span, again to close'],
      ['e E', 'next or previous error'],
      ['n N', 'next or previous match of the search'],
      ['l', 'log lines'],
      ['y', 'copy the trace id'],
    ],
  ],
];

/** Shows the keys in a dialog, which Esc closes. */
export function openHelp() {
  const dialog = /** @type {HTMLDialogElement} */ (byId('help'));
  dialog.replaceChildren(
    h('h2', { id: 'help-title' }, 'Keys'),
    ...KEYS.map(([title, keys]) =>
      h(
        'section',
        {},
        h('h3', {}, title),
        h('dl', {}, ...keys.flatMap(([key, what]) => [h('dt', {}, h('kbd', {}, key)), h('dd', {}, what)])),
      ),
    ),
    h('form', { method: 'dialog' }, h('button', { type: 'submit' }, 'Close')),
  );
  dialog.showModal();
}
