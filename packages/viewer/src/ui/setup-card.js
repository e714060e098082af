// What to do when nothing has been received yet.

import { h, notify } from './dom.js';

/** @param {string} otlpUrl */
export function setupCard(otlpUrl) {
  const environment = `OTEL_EXPORTER_OTLP_ENDPOINT=${otlpUrl}`;
  const request = [
    `curl ${otlpUrl}/v1/traces -H 'content-type: application/json' -d '{"resourceSpans":[{`,
    `"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"hello"}}]},"scopeSpans":[{"spans":[{`,
    `"traceId":"4bf92f3577b34da6a3ce929d0e0e4736","spanId":"00f067aa0ba902b7","name":"first span","kind":2,`,
    `"startTimeUnixNano":"'$(date +%s)000000000'","endTimeUnixNano":"'$(date +%s)250000000'"}]}]}]}'`,
  ].join('');
  return h(
    'section',
    { class: 'setup' },
    h('h2', {}, 'Waiting for the first trace'),
    h(
      'p',
      {},
      'Any OpenTelemetry exporter for OTLP over HTTP, in protobuf or JSON, can send here. Start your service with',
    ),
    snippet(environment),
    h('p', {}, 'or send one span by hand:'),
    snippet(request),
    h('p', { class: 'muted' }, 'This page shows traces by itself as they arrive.'),
  );
}

/** @param {string} text */
function snippet(text) {
  const copy = async () => {
    await navigator.clipboard.writeText(text);
    notify('copied');
  };
  return h('div', { class: 'snippet' }, h('code', {}, text), h('button', { type: 'button', onclick: copy }, 'Copy'));
}
