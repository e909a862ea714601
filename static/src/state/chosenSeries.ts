// Which series an address means: its market in whatever case, followed here or not, and its interval.
// Never here: the address bar, whether the exchange lists a market.
// Invariant: a market that is not followed is never replaced in silence; what can't be a name is told.

import type { SeriesName } from "./preferences.ts";

/** What may be a market's name; the server and the exchange decide. */
const SYMBOL = /^[\p{L}\p{N}._-]{1,20}$/u;

export interface ChosenSeries {
  /** What is meant, as it is written. */
  readonly series: SeriesName;
  /** Whether its market is followed here: only then there are candles to show. */
  readonly isFollowed: boolean;
  /** What of the address could not be understood, as a sentence; else "". */
  readonly mistake: string;
}

interface Known {
  readonly followed: readonly string[];
  readonly intervals: readonly string[];
  /** What an address means that names nothing. */
  readonly usual: SeriesName;
}

export function chosenSeries(query: URLSearchParams, { followed, intervals, usual }: Known): ChosenSeries {
  const [askedSymbol, askedInterval] = [query.get("symbol"), query.get("interval")];
  const named = askedSymbol?.trim().toUpperCase() ?? usual.symbol;
  const symbol = SYMBOL.test(named) ? named : usual.symbol;
  const understood = intervals.find((one) => one === askedInterval || one === spelt(askedInterval));
  const interval = understood ?? usual.interval;
  const wrong = [
    symbol === named ? "" : `${named.slice(0, 20)} is no market's name`,
    askedInterval === null || understood !== undefined ? "" : `the interval ${askedInterval.slice(0, 8)} is not offered here`,
  ].filter(Boolean);
  const mistake = wrong.length === 0 ? "" : `In that link, ${wrong.join(" and ")}. This is ${symbol} ${interval}.`;
  return { series: { symbol, interval }, isFollowed: followed.includes(symbol), mistake };
}

/** 1H is 1h; but 1M is a month, and no minute. */
function spelt(interval: string | null) {
  return interval === null || interval.endsWith("M") ? interval : interval.toLowerCase();
}

/** What an address without a market means: the last one that was open, if it still can be. */
export function usualSeries(last: SeriesName | null, { followed, intervals, usual }: Known): SeriesName {
  if (last === null || !followed.includes(last.symbol)) return usual;
  return { symbol: last.symbol, interval: intervals.includes(last.interval) ? last.interval : usual.interval };
}
