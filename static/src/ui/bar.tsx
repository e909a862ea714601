// The bar on top: market, intervals, how fresh the page is, theme and account.
// Never here: what the words are, what choosing does, the chart.
// Invariant: the market and interval named here are those of the candles shown.

import { useComputed, useSignal, type ReadonlySignal } from "@preact/signals";
import type { JSX } from "preact";
import { useRef } from "preact/hooks";
import type { ViewModel } from "../state/viewModel.ts";
import type { Said } from "./freshness.ts";
import { isSignedOut } from "./freshness.ts";
import { change, price } from "./format.ts";
import { Icon } from "./icons.tsx";
import { Intervals } from "./intervals.tsx";
import { MarketMenu } from "./marketMenu.tsx";
import { signInHere, type Page } from "./page.ts";
import { MoreMenu, ThemeMenu, TypeMenu, ZoneButton } from "./readingMenus.tsx";
import { StatusBadge } from "./statusBadge.tsx";

interface BarProps {
  readonly page: Page;
  readonly said: ReadonlySignal<Said>;
  readonly csrfToken: string;
}

export function Bar({ page, said, csrfToken }: BarProps): JSX.Element {
  const { config, state } = page;
  const symbol = useComputed(() => state.view.value?.symbol ?? config.symbol).value;
  const interval = useComputed(() => state.view.value?.interval ?? config.interval).value;
  const isOut = useComputed(() => state.view.value !== null && isSignedOut(state.view.value)).value;
  const isOpen = useSignal(false);
  return (
    <header class="bar">
      <a class="brand" href="/" title="TrueCandle">
        <img src={mark()} width="20" height="20" alt="" />
        <span class="brand-name">TrueCandle</span>
      </a>
      <button id="market" class="market" type="button" popovertarget="markets" aria-haspopup="dialog" aria-expanded={isOpen.value}>
        <span class="sr">Market: </span>
        <strong id="market-name">{symbol}</strong>
        <LastPrice page={page} />
        <Icon name="chevron" />
      </button>
      <MarketMenu page={page} symbol={symbol} interval={interval} onToggle={(now) => { isOpen.value = now; }} />
      <Intervals page={page} symbol={symbol} interval={interval} />
      <TypeMenu page={page} />
      <div class="aside">
        <StatusBadge said={said} />
        {isOut ? <a id="sign-in" class="button is-first" href={signInHere()}>Sign in</a> : null}
        <ZoneButton page={page} />
        <ThemeMenu page={page} />
        <MoreMenu page={page} />
        {isOut ? null : <Account user={config.user} csrfToken={csrfToken} />}
      </div>
    </header>
  );
}

function Account({ user, csrfToken }: { readonly user: string | null; readonly csrfToken: string }): JSX.Element {
  if (user === null) return <a class="button" href="/login">Sign in</a>;
  return (
    <form id="account" class="account" method="post" action="/logout">
      <input type="hidden" name="csrf_token" value={csrfToken} />
      <span class="account-name" title={`Signed in as ${user}`}>{user}</span>
      <button class="button" type="submit" title="Sign out">
        <span class="account-out">Sign out</span><Icon name="out" />
      </button>
    </form>
  );
}

/** The last price and the change of the day, read from one instant. */
function LastPrice({ page: { config, state } }: { readonly page: Page }): JSX.Element {
  const last = useRef<{ symbol: string; price: number | null; direction?: "up" | "down" }>({ symbol: "", price: null });
  const view = state.view.value;
  const precision = state.precision.value;
  const isKnown = view !== null && view.price !== null && precision >= 0;
  if (view !== null) last.current = moved(last.current, view);
  const dayChange = isKnown && view.dayOpen !== null && config.intervals.includes("1d") ? change(view.dayOpen, view.price!) : "";
  const isSoon = config.intervals.includes("1d") && (view === null || view.load.kind === "loading");
  const soon = <span class="figure-soon" aria-hidden="true" />;
  return (
    <>
      <span id="market-price" class="figures" data-direction={last.current.direction}>{isKnown ? price(view.price!, precision) : soon}</span>
      <span id="market-change" class="figures" title="Since 00:00 UTC" hidden={dayChange === "" && !isSoon} data-direction={directionOf(dayChange)}>{dayChange || soon}</span>
    </>
  );
}

/** Which way a change points: by its sign. */
function directionOf(text: string) {
  return text.startsWith("+") ? "up" : text.startsWith("−") ? "down" : undefined;
}

/** Which way the price went last; nowhere yet in a market that was just opened. */
function moved(last: { symbol: string; price: number | null; direction?: "up" | "down" }, { symbol, price: now }: ViewModel) {
  if (last.symbol !== symbol || last.price === null || now === null) return { symbol, price: now };
  if (now === last.price) return last;
  return { symbol, price: now, direction: now > last.price ? ("up" as const) : ("down" as const) };
}

/** The address of the page's own mark. */
function mark() {
  return document.querySelector<HTMLLinkElement>('link[rel="icon"]')!.href;
}
