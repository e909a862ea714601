// What is said of a market of the exchange's list: its name in parts, price, change and turnover.
// Never here: the DOM, which markets are shown.
// Invariant: a price has its own market's decimals; what is not known is a dash.

import type { MarketInPage } from "../net/pageConfig.ts";
import type { ListedMarket, Market } from "../net/protocol.ts";
import { decimals } from "../candles/candle.ts";
import { change, price, volume } from "./format.ts";

export const UNKNOWN = "–";

/** The last 24 hours of a market as texts; `direction` is null where nothing changed or nobody knows. */
export interface DayFigures {
  readonly change: string;
  readonly direction: "up" | "down" | null;
  readonly high: string;
  readonly low: string;
  readonly turnover: string;
}

/** Base and quote apart, or the whole name where that is not known. */
export function nameParts({ symbol, base, quote }: Pick<ListedMarket, "symbol" | "base" | "quote">): { base: string; quote: string } {
  return base !== null && quote !== null ? { base, quote } : { base: symbol, quote: "" };
}

/** As many decimals as any of its prices has: the list does not tell the market's own step. */
export function listedPrecision({ price, open, high, low }: ListedMarket): number {
  return Math.max(0, ...[price, open, high, low].map((value) => (value === null ? 0 : decimals(value))));
}

/** The decimals of its prices: the market's own step where we follow it, else as the list has them. */
export function precisionOf(row: ListedMarket | null, followed: Market | MarketInPage | undefined): number {
  const tick = followed?.tick_size ?? null;
  if (tick !== null) return decimals(Number(tick));
  return row === null ? -1 : listedPrecision(row);
}

export function priceText(value: number | null, precision: number): string {
  return value === null || precision < 0 ? UNKNOWN : price(value, precision);
}

/** The change of 24 hours up to that price: the list's own, or towards a newer price. */
export function dayChange({ open, price: last, change: percent }: ListedMarket, newer: number | null = null): Pick<DayFigures, "change" | "direction"> {
  const now = newer ?? last;
  if (open !== null && open > 0 && now !== null) return signed(change(open, now));
  return percent === null ? { change: UNKNOWN, direction: null } : signed(change(100, 100 + percent));
}

/** All of the last 24 hours; a newer price widens what the list knew. */
export function dayFigures(row: ListedMarket, newer: number | null, precision: number): DayFigures {
  const { high, low, quote } = row;
  const widest = (known: number | null, pick: (...prices: number[]) => number) => (known === null || newer === null ? known : pick(known, newer));
  return {
    ...dayChange(row, newer),
    high: priceText(widest(high, Math.max), precision),
    low: priceText(widest(low, Math.min), precision),
    turnover: row.quote_volume === null ? UNKNOWN : `${turnover(row.quote_volume)}${quote === null ? "" : ` ${quote}`}`,
  };
}

/** 1.23B: three digits are enough to compare by. */
export function turnover(value: number): string {
  return value >= 1_000 ? compact.format(value) : volume(Number(value.toPrecision(3)));
}

const compact = new Intl.NumberFormat("en-US", { notation: "compact", maximumSignificantDigits: 3 });

function signed(text: string): Pick<DayFigures, "change" | "direction"> {
  return { change: text, direction: text.startsWith("+") ? "up" : text.startsWith("−") ? "down" : null };
}
