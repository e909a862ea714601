// Where a moment lies on the time axis, counted in bars, and which moment lies at a place: between, before and after the bars too.
// Never here: pixels, what is drawn.
// Invariant: at a bar's open time the place is that bar's index; beyond the bars one step of the interval is one place.

import { LAST_MS, type Interval } from "../candles/interval.ts";

/** The open times of all places of the axis that have a point, ascending. */
export interface Times {
  readonly length: number;
  at(index: number): number;
}

/** The index of the place that a moment lies at, with a fraction inside of a bar; null while there are no bars. */
export function placeOf(times: Times, interval: Interval, timeMs: number): number | null {
  if (times.length === 0) return null;
  const last = times.length - 1;
  const ms = Math.max(0, Math.min(LAST_MS - 1, timeMs));
  if (ms < times.at(0)) return -steps(interval, ms, times.at(0));
  if (ms >= times.at(last)) return last + steps(interval, times.at(last), ms);
  const at = lastUpTo(times, ms);
  return at + (ms - times.at(at)) / (times.at(at + 1) - times.at(at));
}

/** The moment at a place, inside of a bar too; null while there are no bars, and where no time is. */
export function momentAt(times: Times, interval: Interval, place: number): number | null {
  const openMs = timeAt(times, interval, Math.floor(place));
  const nextMs = timeAt(times, interval, Math.floor(place) + 1);
  return openMs === null || nextMs === null ? null : openMs + (place - Math.floor(place)) * (nextMs - openMs);
}

/** The open time at a place, the nearest whole one; null while there are no bars, and where no time is. */
export function timeAt(times: Times, interval: Interval, place: number): number | null {
  if (times.length === 0) return null;
  const [at, last] = [Math.round(place), times.length - 1];
  const ms = at < 0 ? interval.step(times.at(0), at) : at > last ? interval.step(times.at(last), at - last) : times.at(at);
  return ms >= 0 && ms < LAST_MS ? ms : null;
}

/** How many bars fit between two moments of which one is an open time. */
function steps(interval: Interval, fromMs: number, toMs: number): number {
  if (interval.durationMs !== null) return (toMs - fromMs) / interval.durationMs;
  return months(interval, toMs) - months(interval, fromMs);
}

/** Months are of unequal length: each is one place, and its own days are parts of it. */
function months(interval: Interval, ms: number): number {
  const openMs = interval.openMs(ms);
  return interval.count(0, openMs) + (ms - openMs) / (interval.nextOpenMs(openMs) - openMs);
}

function lastUpTo(times: Times, ms: number): number {
  let [low, high] = [0, times.length];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (times.at(middle) <= ms) low = middle;
    else high = middle;
  }
  return low;
}
