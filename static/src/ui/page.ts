// What every component of the chart page is handed: what is shown, and what can be done.
// Never here: how any of it is done (pane/chartPane.ts and chartPage.ts do it), components.
// Invariant: components read signals and call actions; they know neither session nor chart.

import type { ReadonlySignal, Signal } from "@preact/signals";
import { below } from "../net/basePath.ts";
import type { PageConfig } from "../net/pageConfig.ts";
import type { ExchangeMarkets } from "../state/exchangeMarkets.ts";
import type { FollowedMarkets } from "../state/followedMarkets.ts";
import type { DialogName, PointedCandle, ShownState } from "../state/pageState.ts";
import type { Grid, GridState, LinkName } from "../state/gridState.ts";
import type { Layouts } from "../state/layouts.ts";
import type { Choices, PanelName, SeriesName } from "../state/preferences.ts";
import type { Tickers } from "../state/tickers.ts";
import type { Watchlist } from "../state/watchlist.ts";
import type { Truth } from "../state/truth.ts";
import type { Announcer } from "./announcer.ts";
import type { DrawingDoor } from "./drawingDoor.tsx";
import type { Shortcuts } from "./shortcuts.ts";
import type { TakingOut } from "./takingOut.ts";

/** What a reader can do. */
export interface Actions {
  /** Shows another series; what is left out stays as it is. */
  readonly go: (series: { readonly symbol?: string; readonly interval?: string }) => void;
  readonly toNow: () => void;
  /** Brings a moment into the middle, fetching what is not stored of the way. */
  readonly goTo: (timeMs: number) => void;
  /** Of older candles and jumps: no more, go on (now), and: I have read it. */
  readonly older: { readonly stop: () => void; readonly goOn: () => void; readonly dismiss: () => void };
  /** Asks the server now, whatever pause was being waited out. */
  readonly retry: () => void;
  /** The last candles that are shown, ascending. */
  readonly candles: (count: number) => readonly PointedCandle[];
  /** Width of the bars, place and price axis as they were at first. */
  readonly resetView: () => void;
  /** Opens the search for a market, with that much typed already. */
  readonly openSearch: (text: string) => void;
  /** Opens a panel at the right, or shuts it. */
  readonly open: (panel: PanelName) => void;
  /** Follows a market no more; rejects with what the server says. */
  readonly unfollow: (symbol: string) => Promise<void>;
  /** A key on the focused chart; false if it means nothing there. */
  readonly key: (event: KeyboardEvent) => boolean;
  /** Goes to the candle that opens then, however far back it lies. */
  readonly jump: (openMs: number) => void;
  /** Lets a candle stand out, and the address name it; null: none. */
  readonly pick: (openMs: number | null) => void;
  /** Copies the link to a candle; false if the browser forbids it. */
  readonly copyLink: (openMs: number) => Promise<boolean>;
}

/** Whether who is signed in may follow markets, post candles and keep settings on the server. */
export function mayWrite({ role }: Pick<PageConfig, "role">): boolean {
  return role === "trader" || role === "admin";
}

/** What can be done with several charts; loaded when it is first wanted (pane/grid.ts). */
export interface Several {
  readonly layouts: Layouts;
  setCount(count: Grid): void;
  link(name: LinkName, isOn: boolean): void;
  /** Lets bar, panels and keys be about that chart, from 1 on. */
  activate(number: number): void;
}

/** What all components are handed alike. */
export interface SharedParts {
  readonly config: PageConfig;
  readonly markets: FollowedMarkets;
  readonly exchange: ExchangeMarkets;
  readonly tickers: Tickers;
  readonly watchlist: Watchlist;
  readonly announcer: Announcer;
  readonly preferences: Choices;
  readonly shortcuts: Shortcuts;
  readonly takingOut: TakingOut;
  readonly drawings: DrawingDoor;
  /** The dialog that is open, or null. */
  readonly dialog: Signal<DialogName | null>;
  readonly grid: GridState;
  /** All charts that were ever made, in their order; those beyond the grid's count rest. */
  readonly panes: ReadonlySignal<readonly Pane[]>;
  /** Null until it is loaded. */
  readonly several: ReadonlySignal<Several | null>;
  readonly wantSeveral: () => void;
}

/** And what belongs to one chart: to that whose pane they stand in, or around the panes to the active one. */
export interface Page extends SharedParts {
  readonly state: ShownState;
  readonly truth: Truth;
  readonly actions: Actions;
}

/** What the components in a chart's own pane are handed. */
export interface Pane extends Page {
  /** From 1 on. */
  readonly number: number;
  /** What is shown, or will be as soon as it is seen; null before any. */
  readonly series: ReadonlySignal<SeriesName | null>;
  /** A reader points into the pane, or chooses it. */
  readonly touched: (isChosen: boolean) => void;
  /** The id of an element that every pane has. */
  readonly id: (name: string) => string;
  /** The chart is drawn there. */
  readonly place: (plot: HTMLElement) => void;
}

/** The address of a series, or of one of its candles. */
export function address(symbol: string, interval: string, openMs: number | null = null): string {
  return below(`/?${new URLSearchParams({ symbol, interval, ...(openMs === null ? {} : { at: String(openMs) }) })}`);
}

/** The address of a layout. */
export function layoutAddress(name: string): string {
  return below(`/?${new URLSearchParams({ layout: name })}`);
}

/** Signing in leads back to what is shown. */
export function signInHere(): string {
  return below(`/login?${new URLSearchParams({ next: location.pathname + location.search })}`);
}

/** Whether a click on a link means: here and now, not in another tab. */
export function isPlainClick(event: MouseEvent): boolean {
  return !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey && event.button === 0;
}
