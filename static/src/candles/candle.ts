// The candles as the page holds them: official and live, checked, times in ms, prices as numbers.
// Never here: which candle wins (`merge`); how one is formed (`builder`); requests, the DOM, a clock.
// Invariant: a candle that exists has an integer open time, and low <= open, close <= high.

import { CandleError, LAST_MS, isInteger, isMoment, type Interval } from "./interval.ts";

/** An official candle: what Binance says of one interval that has ended. Times in ms, prices as numbers. */
export interface Candle {
  readonly time: number;
  readonly open: number;
  readonly high: number;
  readonly low: number;
  readonly close: number;
  readonly volume: number;
}

/** A candle that forms, or has closed and waits for its official version. */
export interface LiveCandle extends Candle {
  readonly trades: number;
  readonly source: "live" | "client";
  readonly is_complete: boolean;
  readonly updated_at: number;
  readonly first_id: number;
  readonly last_id: number;
  /** It holds exactly the trades `first_id` to `last_id`, from the first of its interval. */
  readonly isExact: boolean;
  /** Moved on by a price that does not follow it: not known to be what the server holds. */
  readonly isAdrift?: boolean;
}

/** Official, closed and waiting for its official version, or still forming. */
export type CandleState = "final" | "pending" | "forming";

export interface CandleInState<C extends Candle = LiveCandle> {
  readonly candle: C;
  readonly state: CandleState;
}

/** What may be a `T`: nothing is known yet about the fields of what has just arrived. */
export type Unchecked<T> = { readonly [K in keyof T]?: unknown };

/** The longest fraction that a price or volume on Binance has, and then some. */
const DECIMALS_MAX = 12;

/** The id where there is no trade, or none is known. */
export const NO_ID = -1;

/** An official candle from Binance's 12 fields (the first 6 are read). */
export function officialFromRow(row: unknown): Candle {
  if (!Array.isArray(row) || row.length !== 12) throw new CandleError("row", row, "an array of 12 fields");
  return checked({ time: row[0], open: row[1], high: row[2], low: row[3], close: row[4], volume: row[5] });
}

/** Official candles from the columns of `GET /data`; a row that breaks a rule is left out. */
export function officialFromColumns(columns: Readonly<Record<keyof Candle, readonly unknown[]>>): Candle[] {
  const { time, open, high, low, close, volume } = columns;
  const candles: Candle[] = [];
  for (let i = 0; i < time.length; i += 1) {
    const fields = { time: time[i], open: open[i], high: high[i], low: low[i], close: close[i], volume: volume[i] };
    if (isSound(fields)) candles.push(Object.freeze(fields));
  }
  return candles;
}

/**
 * A live candle from its JSON shape; `CandleError` names what is wrong. `isExact` (`exact` in
 * JSON): it holds exactly the trades `first_id` to `last_id`, from the first of its interval.
 */
export function liveFromFields(given: unknown): LiveCandle {
  if (given === null || typeof given !== "object") throw new CandleError("live candle", given, "an object");
  const fields: Unchecked<LiveCandle> & { readonly exact?: unknown } = given;
  const { time, open, high, low, close, volume = 0, trades = 0, source = "live" } = fields;
  if (source !== "live" && source !== "client") throw new CandleError("source", source, "live or client");
  if (!isMoment(fields.updated_at)) throw new CandleError("updated_at", fields.updated_at, `0 to ${LAST_MS} ms`);
  if (!isInteger(trades) || trades < 0) throw new CandleError("trades", trades, "an integer of 0 or more");
  const { first_id = NO_ID, last_id = NO_ID, updated_at } = fields;
  if (!isTradeId(first_id)) throw new CandleError("first_id", first_id, "an integer of -1 or more");
  if (!isTradeId(last_id)) throw new CandleError("last_id", last_id, "an integer of -1 or more");
  const is_complete = fields.is_complete === true;
  const isExact = fields.exact === true;
  return checked({ time, open, high, low, close, volume, trades, source, is_complete, updated_at, first_id, last_id, isExact });
}

/** The same, but junk gives null: one bad candle must never keep the chart from drawing. */
export function liveOrNull(fields: unknown): LiveCandle | null {
  try {
    return liveFromFields(fields);
  } catch (error) {
    if (error instanceof CandleError) return null;
    throw error;
  }
}

/** Whether the candle's interval ended, and `settleMs` passed since, at exchange time now. */
export function isClosed(interval: Interval, openMs: number, nowMs: number, settleMs = 0): boolean {
  return interval.nextOpenMs(openMs) + settleMs <= nowMs;
}

/** Whether two candles say the same about the market. */
export function sameValues(a: Candle, b: Candle): boolean {
  return (
    a.time === b.time && a.open === b.open && a.high === b.high && a.low === b.low && a.close === b.close &&
    a.volume === b.volume
  );
}

/** How many decimals the number's shortest text has: 0.00000908 has 8. */
export function decimals(number: number): number {
  const [digits = "", exponent = "0"] = String(number).split("e");
  const fraction = digits.split(".")[1] ?? "";
  return Math.min(DECIMALS_MAX, Math.max(0, fraction.length - Number(exponent)));
}

/** Two decimal numbers added without the dust of binary fractions: 0.1 + 0.2 is 0.3. */
export function add(a: number, b: number): number {
  return Number((a + b).toFixed(Math.max(decimals(a), decimals(b))));
}

function checked<T extends Unchecked<Candle>>(fields: T): T & Candle {
  const broken = breaks(fields);
  if (broken !== null) throw new CandleError(...broken);
  return Object.freeze(fields) as T & Candle;
}

function isSound(fields: Unchecked<Candle>): fields is Candle {
  return breaks(fields) === null;
}

/** What is wrong with it as [field, value, allowed], or null. */
function breaks({ time, open, high, low, close, volume }: Unchecked<Candle>): [string, unknown, string] | null {
  if (!isMoment(time)) return ["time", time, `an integer from 0 to ${LAST_MS}, in ms since 1970 (UTC)`];
  if (!(isNumber(low) && low > 0)) return ["low", low, "a number more than 0"];
  if (!isNumber(high)) return ["high", high, "a number"];
  if (!(isNumber(open) && low <= open && open <= high)) return ["open", open, `${low} (low) to ${high} (high)`];
  if (!(isNumber(close) && low <= close && close <= high)) return ["close", close, `${low} (low) to ${high} (high)`];
  if (!(isNumber(volume) && volume >= 0)) return ["volume", volume, "a number of 0 or more"];
  return null;
}

function isTradeId(value: unknown): value is number {
  return isInteger(value) && value >= NO_ID;
}

function isNumber(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value);
}
