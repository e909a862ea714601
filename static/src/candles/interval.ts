// Binance's 16 intervals: which candle a moment belongs to, and which one comes next. All times in ms.
// Never here: a clock, a time zone, rounding of somebody else's open times.
// Invariant: `openMs(t) <= t < nextOpenMs(openMs(t))`, for every interval and moment.

export const SECOND_MS = 1_000;
export const MINUTE_MS = 60 * SECOND_MS;
export const HOUR_MS = 60 * MINUTE_MS;
export const DAY_MS = 24 * HOUR_MS;

// 1970-01-05 was the first Monday; Binance's weeks open on Mondays, 00:00 UTC.
const MONDAY_PHASE_MS = 4 * DAY_MS;

/** The last moment that calendar arithmetic here accepts: 2200-01-01. It stops times in µs. */
export const LAST_MS = 7_258_118_400_000;

/** A row, time or candle that breaks a rule: names the field, its value and what is allowed. */
export class CandleError extends Error {
  readonly field: string;
  readonly value: unknown;
  readonly allowed: string;

  constructor(field: string, value: unknown, allowed: string) {
    super(`${field} is ${shortened(value)}; allowed: ${allowed}`);
    this.name = "CandleError";
    this.field = field;
    this.value = value;
    this.allowed = allowed;
  }
}

/** One interval. `durationMs` is null for a month; `phaseMs` is null for 3d until it is learned. */
export class Interval {
  readonly name: string;
  readonly durationMs: number | null;
  readonly phaseMs: number | null;

  constructor(name: string, durationMs: number | null, phaseMs: number | null) {
    this.name = name;
    this.durationMs = durationMs;
    this.phaseMs = phaseMs;
    Object.freeze(this);
  }

  /** The same interval on the grid that an official candle's open time shows (3d only). */
  withPhase(openMs: number): Interval {
    if (this.name !== "3d") return this;
    if (openMs % DAY_MS !== 0) {
      throw new CandleError("open time", openMs, "midnight UTC for a 3d candle, in ms");
    }
    return new Interval(this.name, this.durationMs, openMs % (3 * DAY_MS));
  }

  /** False only for a 3d interval whose phase is not known yet. */
  get hasGrid() {
    return this.durationMs === null || this.phaseMs !== null;
  }

  openMs(tMs: number): number {
    checkMoment(tMs);
    if (this.durationMs === null) return monthMs(monthsAt(tMs));
    const sinceOpenMs = (tMs - this.#phase()) % this.durationMs;
    return tMs - (sinceOpenMs < 0 ? sinceOpenMs + this.durationMs : sinceOpenMs);
  }

  nextOpenMs(openMs: number) {
    return this.step(openMs, 1);
  }

  previousOpenMs(openMs: number) {
    return this.step(openMs, -1);
  }

  /** The last ms of the candle that opens at `openMs`: where its interval ends, less 1. */
  closeMs(openMs: number) {
    return this.nextOpenMs(openMs) - 1;
  }

  /** Whether a candle of this interval can open at `openMs`. */
  isAligned(openMs: number) {
    return isMoment(openMs) && this.openMs(openMs) === openMs;
  }

  /** The open time that lies `candles` candles after (or before, if negative). */
  step(openMs: number, candles: number) {
    checkMoment(openMs);
    if (this.durationMs !== null) return openMs + candles * this.durationMs;
    return monthMs(monthsAt(openMs) + candles);
  }

  /** How many candles open in [startMs, endMs), `startMs` being an open time. */
  count(startMs: number, endMs: number) {
    if (endMs <= startMs) return 0;
    if (this.durationMs !== null) return Math.ceil((endMs - startMs) / this.durationMs);
    return monthsAt(endMs - 1) - monthsAt(startMs) + 1;
  }

  /** The open times in [startMs, endMs), `startMs` being an open time. */
  *opens(startMs: number, endMs: number): Generator<number> {
    for (let openMs = startMs; openMs < endMs; openMs = this.nextOpenMs(openMs)) yield openMs;
  }

  #phase() {
    if (this.phaseMs !== null) return this.phaseMs;
    throw new CandleError("interval", this.name, "a grid learned from an official candle first");
  }
}

/** The interval of that name. Case counts: `1m` is a minute, `1M` a month. */
export function parseInterval(text: unknown): Interval {
  if (typeof text === "string" && isIntervalName(text)) return INTERVALS[text];
  throw new CandleError("interval", text, Object.keys(INTERVALS).join(", "));
}

/** Whether the value is a time: an integer in ms since 1970 (UTC), not µs, not text. */
export function isMoment(value: unknown): value is number {
  return isInteger(value) && value >= 0 && value < LAST_MS;
}

/** `Number.isInteger`, as a check that the compiler understands. */
export function isInteger(value: unknown): value is number {
  return Number.isInteger(value);
}

function checkMoment(tMs: number) {
  if (!isMoment(tMs)) throw new CandleError("time", tMs, `0 to ${LAST_MS} ms since 1970 (UTC)`);
}

function monthsAt(tMs: number) {
  const date = new Date(tMs);
  return date.getUTCFullYear() * 12 + date.getUTCMonth();
}

function monthMs(months: number) {
  return Date.UTC(Math.floor(months / 12), months % 12, 1);
}

function shortened(value: unknown) {
  const text = typeof value === "string" ? `'${value}'` : String(value);
  return text.length <= 80 ? text : `${text.slice(0, 77)}...`;
}

const FIXED_MS = {
  "1s": SECOND_MS,
  "1m": MINUTE_MS,
  "3m": 3 * MINUTE_MS,
  "5m": 5 * MINUTE_MS,
  "15m": 15 * MINUTE_MS,
  "30m": 30 * MINUTE_MS,
  "1h": HOUR_MS,
  "2h": 2 * HOUR_MS,
  "4h": 4 * HOUR_MS,
  "6h": 6 * HOUR_MS,
  "8h": 8 * HOUR_MS,
  "12h": 12 * HOUR_MS,
  "1d": DAY_MS,
} as const;

export type IntervalName = keyof typeof FIXED_MS | "3d" | "1w" | "1M";

/** By name, shortest first. */
export const INTERVALS: Readonly<Record<IntervalName, Interval>> = Object.freeze({
  ...(Object.fromEntries(Object.entries(FIXED_MS).map(([name, ms]) => [name, new Interval(name, ms, 0)])) as Record<keyof typeof FIXED_MS, Interval>),
  "3d": new Interval("3d", 3 * DAY_MS, null),
  "1w": new Interval("1w", 7 * DAY_MS, MONDAY_PHASE_MS),
  "1M": new Interval("1M", null, 0),
});

function isIntervalName(text: string): text is IntervalName {
  return Object.hasOwn(INTERVALS, text);
}
