/** Replies in a form that is equal when only order or numbering differs. */

/** Lists sorted, and each span's process in place of its number: Jaeger numbers processes in no fixed order. */
export function comparable(reply: unknown): unknown {
  return sorted(withProcesses(reply));
}

function withProcesses(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withProcesses);
  if (typeof value !== 'object' || value === null) return value;
  if (!('spans' in value) || !('processes' in value) || !Array.isArray(value.spans)) {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, withProcesses(item)]));
  }
  const processes = value.processes as Record<string, unknown>;
  const spans = value.spans.map((span: { processID: string }) => ({ ...span, processID: processes[span.processID] }));
  return { ...value, spans, processes: Object.values(processes) };
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted).sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, item]) => [key, sorted(item)]),
  );
}
