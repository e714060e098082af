/** Which hosts get propagation headers. */

/**
 * Make a function that matches host names against patterns.
 *
 * @param patterns  host names; `*` stands for any characters, dots included. Compared without case
 * @returns a function of a host name; its answers for the last hosts are remembered
 */
export function hostMatcher(patterns: readonly string[]): (host: string) => boolean {
  const compiled = patterns.map((pattern) => pattern.toLowerCase().split('*'));
  return (host) => {
    const text = host.toLowerCase();
    return compiled.some((parts) => matches(text, parts));
  };
}

// The parts of a pattern between its stars, in their order; linear, because a pattern can be long and a host is given.
function matches(text: string, parts: readonly string[]): boolean {
  const [first = '', ...rest] = parts;
  if (rest.length === 0) return text === first;
  const last = rest.pop() as string;
  if (!text.startsWith(first) || !text.endsWith(last) || text.length < first.length + last.length) return false;
  let at = first.length;
  for (const part of rest) {
    const found = text.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return at <= text.length - last.length;
}
