// The last 24 hours of the few markets that are in sight: the shown one, and those of the watchlist.
// Never here: live prices (watchlist.ts, session.ts), the whole list (exchangeMarkets.ts).
// Invariant: one request for all of them, one at a time, none while the page is hidden.

import { signal } from "@preact/signals-core";
import type { Clock } from "../clock.ts";
import type { Api } from "../net/api.ts";
import type { ListedMarket } from "../net/protocol.ts";

const EVERY_MS = 20_000;

/** As many as one request may name. */
const NAMED_MAX = 200;

export class Tickers {
  /** By symbol; null for one that the exchange does not list. What was never told is not in it. */
  readonly rows = signal<ReadonlyMap<string, ListedMarket | null>>(new Map());

  readonly #api: Pick<Api, "exchangeMarkets">;
  readonly #clock: Pick<Clock, "setTimeout" | "clearTimeout">;
  readonly #wanted = new Map<string, readonly string[]>();
  #isVisible = true;
  #isAsking = false;
  #timer: number | undefined;

  /** `first`: what the page was told with its HTML. */
  constructor(api: Pick<Api, "exchangeMarkets">, clock: Pick<Clock, "setTimeout" | "clearTimeout">, first: ListedMarket | null) {
    this.#api = api;
    this.#clock = clock;
    if (first !== null) this.rows.value = new Map([[first.symbol, first]]);
    this.#later();
  }

  /** These are in sight at that place from now on; asks at once if one of them was never told. */
  want(place: string, symbols: readonly string[]) {
    this.#wanted.set(place, symbols);
    if (symbols.some((symbol) => !this.rows.peek().has(symbol))) void this.ask();
  }

  setVisible(isVisible: boolean) {
    const isBack = isVisible && !this.#isVisible;
    this.#isVisible = isVisible;
    if (isBack) void this.ask();
  }

  async ask() {
    const symbols = [...new Set([...this.#wanted.values()].flat())].slice(0, NAMED_MAX);
    if (symbols.length === 0 || this.#isAsking || !this.#isVisible) return;
    this.#isAsking = true;
    this.#clock.clearTimeout(this.#timer);
    const answer = await this.#api.exchangeMarkets(symbols).catch(() => null);
    if (answer !== null) this.#take(symbols, answer.markets, answer.updated_at !== null);
    this.#isAsking = false;
    this.#later();
    const isNew = (symbol: string) => !symbols.includes(symbol) && !this.rows.peek().has(symbol);
    if (answer !== null && [...this.#wanted.values()].flat().some(isNew)) void this.ask();
  }

  /** A list that was read lacks what the exchange does not trade; before that nobody knows. */
  #take(asked: readonly string[], markets: readonly ListedMarket[], isRead: boolean) {
    const rows = new Map(this.rows.peek());
    const found = new Map(markets.map((market) => [market.symbol, market]));
    for (const symbol of asked) {
      const row = found.get(symbol);
      if (row !== undefined) rows.set(symbol, row);
      else if (isRead) rows.set(symbol, null);
    }
    this.rows.value = rows;
  }

  #later() {
    this.#clock.clearTimeout(this.#timer);
    this.#timer = this.#clock.setTimeout(() => {
      this.#later();
      void this.ask();
    }, EVERY_MS);
  }
}
