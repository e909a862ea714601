// The watchlist: favourites and followed markets, each with its live price and the change of 24 hours.
// Never here: which prices are heard (state/watchlist.ts), what going to a market does.
// Invariant: rows keep their places and columns their widths, whatever the prices do.

import { useComputed } from "@preact/signals";
import type { JSX } from "preact";
import { FavouriteStar } from "./favouriteStar.tsx";
import { Icon } from "./icons.tsx";
import { UNKNOWN, dayChange, nameParts, precisionOf, priceText } from "./marketWords.ts";
import { address, isPlainClick, type Page } from "./page.ts";
import { Panel } from "./panel.tsx";

/** Which way a key walks the list. */
const STEPS: ReadonlyMap<string, (at: number, count: number) => number> = new Map([
  ["ArrowDown", (at: number, count: number) => Math.min(at + 1, count - 1)],
  ["ArrowUp", (at: number) => Math.max(at - 1, 0)],
  ["Home", () => 0],
  ["End", (_: number, count: number) => count - 1],
]);

export function WatchlistPanel({ page }: { readonly page: Page }): JSX.Element {
  const { state, config, preferences, markets } = page;
  const interval = useComputed(() => state.view.value?.interval ?? config.interval).value;
  const shown = useComputed(() => state.absent.value?.symbol ?? state.view.value?.symbol).value;
  const isLive = useComputed(() => state.view.value === null || state.view.value.link.kind === "up").value;
  const favourites = preferences.of("favourites").value;
  const followed = markets.list.value.map(({ symbol }) => symbol).filter((symbol) => !favourites.includes(symbol));
  const rows = (symbols: readonly string[]) => symbols.map((symbol) => <Row key={symbol} page={page} symbol={symbol} interval={interval} isShown={symbol === shown} />);
  return (
    <Panel page={page} name="watchlist" title="Watchlist">
      <div class="watch" data-live={isLive ? "" : undefined} onKeyDown={walk}>
        {favourites.length === 0 ? null : <section aria-label="Favourites"><h3>Favourites</h3><ul>{rows(favourites)}</ul></section>}
        {followed.length === 0 ? null : <section aria-label="Followed"><h3>Followed</h3><ul>{rows(followed)}</ul></section>}
      </div>
      <p class="watch-more"><button id="watch-search" class="button" type="button" onClick={() => page.actions.openSearch("")}>Find another market …</button></p>
    </Panel>
  );
}

interface RowProps {
  readonly page: Page;
  readonly symbol: string;
  readonly interval: string;
  readonly isShown: boolean;
}

function Row({ page, symbol, interval, isShown }: RowProps): JSX.Element {
  const { state } = page;
  const ours = page.markets.list.value.find((market) => market.symbol === symbol);
  const row = useComputed(() => page.tickers.rows.value.get(symbol) ?? null).value;
  const heard = useComputed(() => page.watchlist.prices.value.get(symbol)).value;
  const price = useComputed(() => (state.shown.value?.symbol === symbol ? state.view.value?.price : null)).value ?? heard?.price ?? row?.price ?? null;
  const { base, quote } = nameParts({ symbol, base: row?.base ?? ours?.base ?? null, quote: row?.quote ?? ours?.quote ?? null });
  const { change, direction } = row === null ? { change: UNKNOWN, direction: null } : dayChange(row, price);
  const go = (event: MouseEvent) => {
    if (!isPlainClick(event)) return;
    event.preventDefault();
    page.actions.go({ symbol });
  };
  return (
    <li class="watch-row" data-symbol={symbol} data-shown={isShown ? "" : undefined} data-followed={ours === undefined ? undefined : ""}>
      <FavouriteStar page={page} symbol={symbol} />
      <a href={address(symbol, interval)} aria-current={isShown ? "true" : undefined} onClick={go}>
        <span class="pair"><b>{base}</b>{quote === "" ? null : <i><span class="sr"> / </span>{quote}</i>}</span>
        <span class="watch-price figures" data-moved={heard?.direction ?? undefined}>
          {priceText(price, precisionOf(row, ours))}
          <Spark direction={heard?.direction ?? null} />
        </span>
        <span class="watch-change way figures" data-direction={direction ?? undefined}>{ours === undefined ? <span class="sr">not followed, </span> : null}{change}</span>
      </a>
    </li>
  );
}

/** Which way the price went last; its place is kept while that is not known. */
function Spark({ direction }: { readonly direction: "up" | "down" | null }): JSX.Element {
  return <span class="spark" data-direction={direction ?? undefined}>{direction === null ? null : <Icon name={direction} />}</span>;
}

function walk(event: KeyboardEvent) {
  const step = STEPS.get(event.key);
  const links = [...(event.currentTarget as HTMLElement).querySelectorAll<HTMLElement>(".watch-row a")];
  if (step === undefined || links.length === 0 || event.metaKey || event.ctrlKey || event.altKey) return;
  const row = (event.target as HTMLElement).closest(".watch-row");
  const at = links.findIndex((link) => row?.contains(link) === true);
  event.preventDefault();
  links[step(at, links.length)]!.focus();
}
