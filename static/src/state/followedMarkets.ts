// The markets that are followed here, as the server last told them.
// Never here: which of them is shown, markets that only the exchange knows.
// Invariant: a market is listed once, in the order in which they were added.

import { signal } from "@preact/signals-core";
import type { Api } from "../net/api.ts";
import type { MarketInPage } from "../net/pageConfig.ts";
import type { Market } from "../net/protocol.ts";

export class FollowedMarkets {
  readonly list = signal<readonly (Market | MarketInPage)[]>([]);
  readonly #api: Pick<Api, "markets" | "follow" | "unfollow">;

  constructor(api: Pick<Api, "markets" | "follow" | "unfollow">, markets: readonly MarketInPage[]) {
    this.#api = api;
    this.list.value = markets;
  }

  get(symbol: string): Market | MarketInPage | undefined {
    return this.list.peek().find((market) => market.symbol === symbol);
  }

  /** Others may have followed more markets, or fewer; where nobody answers the list stays as it is. */
  async refresh(): Promise<void> {
    const found = await this.#api.markets().catch(() => null);
    if (found !== null) this.list.value = found;
  }

  /** Follows one more; rejects with what the exchange or the server says. */
  async follow(symbol: string): Promise<Market> {
    const market = await this.#api.follow(symbol);
    this.list.value = [...this.list.peek().filter((one) => one.symbol !== market.symbol), market];
    return market;
  }

  /** Follows it no more; rejects with what the server says. Its candles stay. */
  async unfollow(symbol: string): Promise<void> {
    await this.#api.unfollow(symbol);
    this.list.value = this.list.peek().filter((market) => market.symbol !== symbol);
  }
}
