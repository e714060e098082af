/** The plain Prometheus format (0.0.4) of an OpenMetrics exposition. Pure. */

/**
 * Rewrite OpenMetrics 1.0.0 text as it is read by scrapers that only know the plain format: without exemplars and end
 * mark, and with the `_total` of counters in their comment lines too.
 */
export function toPlainText(openMetrics: string): string {
  const lines: string[] = [];
  let pendingHelp: string | undefined;
  for (const line of openMetrics.split('\n')) {
    if (line === '# EOF' || line === '') continue;
    if (line.startsWith('# HELP ')) {
      pendingHelp = line;
    } else if (line.startsWith('# TYPE ')) {
      const [, , name = '', type] = line.split(' ');
      const isCounter = type === 'counter' && !name.endsWith('_total');
      if (pendingHelp !== undefined) {
        lines.push(isCounter ? pendingHelp.replace(`# HELP ${name}`, () => `# HELP ${name}_total`) : pendingHelp);
      }
      lines.push(isCounter ? `# TYPE ${name}_total counter` : line);
      pendingHelp = undefined;
    } else {
      lines.push(withoutExemplar(line));
    }
  }
  return `${lines.join('\n')}\n`;
}

// ` # {` may also stand inside a label value, so the labels are passed over by their quotes.
function withoutExemplar(line: string): string {
  const end = line.includes('{') ? endOfLabels(line) : 0;
  const at = line.indexOf(' # {', end);
  return at < 0 ? line : line.slice(0, at);
}

function endOfLabels(line: string): number {
  const nameEnd = line.search(/[ {]/);
  if (line[nameEnd] !== '{') return nameEnd;
  let quoted = false;
  for (let i = nameEnd; i < line.length; i++) {
    if (quoted && line[i] === '\\') i++;
    else if (line[i] === '"') quoted = !quoted;
    else if (!quoted && line[i] === '}') return i;
  }
  return nameEnd;
}
