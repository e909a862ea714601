// Where the grid has open times that no candle has: whitespace, so that a hole is seen as a hole.
// Never here: made-up candles; the reasons of holes.
// Invariant: the candles come out as they went in, in order; what is put between them is only `{time}`.

import type { Interval } from "./interval.ts";

/** A place on the time axis, with a candle or without. */
export interface Whitespace {
  readonly time: number;
}

/** Whitespace points put in at most; a longer hole is drawn shorter than it is. */
export const HOLE_POINTS_MAX = 500;

/** The sorted candles with whitespace between them; also before the first, if `afterMs` is given. */
export function spaced<C extends Whitespace>(interval: Interval, candles: readonly C[], afterMs: number | null = null): (C | Whitespace)[] {
  const points: (C | Whitespace)[] = [];
  let left = HOLE_POINTS_MAX;
  let beforeMs = afterMs;
  for (const candle of candles) {
    let openMs = beforeMs === null || !interval.hasGrid ? candle.time : interval.nextOpenMs(beforeMs);
    for (; openMs < candle.time && left > 0; openMs = interval.nextOpenMs(openMs)) {
      points.push({ time: openMs });
      left -= 1;
    }
    points.push(candle);
    beforeMs = Math.max(beforeMs ?? 0, candle.time);
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
