// What a study's maths looks like from outside, and how far a candle reaches in it.
// Never here: one study's maths (indicators.ts, vwap.ts), which candles there are.
// Invariant: a calculator started at `back(i)` has the same value at `i` as one started at the first candle.

import type { Candle } from "../candles/candle.ts";
import type { Source } from "./study.ts";

/** Fed candle by candle, in order. */
export interface Calculator {
  /** Takes in the next candle, or the last one anew; `out` gets one value an output, NaN where there is none yet. */
  readonly update: (candle: Candle, isReplace: boolean, out: Float64Array) => void;
}

export interface Formula {
  readonly outputs: number;
  /** So many candles at the start whose replacing is not trusted: there the calculator begins anew instead. */
  readonly young: number;
  /** The candle that a calculator has to begin with for its value at `index` to be right. */
  readonly back: (candles: readonly Candle[], index: number) => number;
  /** The first candle whose value those before `index` have no part in. */
  readonly ahead: (candles: readonly Candle[], index: number) => number;
  readonly create: () => Calculator;
}

/** A value that remembers so many candles, and no others. */
export function within(memory: number): Pick<Formula, "back" | "ahead"> {
  return {
    back: (_, index) => Math.max(0, index - memory),
    ahead: ({ length }, index) => Math.min(length, index + memory),
  };
}

/** A value that remembers every candle. */
export const forever: Pick<Formula, "back" | "ahead"> = { back: () => 0, ahead: ({ length }) => length };

/** A value that remembers the candles since those with another key. */
export function since(key: (candle: Candle) => number): Pick<Formula, "back" | "ahead"> {
  return {
    back: (candles, index) => {
      let at = Math.min(index, candles.length - 1);
      while (at > 0 && key(candles[at - 1]!) === key(candles[index] ?? candles.at(-1)!)) at -= 1;
      return Math.max(0, at);
    },
    ahead: (candles, index) => {
      let at = index;
      while (at < candles.length && at > 0 && key(candles[at]!) === key(candles[index - 1]!)) at += 1;
      return at;
    },
  };
}

const SOURCE: Readonly<Record<Source, (candle: Candle) => number>> = {
  open: ({ open }) => open,
  high: ({ high }) => high,
  low: ({ low }) => low,
  close: ({ close }) => close,
  hl2: ({ high, low }) => (high + low) / 2,
  hlc3: ({ high, low, close }) => (high + low + close) / 3,
  ohlc4: ({ open, high, low, close }) => (open + high + low + close) / 4,
};

export function sourceOf(name: unknown): (candle: Candle) => number {
  return SOURCE[name as Source];
}
