/**
 * Time. A span reads only the monotonic clock; one wall-clock anchor, shared by all spans of a local trace, turns
 * those readings into times of day. So a wall clock that is set back cannot make a span end before it started.
 */
import type { HrTime, TimeInput } from '@opentelemetry/api';

/** Where the monotonic clock's zero lies in wall-clock time. Immutable: a correction makes a new one. */
export interface Anchor {
  /** Milliseconds since the Unix epoch at monotonic zero; fractional. */
  readonly epochMs: number;
  /** The same in nanoseconds, upper and lower 32 bits, unsigned. */
  readonly nanosHigh: number;
  readonly nanosLow: number;
}

/** The two clocks; tests replace them. */
export interface Clock {
  /** Milliseconds, monotonic, fractional. */
  now(): number;
  /** Milliseconds since the Unix epoch. */
  wall(): number;
}

const TWO_32 = 4294967296;
const CHECK_INTERVAL_MS = 1000;
// A number below is a `performance.now()` reading: ten years of uptime, or as a time of day a day in 1980. OpenTelemetry
// draws the line at the start of the process, and so takes every older time of day for a reading.
const MAX_READING_MS = 3.2e11;
// The formats carry nanoseconds in 64 bits, and many receivers take them as signed: the year 2262.
const MAX_TIME_MS = 9_223_372_036_000;
// Date.now() is cut to whole milliseconds, so a difference within this band is no drift.
const DRIFT_MIN_MS = -1.5;
const DRIFT_MAX_MS = 0.5;

// The global is a getter of Node.js, which takes a part of the time of a reading.
const { performance } = globalThis;

let readNow: () => number = () => performance.now();
let readWall: () => number = Date.now;
let anchor = anchorAt(performance.timeOrigin);
let checkedAtMs = Number.NEGATIVE_INFINITY;

/** Monotonic milliseconds; the only clock that a span reads. */
export function monotonicMs(): number {
  return readNow();
}

/** The anchor for a local trace that starts at `nowMs` (monotonic). Follows jumps of the wall clock within a second. */
export function currentAnchor(nowMs: number): Anchor {
  if (nowMs - checkedAtMs > CHECK_INTERVAL_MS) {
    checkedAtMs = nowMs;
    const driftMs = readWall() - (anchor.epochMs + nowMs);
    if (driftMs < DRIFT_MIN_MS || driftMs > DRIFT_MAX_MS) anchor = anchorAt(anchor.epochMs + driftMs + 0.5);
  }
  return anchor;
}

/** Replace the clocks; for tests. Without an argument the system's are used again. */
export function setClock(clock?: Clock): void {
  readNow = clock === undefined ? () => performance.now() : () => clock.now();
  readWall = clock === undefined ? Date.now : () => clock.wall();
  checkedAtMs = Number.NEGATIVE_INFINITY;
  anchor = clock === undefined ? anchorAt(performance.timeOrigin) : anchorAt(clock.wall() - clock.now());
}

function anchorAt(epochMs: number): Anchor {
  // Seconds and the rest apart: nanoseconds since the epoch do not fit into a double.
  const seconds = Math.floor(epochMs / 1000);
  const nanos = Math.round((epochMs - seconds * 1000) * 1e6);
  const total = BigInt(seconds) * 1_000_000_000n + BigInt(nanos);
  return { epochMs, nanosHigh: Number(total >> 32n), nanosLow: Number(total & 0xffffffffn) };
}

/** A monotonic reading as `[seconds, nanoseconds]` since the Unix epoch. */
export function toHrTime(at: Anchor, monotonic: number): HrTime {
  const deltaNanos = Math.round(monotonic * 1e6);
  const deltaHigh = Math.floor(deltaNanos / TWO_32);
  const low = at.nanosLow + (deltaNanos - deltaHigh * TWO_32);
  const high = at.nanosHigh + deltaHigh + (low >= TWO_32 ? 1 : 0);
  const nanos = (BigInt(high) << 32n) | BigInt(low >= TWO_32 ? low - TWO_32 : low);
  return [Number(nanos / 1_000_000_000n), Number(nanos % 1_000_000_000n)];
}

/**
 * A time that a user gave, as a monotonic reading in the anchor's frame.
 *
 * @param input  `[seconds, nanoseconds]`, a `Date`, milliseconds since the epoch, or a `performance.now()` reading
 *   (told apart by its size: below 3.2e11)
 * @returns `undefined` when it is not a finite time, lies before the epoch or behind the year 2262, or throws
 */
export function fromTimeInput(at: Anchor, input: TimeInput | undefined): number | undefined {
  try {
    return readTimeInput(at, input);
  } catch {
    // A proxy, or an object that only looks like a Date.
    return undefined;
  }
}

function readTimeInput(at: Anchor, input: TimeInput | undefined): number | undefined {
  if (typeof input === 'number') {
    if (!isTimeMs(input)) return undefined;
    return input < MAX_READING_MS ? input : input - at.epochMs;
  }
  if (Array.isArray(input)) {
    const [seconds, nanos] = input as [unknown, unknown];
    if (typeof seconds !== 'number' || typeof nanos !== 'number') return undefined;
    if (!(seconds >= 0 && nanos >= 0 && isTimeMs(seconds * 1000 + nanos / 1e6))) return undefined;
    const anchorSeconds = Math.floor(at.epochMs / 1000);
    return (seconds - anchorSeconds) * 1000 + (nanos / 1e6 - (at.epochMs - anchorSeconds * 1000));
  }
  if (input instanceof Date) {
    const ms = input.getTime();
    return isTimeMs(ms) ? ms - at.epochMs : undefined;
  }
  return undefined;
}

// False for NaN too.
function isTimeMs(ms: number): boolean {
  return ms >= 0 && ms <= MAX_TIME_MS;
}

/**
 * A time of day that a user gave, exactly: as a monotonic reading a time years away would lose nanoseconds.
 *
 * @returns `undefined` for `performance.now()` readings, which are exact as they are, and for what is no valid time
 */
export function exactTime(input: TimeInput | undefined): HrTime | undefined {
  try {
    return readExactTime(input);
  } catch {
    return undefined;
  }
}

function readExactTime(input: TimeInput | undefined): HrTime | undefined {
  if (typeof input === 'number') return input < MAX_READING_MS ? undefined : exactMs(input);
  if (input instanceof Date) return exactMs(input.getTime());
  if (!Array.isArray(input)) return undefined;
  const [seconds, nanos] = input;
  if (typeof seconds !== 'number' || typeof nanos !== 'number') return undefined;
  if (!(seconds >= 0 && nanos >= 0 && isTimeMs(seconds * 1000 + nanos / 1e6))) return undefined;
  const whole = Math.floor(seconds);
  const all = Math.round((seconds - whole) * 1e9 + nanos);
  return [whole + Math.floor(all / 1e9), all % 1e9];
}

function exactMs(ms: number): HrTime | undefined {
  if (!isTimeMs(ms)) return undefined;
  const seconds = Math.floor(ms / 1000);
  const nanos = Math.round((ms - seconds * 1000) * 1e6);
  return nanos === 1e9 ? [seconds + 1, 0] : [seconds, nanos];
}
