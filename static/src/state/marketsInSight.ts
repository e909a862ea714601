// Which markets are in sight, told to those who ask for their figures: the one the bar names, and the watchlist's.
// Never here: requests, prices, what is drawn.
// Invariant: a watchlist that is shut costs nothing.

import { effect } from "@preact/signals-core";
import type { FollowedMarkets } from "./followedMarkets.ts";
import type { ShownState } from "./pageState.ts";
import type { Preferences } from "./preferences.ts";
import type { Tickers } from "./tickers.ts";
import type { Watchlist } from "./watchlist.ts";

interface Parts {
  readonly state: Pick<ShownState, "panel" | "shown">;
  readonly preferences: Preferences;
  readonly markets: FollowedMarkets;
  readonly tickers: Tickers;
  readonly watchlist: Watchlist;
}

export function followSight({ state, preferences, markets, tickers, watchlist }: Parts) {
  effect(() => tickers.want("bar", state.shown.value === null ? [] : [state.shown.value.symbol]));
  effect(() => {
    const isOpen = state.panel.value === "watchlist";
    const followed = markets.list.value.map(({ symbol }) => symbol);
    const symbols = isOpen ? [...new Set([...preferences.of("favourites").value, ...followed])] : [];
    tickers.want("watchlist", symbols);
    watchlist.show(symbols);
  });
}
