/** Patterns with `*` for any characters and `?` for one. */

/** Whether a whole text is of a pattern. */
export type TextMatcher = (text: string) => boolean;

/**
 * Compile a pattern. Matching goes through the text once: each part between stars is looked for where the one before it
 * ended, and never again, so no pattern makes it slow.
 */
export function compileGlob(pattern: string): TextMatcher {
  const parts = pattern.split('*');
  const first = parts[0] as string;
  const last = parts[parts.length - 1] as string;
  if (!pattern.includes('?')) {
    // What most patterns are: a text, or the beginning of one.
    if (parts.length === 1) return (text) => text === pattern;
    if (parts.length === 2 && last === '') return (text) => text.startsWith(first);
  }
  if (parts.length === 1) return (text) => text.length === first.length && isAt(text, first, 0);
  const between = parts.slice(1, -1).filter((part) => part !== '');
  return (text) => {
    const end = text.length - last.length;
    if (first.length > end || !isAt(text, first, 0) || !isAt(text, last, end)) return false;
    let from = first.length;
    for (const part of between) {
      const at = find(text, part, from);
      if (at === -1 || at + part.length > end) return false;
      from = at + part.length;
    }
    return true;
  };
}

function find(text: string, part: string, from: number): number {
  if (!part.includes('?')) return text.indexOf(part, from);
  for (let at = from; at + part.length <= text.length; at++) if (isAt(text, part, at)) return at;
  return -1;
}

function isAt(text: string, part: string, at: number): boolean {
  for (let i = 0; i < part.length; i++) {
    const code = part.charCodeAt(i);
    // 0x3f is the question mark.
    if (code !== 0x3f && code !== text.charCodeAt(at + i)) return false;
  }
  return true;
}
