// The foot of the search: what can be done with the active market, the question before it is unfollowed, and what came of it.
// Never here: which market is active, requests (handed in).
// Invariant: nothing is unfollowed without a second word; a refusal is told in the server's own.

import type { Signal } from "@preact/signals";
import { useSignal, useSignalEffect } from "@preact/signals";
import type { JSX } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import { below } from "../net/basePath.ts";
import type { RankedMarket } from "../state/marketRanking.ts";
import { FavouriteStar } from "./favouriteStar.tsx";
import { address, mayWrite, type Page } from "./page.ts";

/** What was asked for: go there (and follow it first), make it a favourite, or ask before it is unfollowed. */
export type FootAction = "go" | "star" | "unfollow";

/** What is asked for, and of which market: the foot of another one leaves it alone. */
export interface FootWish {
  readonly symbol: string;
  readonly what: FootAction;
}

interface MarketFootProps {
  readonly page: Page;
  readonly row: RankedMarket;
  readonly wish: Signal<FootWish | null>;
  readonly focusField: () => void;
}

export function MarketFoot({ page, row, wish, focusField }: MarketFootProps): JSX.Element {
  const { symbol } = row.market;
  const said = useSignal("");
  const isBusy = useSignal(false);
  const ours = page.markets.list.value.find((market) => market.symbol === symbol);
  const isFollowed = ours !== undefined;
  const isAsked = wish.value?.symbol === symbol && wish.value.what === "unfollow";
  const canFollow = mayWrite(page.config);
  const run = async (words: string, what: () => Promise<void>) => {
    if (isBusy.value) return;
    isBusy.value = true;
    said.value = words;
    try {
      await what();
      said.value = "";
    } catch (error) {
      said.value = error instanceof Error ? error.message : String(error);
    } finally {
      isBusy.value = false;
    }
  };
  const go = () => {
    page.dialog.value = null;
    page.actions.go({ symbol });
  };
  const follow = () => run(`Asking the exchange about ${symbol}.`, async () => {
    await page.markets.follow(symbol);
    if (page.dialog.peek() === "search") go();
  });
  const unfollow = () => run("", async () => {
    wish.value = null;
    await page.actions.unfollow(symbol);
    page.announcer.say(`${symbol} is not followed any more.`);
  });
  useSignalEffect(() => {
    if (wish.value?.symbol !== symbol || wish.value.what !== "go") return;
    wish.value = null;
    if (page.markets.get(symbol) !== undefined) go();
    else if (canFollow) void follow();
    else said.value = page.config.signed_in ? "" : `${symbol} is not followed here. Sign in to follow it.`;
  });
  return (
    <footer class="search-foot">
      {isAsked && isFollowed
        ? <Question symbol={symbol} onYes={unfollow} onNo={() => { wish.value = null; }} onGone={focusField} />
        : (
          <>
            <FavouriteStar page={page} symbol={symbol} />
            <p id="markets-say" role="status">{said.value || standingOf(page, symbol, ours?.may_unfollow ?? null)}</p>
            {ours?.may_unfollow ? <button id="markets-unfollow" class="button" type="button" disabled={isBusy.value} onClick={() => { wish.value = { symbol, what: "unfollow" }; }}>Unfollow …</button> : null}
            {isFollowed ? <button id="markets-open" class="button is-first" type="button" onClick={go}>Open</button> : null}
            {!isFollowed && canFollow ? <button id="markets-follow" class="button is-first" type="button" disabled={isBusy.value} onClick={follow}>Follow {symbol}</button> : null}
            {!isFollowed && !page.config.signed_in ? <a class="button is-first" href={signInFor(page, symbol)}>Sign in to follow it</a> : null}
          </>
        )}
    </footer>
  );
}

interface QuestionProps {
  readonly symbol: string;
  readonly onYes: () => void;
  readonly onNo: () => void;
  readonly onGone: () => void;
}

function Question({ symbol, onYes, onNo, onGone }: QuestionProps): JSX.Element {
  const keep = useRef<HTMLButtonElement>(null);
  useLayoutEffect(() => {
    keep.current!.focus();
    return onGone;
  }, []);
  const pressed = (event: KeyboardEvent) => {
    if (event.key !== "Escape") return;
    event.preventDefault();
    event.stopPropagation();
    onNo();
  };
  return (
    <div class="search-question" role="group" aria-label={`Unfollow ${symbol}?`} onKeyDown={pressed}>
      <p>Unfollow {symbol} for everybody here? Its stored candles stay.</p>
      <button ref={keep} class="button" type="button" onClick={onNo}>Keep it</button>
      <button id="markets-unfollow-yes" class="button is-warning" type="button" onClick={onYes}>Unfollow</button>
    </div>
  );
}

/** Whether it is followed, and why nothing can be done about that; `mayUnfollow` is null where it is not. */
function standingOf({ config }: Page, symbol: string, mayUnfollow: boolean | null): string {
  if (mayUnfollow === null) return `${symbol} is not followed${config.signed_in && !mayWrite(config) ? "; following it needs the role trader" : ""}.`;
  return `${symbol} is followed${config.signed_in && !mayUnfollow ? "; unfollowing it needs the role admin" : ""}.`;
}

/** Signing in leads on to that market. */
function signInFor({ state, config }: Page, symbol: string) {
  const interval = state.view.peek()?.interval ?? config.interval;
  return below(`/login?${new URLSearchParams({ next: address(symbol, interval) })}`);
}
