// The star of a market: whether it is a favourite, and making it one.
// Never here: where favourites are kept (state/preferences.ts).
// Invariant: told by shape (full or hollow) and by name, not by colour alone.

import type { JSX } from "preact";
import { Icon } from "./icons.tsx";
import type { Page } from "./page.ts";

/** Puts it among the favourites, last, or takes it away. */
export function toggleFavourite({ preferences, announcer }: Pick<Page, "preferences" | "announcer">, symbol: string) {
  const before = preferences.get("favourites");
  const isOne = before.includes(symbol);
  preferences.set("favourites", isOne ? before.filter((one) => one !== symbol) : [...before, symbol]);
  announcer.say(isOne ? `${symbol} is no favourite any more.` : `${symbol} is a favourite.`);
}

export function FavouriteStar({ page, symbol }: { readonly page: Page; readonly symbol: string }): JSX.Element {
  const isOne = page.preferences.of("favourites").value.includes(symbol);
  return (
    <button
      class="star" type="button" aria-pressed={isOne} aria-label={`Favourite: ${symbol}`} title={isOne ? "Take away from the favourites" : "Make it a favourite"}
      onClick={() => toggleFavourite(page, symbol)}
    ><Icon name="star" /></button>
  );
}
