// One colour per service, the same in every view: a hash picks it, and a taken one moves on to the next free.

/** Number of `--service-…` colours in frame.css. */
export const COLORS = 12;

/** @type {Map<string, number>} */
const taken = new Map();

/** Number of the colour of a service, 0 to 11. @param {string} service */
export function colorIndex(service) {
  const known = taken.get(service);
  if (known !== undefined) return known;
  const used = new Set(taken.values());
  let index = hash(service) % COLORS;
  // When all are used, services share colours; their names still tell them apart.
  if (used.size < COLORS) while (used.has(index)) index = (index + 1) % COLORS;
  taken.set(service, index);
  return index;
}

/** CSS value of the colour of a service. @param {string} service */
export function serviceColor(service) {
  return `var(--service-${colorIndex(service)})`;
}

/** FNV-1a. @param {string} text */
function hash(text) {
  let value = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) {
    value = Math.imul(value ^ text.charCodeAt(index), 0x01000193);
  }
  return value >>> 0;
}
