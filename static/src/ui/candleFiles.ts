// Candles as files and text: rows of CSV, one candle in a sentence, names of files.
// Never here: the DOM, requests; where the candles come from.
// Invariant: columns are those of `flask export`, times ms since 1970 (UTC) whatever zone is shown; no number is rounded.

import type { Candle, CandleState } from "../candles/candle.ts";
import type { ExactRow } from "../net/exactCandles.ts";
import type { PointedCandle } from "../state/pageState.ts";
import { LIVE_STATES, change, fullMoment, price, volume } from "./format.ts";

const HEADER = "open_time,open,high,low,close,volume,state";

/** The candles as CSV: official ones in the exchange's own text where that is known. */
export function csvOf(bars: readonly (Candle & { readonly state: CandleState })[], exact: readonly ExactRow[]): string {
  const known = new Map(exact.map((row) => [Number(row[0]), row]));
  const lines = bars.map(({ time, open, high, low, close, volume: amount, state }) => {
    const row = state === "final" ? known.get(time) : undefined;
    const fields = row ?? [String(time), ...[open, high, low, close, amount].map(plain)];
    return [...fields, state === "final" ? LIVE_STATES.final : state].join(",");
  });
  return [HEADER, ...lines, ""].join("\n");
}

/** One candle as text to be pasted anywhere. */
export function candleText({ symbol, interval, base }: { readonly symbol: string; readonly interval: string; readonly base: string }, candle: PointedCandle, precision: number): string {
  const [open, high, low, close] = [candle.open, candle.high, candle.low, candle.close].map((one) => price(one, precision));
  return [
    `${symbol} ${interval} ${fullMoment(candle.time, interval)}`,
    `O ${open} H ${high} L ${low} C ${close} ${change(candle.open, candle.close)}`,
    `V ${volume(candle.volume)}${base === "" ? "" : ` ${base}`}, ${LIVE_STATES[candle.state]}`,
  ].join(" · ");
}

/** BTCUSDT-1m-20261127T140200Z.png; a month is 1mo, for file systems that don't tell M from m. */
export function fileName(symbol: string, interval: string, ms: number, ending: "png" | "csv"): string {
  const stamp = new Date(ms).toISOString().replace(/\.\d+/, "").replace(/[-:]/g, "");
  return `${symbol}-${interval.replace(/M$/, "mo")}-${stamp}.${ending}`;
}

/** A number in full: no exponent, no digit that it does not have. */
export function plain(number: number): string {
  const text = String(number);
  const [digits, exponent] = text.split("e-");
  if (exponent === undefined) return text.includes("e") ? BigInt(number).toString() : text;
  return `0.${"0".repeat(Number(exponent) - 1)}${digits!.replace(".", "")}`;
}
