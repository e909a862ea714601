// What each kind of study puts on the chart: its lines, columns and bands, in order of its values.
// Never here: maths, pixels, words.
// Invariant: as many outputs as the kind's formula has values.

import type { Study, StudyInputs, StudyKind } from "./study.ts";

/** Which colour: the study's own, one further on, or that of a side. */
export type Shade = number | "up" | "down" | "both";

export interface Output {
  readonly name: string;
  /** A line, or columns from zero on. */
  readonly look: "line" | "columns";
  readonly shade: Shade;
  /** So many candles further on than the candle that it is worked out at. */
  readonly shift?: (inputs: StudyInputs) => number;
}

export interface Outputs {
  readonly lines: readonly Output[];
  /** Filled between two of them, by their places in `lines`. */
  readonly band?: readonly [number, number];
  /** Values that a reader compares with. */
  readonly levels?: readonly number[];
  /** What its values are counted in. */
  readonly unit: "price" | "difference" | "points" | "volume";
}

const line = (name: string, shade: Shade = 0): Output => ({ name, look: "line", shade });
const average: Outputs = { lines: [line("value")], unit: "price" };

/** The candle itself counts as the first of those that it is shifted by. */
const ahead = ({ displacement }: StudyInputs) => Number(displacement) - 1;

export const OUTPUTS: Readonly<Record<StudyKind, Outputs>> = {
  sma: average,
  ema: average,
  wma: average,
  vwap: average,
  bollinger: { lines: [line("upper"), line("middle"), line("lower")], band: [0, 2], unit: "price" },
  ichimoku: {
    lines: [
      line("conversion"), line("base", 1), { ...line("span A", 2), shift: ahead }, { ...line("span B", 3), shift: ahead },
      { ...line("lagging", 4), shift: (inputs) => -ahead(inputs) },
    ],
    band: [2, 3],
    unit: "price",
  },
  supertrend: { lines: [line("up", "up"), line("down", "down")], unit: "price" },
  "volume-profile": { lines: [], unit: "volume" },
  rsi: { lines: [line("value")], levels: [30, 70], unit: "points" },
  macd: { lines: [{ name: "histogram", look: "columns", shade: "both" }, line("macd"), line("signal", 1)], levels: [0], unit: "difference" },
  atr: { lines: [line("value")], unit: "difference" },
  stochastic: { lines: [line("k"), line("d", 1)], levels: [20, 80], unit: "points" },
  obv: { lines: [line("value")], unit: "volume" },
};

/** So many candles further on than the candle that it is worked out at. */
export function shiftOf(output: Output, { inputs }: Pick<Study, "inputs">): number {
  return output.shift?.(inputs) ?? 0;
}
