// The frame: which view an address shows, the top bar, the status line, and keys that work everywhere.

import { fetchStats } from './api.js';
import { byId, h, isTyping, notify } from './dom.js';
import { formatCount } from './format.js';
import { openHelp } from './help.js';
import { ListView } from './list-view.js';
import { poll } from './poll.js';
import { TraceView } from './trace-view.js';

/**
 * @typedef {object} View
 * @property {() => void} dispose ends its timers and listeners
 * @property {(event: KeyboardEvent) => boolean} onKey whether the key was one of its own
 * @property {() => void} refresh asks the viewer at once
 */

/** @type {View | undefined} */
let view;
const state = { isLive: true };

/** Goes to an address of the page. @param {string} address */
function go(address) {
  history.pushState(null, '', address);
  show();
}

function show() {
  view?.dispose();
  window.scrollTo(0, 0);
  const id = /^\/trace\/([^/]+)$/.exec(location.pathname)?.[1];
  const place = byId('view');
  const isLive = () => state.isLive;
  view = id === undefined ? new ListView(place, isLive) : new TraceView(place, id, isLive);
}

function toggleLive() {
  state.isLive = !state.isLive;
  const button = byId('live');
  button.setAttribute('aria-pressed', String(state.isLive));
  button.textContent = state.isLive ? 'Live' : 'Paused';
  notify(state.isLive ? 'live again' : 'paused: nothing new is shown');
  if (state.isLive) view?.refresh();
}

/** @param {MouseEvent} event */
function followLink(event) {
  if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey)
    return;
  const link = event.target instanceof Element ? event.target.closest('a') : null;
  if (link === null || link.origin !== location.origin || link.hasAttribute('target') || link.hash !== '') return;
  if (link.pathname !== '/' && !link.pathname.startsWith('/trace/')) return;
  event.preventDefault();
  go(link.pathname + link.search);
}

/** @param {SubmitEvent} event */
function jump(event) {
  event.preventDefault();
  const field = /** @type {HTMLInputElement} */ (byId('jump'));
  const id = field.value.trim().toLowerCase();
  if (!/^[0-9a-f]{1,32}$/.test(id)) return notify('a trace id has up to 32 hex digits');
  field.value = '';
  field.blur();
  go(`/trace/${id.padStart(32, '0')}`);
}

/** @param {KeyboardEvent} event */
function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (/** @type {HTMLDialogElement} */ (byId('help')).open) return;
  if (isTyping(event)) {
    if (event.key !== 'Escape' || !(event.target instanceof HTMLElement)) return;
    event.target.blur();
    // A browser would empty the field; what was searched for shall stay.
    event.preventDefault();
    return;
  }
  if (event.key === '?') openHelp();
  else if (event.key === 'p') toggleLive();
  else if (event.key === 'g') byId('jump').focus();
  else if (!view?.onKey(event)) return;
  event.preventDefault();
}

async function showStats() {
  const status = byId('status');
  try {
    const stats = await fetchStats();
    const evicted =
      stats.evictedTraces === 0 ? '' : ` · ${formatCount(stats.evictedTraces, 'trace')} evicted, oldest first`;
    const rejected = stats.rejectedSpans === 0 ? '' : ` · ${formatCount(stats.rejectedSpans, 'span')} rejected`;
    const held = `${stats.spans.toLocaleString('en-US')} of ${formatCount(stats.maxSpans, 'span')}`;
    const holding = `${held} · ${formatCount(stats.traces, 'trace')} · ${formatCount(stats.logs.lines, 'log line')}`;
    status.replaceChildren(
      h('span', { class: 'dot up' }),
      `${holding}${evicted}${rejected} · OTLP at ${stats.otlpUrl}`,
    );
  } catch {
    status.replaceChildren(h('span', { class: 'dot down' }), 'the viewer does not answer');
  }
}

document.addEventListener('click', followLink);
document.addEventListener('keydown', onKey);
document.querySelector('.jump')?.addEventListener('submit', /** @type {EventListener} */ (jump));
byId('live').addEventListener('click', toggleLive);
byId('help-open').addEventListener('click', openHelp);
window.addEventListener('popstate', show);
poll(showStats, 2000);
show();
