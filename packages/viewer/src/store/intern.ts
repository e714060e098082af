/**
 * One copy of strings that come again and again.
 *
 * Every decoded request makes fresh strings; a hundred thousand spans would hold a hundred thousand copies of `http.route`.
 */
const MAX_STRINGS = 20_000;
const MAX_LENGTH = 128;
const known = new Map<string, string>();

/** The kept copy of a short string; long ones come back as they are. */
export function intern(text: string): string {
  if (text.length > MAX_LENGTH) return text;
  const kept = known.get(text);
  if (kept !== undefined) return kept;
  // Starting over costs a few duplicates; evicting singly would cost on each string.
  if (known.size >= MAX_STRINGS) known.clear();
  known.set(text, text);
  return text;
}
