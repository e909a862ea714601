// Which of the exchange's markets a text means, best first; and in what order they stand without one.
// Never here: the list itself, words, the DOM.
// Invariant: volumes are compared in one money; equals keep the order of their names, so that nothing jumps.

import type { ListedMarket } from "../net/protocol.ts";

/** All volumes are weighed in it. */
const MONEY = "USDT";

/** Where a quote is not traded against that money, it may be against one of these. */
const BRIDGES = ["BTC", "ETH", "BNB"] as const;

/** How well a market fits: the lower the better. */
const EXACT = 0;
const BASE = 1;
const SYMBOL_PREFIX = 2;
const BASE_PREFIX = 3;
const PART = 4;

export type MarketGroup = "favourite" | "followed" | "other";

export interface RankedMarket {
  readonly market: ListedMarket;
  readonly group: MarketGroup;
}

interface Known {
  readonly followed: readonly string[];
  readonly favourites: readonly string[];
}

/** The list, made ready once for all texts that are asked of it. */
export class MarketRanking {
  readonly #markets: readonly ListedMarket[];
  readonly #bySymbol: ReadonlyMap<string, ListedMarket>;

  constructor(markets: readonly ListedMarket[]) {
    const prices = new Map(markets.map(({ symbol, price }) => [symbol, price]));
    const turnover = new Map(markets.map((market) => [market.symbol, turnoverOf(market, prices)]));
    this.#markets = [...markets].sort((a, b) => turnover.get(b.symbol)! - turnover.get(a.symbol)! || (a.symbol < b.symbol ? -1 : 1));
    this.#bySymbol = new Map(markets.map((market) => [market.symbol, market]));
  }

  /** With a text all that fit it, of those that fit as well the reader's own first; without one favourites, then followed ones, then the most traded. */
  rank(text: string, { followed, favourites }: Known): RankedMarket[] {
    const [starred, ours] = [new Set(favourites), new Set(followed)];
    const grouped = (market: ListedMarket): RankedMarket => ({ market, group: starred.has(market.symbol) ? "favourite" : ours.has(market.symbol) ? "followed" : "other" });
    const words = wordsOf(text);
    if (words.length === 0) {
      const first = [...new Set([...favourites, ...followed])];
      const others = this.#markets.filter(({ symbol }) => !starred.has(symbol) && !ours.has(symbol));
      return [...first.map((symbol) => this.#bySymbol.get(symbol) ?? nameOnly(symbol)), ...others].map(grouped);
    }
    const tiers: ListedMarket[][] = [[], [], [], [], []];
    for (const market of this.#markets) tiers[fit(market, words)]?.push(market);
    const isKnown = ({ symbol }: ListedMarket) => starred.has(symbol) || ours.has(symbol);
    return tiers.flatMap((tier) => [...tier.filter(isKnown), ...tier.filter((market) => !isKnown(market))]).map(grouped);
  }
}

/** "btc/usdt", "BTC usdt" and "btc-usdt" are two words; "btcusdt" is one. */
export function wordsOf(text: string): string[] {
  return text.toUpperCase().split(/[\s/\-_:]+/).filter(Boolean);
}

/** A market of which nothing but its name is known. */
export function nameOnly(symbol: string): ListedMarket {
  const unknown = { base: null, quote: null, status: null, price: null, open: null, high: null, low: null, volume: null, quote_volume: null, change: null };
  return { symbol, ...unknown };
}

function fit({ symbol, base, quote }: ListedMarket, words: readonly string[]): number {
  const whole = words.join("");
  if (symbol === whole) return EXACT;
  const [first = "", ...rest] = words;
  const others = rest.join("");
  if (rest.length > 0 && base !== null && quote !== null) {
    if (quote.startsWith(others) && base.startsWith(first)) return base === first ? BASE : BASE_PREFIX;
  } else if (base === first) {
    return BASE;
  }
  if (symbol.startsWith(whole)) return SYMBOL_PREFIX;
  if (rest.length === 0 && base?.startsWith(first) === true) return BASE_PREFIX;
  return words.every((word) => symbol.includes(word) || base?.includes(word) === true) ? PART : Infinity;
}

/** Its 24 hours in one money; what can't be weighed stands behind all that can. */
function turnoverOf({ quote, quote_volume: volume }: ListedMarket, prices: ReadonlyMap<string, number | null>): number {
  if (quote === null || volume === null) return -1;
  const worth = worthOf(quote, prices);
  return worth === null ? 0 : volume * worth;
}

/** One of that asset in the money that all are weighed in. */
function worthOf(asset: string, prices: ReadonlyMap<string, number | null>): number | null {
  const direct = worthIn(asset, MONEY, prices);
  if (direct !== null) return direct;
  for (const bridge of BRIDGES) {
    const [step, rest] = [worthIn(asset, bridge, prices), worthIn(bridge, MONEY, prices)];
    if (step !== null && rest !== null) return step * rest;
  }
  return null;
}

function worthIn(asset: string, money: string, prices: ReadonlyMap<string, number | null>): number | null {
  if (asset === money) return 1;
  const price = prices.get(asset + money) ?? null;
  if (price !== null && price > 0) return price;
  const inverse = prices.get(money + asset) ?? null;
  return inverse !== null && inverse > 0 ? 1 / inverse : null;
}
