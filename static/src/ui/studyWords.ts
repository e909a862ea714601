// What studies are called: kinds, inputs, outputs, colours, and their values.
// Never here: the DOM, which studies there are.
// Invariant: a value is told in what its kind counts in, a price with its market's decimals, a difference so that it is not all noughts.

import type { Outputs } from "../studies/outputs.ts";
import { isTooLong, rulesOf, type Study, type StudyColor, type StudyKind } from "../studies/study.ts";
import { price, volume } from "./format.ts";

/** Short, as a legend has it; long, for the list. */
export const NAMES: Readonly<Record<StudyKind, readonly [short: string, long: string]>> = {
  sma: ["SMA", "Simple moving average"],
  ema: ["EMA", "Exponential moving average"],
  wma: ["WMA", "Weighted moving average"],
  vwap: ["VWAP", "Volume-weighted average price"],
  bollinger: ["Bollinger", "Bollinger bands"],
  ichimoku: ["Ichimoku", "Ichimoku cloud"],
  supertrend: ["SuperTrend", "SuperTrend"],
  "volume-profile": ["Volume profile", "Volume profile of what is in sight"],
  rsi: ["RSI", "Relative strength index"],
  macd: ["MACD", "Moving average convergence divergence"],
  atr: ["ATR", "Average true range"],
  stochastic: ["Stochastic", "Stochastic oscillator"],
  obv: ["OBV", "On-balance volume"],
};

/** Whether many know it by its short name alone. */
export function isAbbreviated(kind: StudyKind): boolean {
  const [short, long] = NAMES[kind];
  return short === short.toUpperCase() && short !== long;
}

const INPUTS: Readonly<Record<string, string>> = {
  period: "Period", source: "Source", anchor: "Begins anew each", deviations: "Standard deviations", conversion: "Conversion line", base: "Base line",
  span: "Leading span B", displacement: "Displacement", factor: "Multiplier of the ATR", rows: "Rows", fast: "Fast", slow: "Slow", signal: "Signal", k: "%K", slowing: "Slowing", d: "%D",
};

const CHOICES: Readonly<Record<string, string>> = {
  close: "Close", open: "Open", high: "High", low: "Low", hl2: "(High + low) / 2", hlc3: "(High + low + close) / 3", ohlc4: "(Open + high + low + close) / 4",
  day: "Day (UTC)", week: "Week (UTC)", month: "Month (UTC)",
};

const COLOR_NAMES: Readonly<Record<StudyColor, string>> = {
  "series-1": "Blue", "series-2": "Amber", "series-3": "Purple", "series-4": "Cyan", "series-5": "Orange", "series-6": "Pink", "series-7": "Lime", "series-8": "Grey",
};

export function inputName(name: string): string {
  return INPUTS[name] ?? name;
}

export function choiceName(choice: string): string {
  return CHOICES[choice] ?? choice;
}

export function colorName(color: StudyColor): string {
  return COLOR_NAMES[color];
}

/** EMA 20, Bollinger 20 2, VWAP week: what tells it from others of its kind. */
export function studyTitle({ kind, inputs }: Pick<Study, "kind" | "inputs">): string {
  const told = Object.entries(rulesOf(kind).inputs).flatMap(([name, { usual }]) => {
    const value = inputs[name]!;
    return typeof value === "number" || value !== usual ? [String(value)] : [];
  });
  return [NAMES[kind][0], ...told].join(" ");
}

/** Why a study has no value on candles of an interval; "" where it has some. */
export function whyEmpty(interval: string, study: Pick<Study, "kind" | "inputs">): string {
  return isTooLong(interval, study) ? `needs candles shorter than a ${study.inputs.anchor}` : "";
}

/** Of prices with as many decimals differences are a few ticks: they are told two decimals finer. */
const FINE = 4;

/** A value as it is told; "–" where there is none. */
export function studyValue(value: number | null, unit: Outputs["unit"], precision: number): string {
  if (value === null) return "–";
  const sign = value < 0 ? "−" : "";
  const size = Math.abs(value);
  if (unit === "volume") return `${sign}${volume(size)}`;
  const isFine = unit === "difference" && precision >= FINE;
  return `${sign}${price(size, unit === "points" ? 2 : Math.max(0, precision) + (isFine ? 2 : 0))}`;
}
