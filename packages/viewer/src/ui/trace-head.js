// What a trace is, in two lines; and what to say while it is not here.

import { serviceColor } from './colors.js';
import { h } from './dom.js';
import { formatCount, formatDateTime, formatDuration } from './format.js';

/**
 * @param {import('./trace-model.js').TraceModel} model
 * @param {number} lineCount
 * @param {() => void} copyId
 */
export function traceHead(model, lineCount, copyId) {
  const { trace, rows, services, errors } = model;
  const root = rows[0];
  return h(
    'div',
    {},
    h(
      'h1',
      {},
      h('span', { class: 'service-name', '--color': serviceColor(root?.service ?? '') }, root?.service ?? ''),
      h('span', { class: 'operation' }, root?.span.operationName || '(no name)'),
      errors > 0 && h('span', { class: 'error' }, `✕ ${formatCount(errors, 'error')}`),
    ),
    h(
      'dl',
      { class: 'facts' },
      fact('Duration', formatDuration(model.durationUs * 1000)),
      fact('Started', formatDateTime(model.startUs / 1000)),
      fact('Spans', rows.length.toLocaleString('en-US')),
      fact('Depth', String(model.depth)),
      fact('Log lines', lineCount.toLocaleString('en-US')),
      fact(
        'Trace id',
        h('code', {}, trace.traceID),
        h('button', { type: 'button', class: 'quiet', onclick: copyId }, 'Copy'),
        h('a', { class: 'quiet', href: `/api/traces/${trace.traceID}`, target: '_blank' }, 'JSON'),
      ),
    ),
    h('ul', { class: 'legend', 'aria-label': 'Services' }, ...services.map(legendEntry)),
    ...(trace.warnings ?? []).map((warning) => h('p', { class: 'warning' }, `⚠ ${warning}`)),
  );
}

/** @param {string} traceId @param {boolean} hasAsked */
export function missingTrace(traceId, hasAsked) {
  if (!hasAsked) return h('p', { class: 'empty' }, 'Loading …');
  return h(
    'section',
    { class: 'empty' },
    h('h1', {}, 'This trace is not here yet'),
    h('p', {}, h('code', {}, traceId)),
    h('p', {}, 'It appears by itself when its first span arrives. If it does not:'),
    h(
      'ul',
      {},
      h('li', {}, 'the service may still hold it: exporters send every few seconds'),
      h('li', {}, 'it may have been evicted: the status line below counts evicted traces'),
      h('li', {}, 'the service may send elsewhere, or this request was not sampled'),
    ),
    h('p', {}, h('a', { href: '/' }, 'All traces')),
  );
}

/** @param {string} name @param {...(string | Node)} value */
function fact(name, ...value) {
  return h('div', {}, h('dt', {}, name), h('dd', {}, ...value));
}

/** @param {{ name: string, count: number }} service */
function legendEntry({ name, count }) {
  return h(
    'li',
    { class: 'chip', '--color': serviceColor(name) },
    name,
    h('span', { class: 'muted' }, ` ${count.toLocaleString('en-US')}`),
  );
}
