// What a drawing tells in numbers: the levels between two prices, and how far apart two points are.
// Never here: words for them, pixels.
// Invariant: a level of 0 is the second price and of 1 the first; a change in percent is one of the first price.

import type { Interval } from "../candles/interval.ts";
import { placeOf, type Times } from "../candles/places.ts";
import type { Anchor } from "./drawing.ts";

/** Of Fibonacci retracements, and the first beyond. */
export const LEVELS = [0, 0.236, 0.382, 0.5, 0.618, 0.786, 1, 1.618] as const;

export interface Measured {
  /** In the quote asset; below 0: down. */
  readonly change: number;
  /** Of the first price; null where that is 0. */
  readonly percent: number | null;
  /** Candles, and places without one; below 0: backwards. */
  readonly bars: number;
  readonly ms: number;
}

export function levelPrices(first: number, second: number): { readonly level: number; readonly price: number }[] {
  return LEVELS.map((level) => ({ level, price: second + (first - second) * level }));
}

export function measured(first: Anchor, second: Anchor, times: Times, interval: Interval): Measured {
  const change = second.price - first.price;
  const [from, to] = [first, second].map(({ time }) => placeOf(times, interval, time) ?? 0);
  return { change, percent: first.price === 0 ? null : (change / first.price) * 100, bars: Math.round(to! - from!), ms: second.time - first.time };
}
