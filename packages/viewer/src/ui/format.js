// Numbers and times for people. Pure.

/**
 * A duration in its best unit, three digits: `345 µs`, `12.3 ms`, `1.23 s`, `2 m 05 s`.
 *
 * @param {number} ns
 */
export function formatDuration(ns) {
  if (ns < 1e3) return `${Math.round(ns)} ns`;
  if (ns < 999.5e3) return `${digits(ns / 1e3)} µs`;
  if (ns < 999.5e6) return `${digits(ns / 1e6)} ms`;
  if (ns < 59.995e9) return `${digits(ns / 1e9)} s`;
  const seconds = Math.round(ns / 1e9);
  return `${Math.floor(seconds / 60)} m ${String(seconds % 60).padStart(2, '0')} s`;
}

/** @param {number} value three significant digits, no zeros behind the point */
function digits(value) {
  return String(Number(value.toPrecision(3)));
}

/** Time of day with milliseconds. @param {number} ms since the Unix epoch */
export function formatTime(ms) {
  const time = new Date(ms);
  return `${time.toLocaleTimeString('en-GB')}.${String(time.getMilliseconds()).padStart(3, '0')}`;
}

/** Date and time with milliseconds. @param {number} ms since the Unix epoch */
export function formatDateTime(ms) {
  return `${new Date(ms).toLocaleDateString('en-CA')} ${formatTime(ms)}`;
}

/** How long ago. @param {number} ms since the Unix epoch @param {number} nowMs */
export function formatAge(ms, nowMs) {
  const seconds = Math.max(0, Math.round((nowMs - ms) / 1000));
  if (seconds < 5) return 'now';
  if (seconds < 60) return `${seconds} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86400) return `${Math.floor(seconds / 3600)} h ago`;
  return `${Math.floor(seconds / 86400)} d ago`;
}

/** A count with its word. @param {number} count @param {string} one @param {string} [many] */
export function formatCount(count, one, many = `${one}s`) {
  return `${count.toLocaleString('en-US')} ${count === 1 ? one : many}`;
}
