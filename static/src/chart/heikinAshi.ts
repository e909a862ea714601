// Heikin Ashi: averaged bars, worked out from candles for drawing alone.
// Never here: candles themselves, which stay what the exchange says; drawing.
// Invariant: each bar follows from its candle and the bar before it; a gap leaves the bar before it as it was.

import type { Candle } from "../candles/candle.ts";

/** What is drawn for a candle. */
export type Shape = Pick<Candle, "open" | "high" | "low" | "close">;

/** The bar of a candle; `before` is the bar drawn before it, null for the first of all. */
export function heikinAshi({ open, high, low, close }: Shape, before: Shape | null): Shape {
  const averageOpen = before === null ? (open + close) / 2 : (before.open + before.close) / 2;
  const averageClose = (open + high + low + close) / 4;
  return { open: averageOpen, high: Math.max(high, averageOpen, averageClose), low: Math.min(low, averageOpen, averageClose), close: averageClose };
}

export function isSameShape(a: Shape | undefined, b: Shape | undefined): boolean {
  return a === b || (a !== undefined && b !== undefined && a.open === b.open && a.high === b.high && a.low === b.low && a.close === b.close);
}
