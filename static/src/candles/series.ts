// A series: one market at one interval, the identity that every room, request and answer is named by.
// Never here: which markets are followed (the page's config knows), requests, the DOM.
// Invariant: a series that exists has a known interval, and a symbol that is safe in a URL.

import { CandleError, parseInterval, type Interval } from "./interval.ts";

export interface Series {
  readonly symbol: string;
  readonly interval: Interval;
  /** `BTCUSDT:1m`, as rooms and keys are named. */
  readonly name: string;
}

// Binance's symbols: upper-case letters and digits, since 2026 also letters of other scripts.
const SYMBOL = /^[\p{L}\p{N}\p{M}_.-]{1,20}$/u;

/** The series of that symbol and interval; `CandleError` names the one that is wrong. */
export function parseSeries(symbol: unknown, interval: unknown): Series {
  return makeSeries(parseSymbol(symbol), parseInterval(interval));
}

/** A symbol as Binance writes it: 1 to 20 upper-case letters, digits, `.`, `-` or `_`. */
export function parseSymbol(text: unknown): string {
  if (typeof text === "string" && SYMBOL.test(text) && text === text.toUpperCase()) return text;
  throw new CandleError("symbol", text, "1 to 20 upper-case letters, digits, '.', '-' or '_'");
}

function makeSeries(symbol: string, interval: Interval): Series {
  return Object.freeze({ symbol, interval, name: `${symbol}:${interval.name}` });
}
