// Draws a trace as text: one line for each span, indented below its parent, with a bar for its time.
import type { ReadSpan } from './trace-reader.ts';

const BAR_WIDTH = 32;

/**
 * The lines of a waterfall.
 *
 * @param spans  of one trace, in order of their start; one whose parent is not among them stands at the left edge
 */
export function waterfall(spans: ReadSpan[]): string[] {
  const ids = new Set(spans.map((span) => span.id));
  const startUs = Math.min(...spans.map((span) => span.startUs));
  const endUs = Math.max(...spans.map((span) => span.startUs + span.durationUs));
  const rows: string[][] = [];
  addBelow(undefined, 0);
  return align(rows);

  function addBelow(parentId: string | undefined, depth: number): void {
    for (const span of spans) {
      const parent = span.parentId !== undefined && ids.has(span.parentId) ? span.parentId : undefined;
      if (parent !== parentId) continue;
      rows.push([
        '  '.repeat(depth) + span.service,
        span.kind,
        span.name,
        `${(span.durationUs / 1000).toFixed(2)} ms`.padStart(10),
        bar((span.startUs - startUs) / (endUs - startUs || 1), span.durationUs / (endUs - startUs || 1)),
      ]);
      addBelow(span.id, depth + 1);
    }
  }
}

/** Something is drawn for the shortest span too. */
function bar(start: number, length: number): string {
  const from = Math.min(Math.floor(start * BAR_WIDTH), BAR_WIDTH - 1);
  const width = Math.max(1, Math.min(Math.round(length * BAR_WIDTH), BAR_WIDTH - from));
  return '·'.repeat(from) + '█'.repeat(width) + '·'.repeat(BAR_WIDTH - from - width);
}

function align(rows: string[][]): string[] {
  const widths = [0, 1, 2].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  '));
}
