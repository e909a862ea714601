// The bar on top: market, intervals, how fresh the page is, theme and account.
// Never here: what the words are, what choosing does, the chart.
// Invariant: the market and interval named here are those of the candles shown.

import { useComputed, type ReadonlySignal } from "@preact/signals";
import type { JSX } from "preact";
import { below } from "../net/basePath.ts";
import { DrawButton } from "./drawingDoor.tsx";
import type { Said } from "./freshness.ts";
import { DayChange, DayFigures } from "./dayFigures.tsx";
import { isSignedOut } from "./freshness.ts";
import { Icon } from "./icons.tsx";
import { expectLater } from "./laterOn.ts";
import { Intervals } from "./intervals.tsx";
import { precisionOf, priceText } from "./marketWords.ts";
import { signInHere, type Page } from "./page.ts";
import { MoreMenu, ThemeMenu, TypeMenu, ZoneButton } from "./readingMenus.tsx";
import { StatusBadge } from "./statusBadge.tsx";
import { TruthButton } from "./truthButton.tsx";
import { WatchlistButton } from "./watchlistButton.tsx";

interface BarProps {
  readonly page: Page;
  readonly said: ReadonlySignal<Said>;
  readonly csrfToken: string;
}

export function Bar({ page, said, csrfToken }: BarProps): JSX.Element {
  const { config, state } = page;
  const symbol = useComputed(() => state.shown.value?.symbol ?? config.symbol).value;
  const interval = useComputed(() => state.shown.value?.interval ?? config.interval).value;
  const isOut = useComputed(() => state.view.value !== null && isSignedOut(state.view.value)).value;
  return (
    <header class="bar" onPointerEnter={expectLater}>
      <a class="brand" href={below("/")} title="TrueCandle">
        <img src={mark()} width="20" height="20" alt="" />
        <span class="brand-name">TrueCandle</span>
      </a>
      <button
        id="market" class="market" type="button" title="Search a market (/)" aria-haspopup="dialog" aria-keyshortcuts="/" aria-expanded={page.dialog.value === "search"}
        onClick={() => page.actions.openSearch("")}
      >
        <span class="sr">Market: </span>
        <strong id="market-name">{symbol}</strong>
        <LastPrice page={page} symbol={symbol} />
        <Icon name="chevron" />
      </button>
      <Day page={page} symbol={symbol} />
      <Intervals page={page} symbol={symbol} interval={interval} />
      <TypeMenu page={page} />
      <button id="add-studies" class="tool" type="button" title="Studies (Alt+U)" aria-haspopup="dialog" aria-keyshortcuts="Alt+U" onClick={() => { page.dialog.value = "studies"; }}>
        <Icon name="studies" /><span class="tool-word">Studies</span>
      </button>
      <DrawButton page={page} />
      <div class="aside">
        <StatusBadge said={said} />
        {isOut ? <a id="sign-in" class="button is-first" href={signInHere()}>Sign in</a> : null}
        <TruthButton page={page} place="bar" />
        <WatchlistButton page={page} />
        <ChartsButton page={page} />
        <ZoneButton page={page} />
        <ThemeMenu page={page} />
        <MoreMenu page={page} />
        {isOut ? null : <Account user={config.user} csrfToken={csrfToken} />}
      </div>
    </header>
  );
}

function ChartsButton({ page }: { readonly page: Page }): JSX.Element {
  const open = () => { page.dialog.value = "charts"; };
  return <button id="charts" class="icon" type="button" aria-haspopup="dialog" aria-label="Charts and layouts" title="Charts and layouts (Alt+W)" aria-keyshortcuts="Alt+W" onClick={open}><Icon name="grid" /></button>;
}

function Account({ user, csrfToken }: { readonly user: string | null; readonly csrfToken: string }): JSX.Element {
  if (user === null) return <a class="button" href={below("/login")}>Sign in</a>;
  return (
    <form id="account" class="account" method="post" action={below("/logout")}>
      <input type="hidden" name="csrf_token" value={csrfToken} />
      <a class="account-name" href={below("/account")} title={`Signed in as ${user}: password, sessions, tokens`} aria-label={`Account of ${user}`}>{user}</a>
      <button class="button" type="submit" title="Sign out">
        <span class="account-out">Sign out</span><Icon name="out" />
      </button>
    </form>
  );
}

interface MarketProps {
  readonly page: Page;
  readonly symbol: string;
}

/** The last price and the change of 24 hours, read from one instant; of a market that is not followed as the exchange lists it. */
function LastPrice({ page, symbol }: MarketProps): JSX.Element {
  const view = page.state.view.value;
  const isSoon = page.state.absent.value === null && (view === null || (view.price === null && view.load.kind === "loading"));
  const { price, precision } = lastPrice(page, symbol);
  return (
    <>
      <span id="market-price" class="figures">{isSoon ? <span class="figure-soon" aria-hidden="true" /> : priceText(price, precision)}</span>
      <DayChange page={page} symbol={symbol} price={view?.price ?? null} />
    </>
  );
}

function Day({ page, symbol }: MarketProps): JSX.Element {
  return <DayFigures page={page} symbol={symbol} {...lastPrice(page, symbol)} />;
}

function lastPrice({ state, tickers, markets }: Page, symbol: string): { price: number | null; precision: number } {
  const view = state.view.value;
  if (view !== null && state.precision.value >= 0) return { price: view.price, precision: state.precision.value };
  const row = tickers.rows.value.get(symbol) ?? null;
  return { price: row?.price ?? null, precision: precisionOf(row, markets.get(symbol)) };
}

/** The address of the page's own mark. */
function mark() {
  return document.querySelector<HTMLLinkElement>('link[rel="icon"]')!.href;
}
