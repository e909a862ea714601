// The merge rule: official, pending and forming candles become one sequence, official first.
// Never here: where the candles come from, how they are drawn.
// Invariant: one candle per open time, ascending; an official candle is never hidden or moved, and no
// live one stands where the exchange has proven that there is none.

import { isClosed, type Candle, type CandleInState, type CandleState, type LiveCandle } from "./candle.ts";
import type { Interval } from "./interval.ts";
import type { MissingSpan } from "./missing.ts";

/**
 * All three as one ascending sequence of `{candle, state}` at exchange time `nowMs`.
 * `official` is sorted and unique. Holes stay holes, above all those proven to be `missing`.
 */
export function merge(
  interval: Interval,
  official: readonly Candle[],
  pending: readonly LiveCandle[],
  forming: LiveCandle | null,
  nowMs: number,
  missing: readonly MissingSpan[] = [],
): CandleInState<Candle>[] {
  const opens = official.map((candle) => candle.time);
  const merged: CandleInState<Candle>[] = official.map((candle) => ({ candle, state: "final" }));
  merged.push(...tail(interval, opens, pending, forming, nowMs, missing));
  return merged.sort((a, b) => a.candle.time - b.candle.time);
}

/**
 * The live candles that belong beside official candles opening at `officialOpens` (sorted).
 *
 * Dropped: whatever an official candle stands for, is proven to be `missing` (`{startMs, endMs}`, sorted
 * and apart), lies off the grid, or is older than the first official one. What is older than the last
 * official one stays only where official has a hole that nobody has proven.
 */
export function tail(
  interval: Interval,
  officialOpens: readonly number[],
  pending: readonly LiveCandle[],
  forming: LiveCandle | null,
  nowMs: number,
  missing: readonly MissingSpan[] = [],
): CandleInState[] {
  const known = new Set(officialOpens);
  const firstMs = officialOpens[0] ?? 0;
  const newest = new Map<number, LiveCandle>();
  for (const candle of forming ? [...pending, forming] : pending) {
    if (known.has(candle.time) || candle.time < firstMs) continue;
    if (interval.hasGrid && !interval.isAligned(candle.time)) continue;
    if (isMissing(missing, candle.time)) continue;
    const rival = newest.get(candle.time);
    if (rival === undefined || candle.updated_at >= rival.updated_at) newest.set(candle.time, candle);
  }
  const ordered = [...newest.values()].sort((a, b) => a.time - b.time);
  const lastMs = Math.max(officialOpens.at(-1) ?? 0, ordered.at(-1)?.time ?? 0);
  return ordered.map((candle) => ({ candle, state: state(interval, candle, lastMs, nowMs) }));
}

/** Whether an open time lies in one of these `{startMs, endMs}`, which are sorted and apart. */
export function isMissing(missing: readonly MissingSpan[], openMs: number): boolean {
  let [low, high] = [0, missing.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (missing[middle].startMs <= openMs) low = middle + 1;
    else high = middle;
  }
  return low > 0 && openMs < missing[low - 1].endMs;
}

function state(interval: Interval, candle: LiveCandle, lastMs: number, nowMs: number): CandleState {
  const isLast = candle.time === lastMs;
  return isLast && !candle.is_complete && !isClosed(interval, candle.time, nowMs) ? "forming" : "pending";
}
