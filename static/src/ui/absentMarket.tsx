// What stands in the chart's place when the address names a market that is not followed here.
// Never here: following it (an action), what the exchange lists (state/tickers.ts).
// Invariant: no other market's figures stand beside it; a next step is always named.

import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { precisionOf, priceText, dayChange } from "./marketWords.ts";
import { mayWrite, signInHere, type Pane } from "./page.ts";

export function AbsentMarket({ page }: { readonly page: Pane }): JSX.Element | null {
  const { state, tickers, config, actions, id } = page;
  const said = useSignal("");
  const isAsking = useSignal(false);
  const absent = state.absent.value;
  if (absent === null) return null;
  const { symbol, interval } = absent;
  const row = tickers.rows.value.get(symbol);
  const follow = async () => {
    if (isAsking.value) return;
    isAsking.value = true;
    said.value = `Asking the exchange about ${symbol}.`;
    try {
      await page.markets.follow(symbol);
      said.value = "";
      if (state.absent.peek()?.symbol === symbol) actions.go({ symbol, interval });
    } catch (error) {
      said.value = error instanceof Error ? error.message : String(error);
    } finally {
      isAsking.value = false;
    }
  };
  const search = <button id={id("absent-search")} class="button" type="button" onClick={() => actions.openSearch("")}>Search a market</button>;
  if (row === null) {
    return (
      <section id={id("absent")} class="absent" aria-labelledby={id("absent-title")}>
        <h2 id={id("absent-title")}>{symbol} is no market of the exchange</h2>
        <p>It lists none of that name that trades. Perhaps it is called otherwise.</p>
        <p class="absent-ways">{search}</p>
      </section>
    );
  }
  return (
    <section id={id("absent")} class="absent" aria-labelledby={id("absent-title")}>
      <h2 id={id("absent-title")}>{symbol} is not followed here</h2>
      {row?.price == null ? null : (
        <p class="figures">Last price {priceText(row.price, precisionOf(row, undefined))} {row.quote}, <span class="way" data-direction={dayChange(row).direction ?? undefined}>{dayChange(row).change}</span> in 24 hours.</p>
      )}
      <p>Candles are kept of the markets that are followed.</p>
      <p class="absent-ways">
        {config.signed_in && !mayWrite(config)
          ? <span id={id("absent-role")}>Following it needs the role trader; yours is {config.role}.</span>
          : config.signed_in
          ? <button id={id("absent-follow")} class="button is-first" type="button" disabled={isAsking.value} onClick={follow}>Follow {symbol}</button>
          : <a id={id("absent-sign-in")} class="button is-first" href={signInHere()}>Sign in to follow it</a>}
        {search}
      </p>
      <p class="absent-said" role="status">{said}</p>
    </section>
  );
}
