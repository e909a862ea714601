// The button in the bar that opens the watchlist.
// Never here: the panel.
// Invariant: it says whether the panel is open.

import type { JSX } from "preact";
import { Icon } from "./icons.tsx";
import type { Page } from "./page.ts";

export function WatchlistButton({ page: { state, actions } }: { readonly page: Page }): JSX.Element {
  const isOpen = state.panel.value === "watchlist";
  return (
    <button
      id="watchlist" class="icon" type="button" aria-expanded={isOpen} aria-controls="watchlist-panel" aria-label="Watchlist" title="Watchlist"
      onClick={() => actions.open(isOpen ? "none" : "watchlist")}
    ><Icon name="list" /></button>
  );
}
