/** Which hosts get propagation headers. */

/** Services talk to few hosts, but a crawler to many. */
const MAX_REMEMBERED = 256;

/**
 * Make a function that matches host names against patterns.
 *
 * @param patterns  host names, in which `*` stands for any characters, dots included, and which are compared without
 *   case; or regular expressions, for the host name in lower case
 * @returns a function of a host name; its answers for the last 256 hosts are remembered
 */
export function hostMatcher(patterns: ReadonlyArray<string | RegExp>): (host: string) => boolean {
  const compiled = patterns.map(compile);
  const answers = new Map<string, boolean>();
  return (host) => {
    let answer = answers.get(host);
    if (answer !== undefined) return answer;
    const text = host.toLowerCase();
    answer = compiled.some((matches) => matches(text));
    if (answers.size >= MAX_REMEMBERED) answers.delete(answers.keys().next().value as string);
    answers.set(host, answer);
    return answer;
  };
}

function compile(pattern: string | RegExp): (text: string) => boolean {
  if (typeof pattern === 'string') {
    const parts = pattern.toLowerCase().split('*');
    return (text) => matchesParts(text, parts);
  }
  // A copy without `g` and `y`: these remember a place, so that the same host would match every other time.
  const copy = new RegExp(pattern.source, pattern.flags.replace(/[gy]/g, ''));
  return (text) => copy.test(text);
}

// The parts of a pattern between its stars, in their order; linear, because a pattern can be long and a host is given.
function matchesParts(text: string, parts: readonly string[]): boolean {
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
