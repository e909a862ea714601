// A place on the time axis as a set of bars holds it: a candle to be drawn, or a gap.
// Never here: drawing.
// Invariant: a gap has a time and nothing else.

import { sameValues, type Candle, type CandleState } from "../candles/candle.ts";
import type { Whitespace } from "../candles/whitespace.ts";

/** A candle to be drawn; official ones may come without a `state`. */
export type DrawnCandle = Candle & { readonly state?: CandleState };
export type BarPoint = DrawnCandle | Whitespace;

export function isBar(point: BarPoint): point is DrawnCandle {
  return "close" in point;
}

/** Whether a gap begins with that point. */
export function isGap(point: BarPoint | undefined): boolean {
  return point !== undefined && !isBar(point);
}

export function looksSame(a: BarPoint, b: BarPoint): boolean {
  if (!isBar(a) || !isBar(b)) return isBar(a) === isBar(b);
  return a.state === b.state && sameValues(a, b);
}
