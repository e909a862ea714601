// Where the grid has open times that no candle has: whitespace, so that a hole is seen as a hole.
// Never here: made-up candles; the reasons of holes.
// Invariant: the candles come out as they went in, in order; what is put between them is only `{time}`.

import type { Interval } from "./interval.ts";

/** A place on the time axis, with a candle or without. */
export interface Whitespace {
  readonly time: number;
}

/** Whitespace points put in at most; the oldest holes, and a longer one, are drawn shorter than they are. */
export const HOLE_POINTS_MAX = 500;

/** The sorted candles with whitespace between them; also before the first, if `afterMs` is given. */
export function spaced<C extends Whitespace>(interval: Interval, candles: readonly C[], afterMs: number | null = null): (C | Whitespace)[] {
  if (!interval.hasGrid) return [...candles];
  const missing = new Map<number, Whitespace[]>();
  let left = HOLE_POINTS_MAX;
  for (let i = candles.length - 1; i >= 0 && left > 0; i -= 1) {
    const beforeMs = Math.max(candles[i - 1]?.time ?? -1, afterMs ?? -1);
    if (beforeMs < 0) break;
    const points = hole(interval, beforeMs, candles[i]!.time, left);
    if (points.length > 0) missing.set(i, points);
    left -= points.length;
  }
  return missing.size === 0 ? [...candles] : candles.flatMap((candle, i) => [...(missing.get(i) ?? []), candle]);
}

/** The open times between two candles, the first ones up to that many. */
function hole(interval: Interval, beforeMs: number, untilMs: number, most: number): Whitespace[] {
  const points = [];
  for (let openMs = interval.nextOpenMs(beforeMs); openMs < untilMs && points.length < most; openMs = interval.nextOpenMs(openMs)) {
    points.push({ time: openMs });
  }
  return points;
}

/** The first open time that no candle has between `afterMs` and the sorted `times`, or null. */
export function firstHole(interval: Interval, afterMs: number, times: readonly number[]): number | null {
  if (!interval.hasGrid) return null;
  let nextMs = interval.nextOpenMs(afterMs);
  for (const timeMs of times) {
    if (timeMs > nextMs) return nextMs;
    nextMs = Math.max(nextMs, interval.nextOpenMs(timeMs));
  }
  return null;
}
