// Wires the chart page together and starts it: config → parts → pane → page → address bar.
// Never here: rules of any kind, what is one chart's own (pane/chartPane.ts).
// Invariant: the address always names the series that the active chart shows.

import { computed, effect, signal } from "@preact/signals-core";
import { browserClock } from "./clock.ts";
import { createApi } from "./net/api.ts";
import { fetchBelow } from "./net/basePath.ts";
import { Connection } from "./net/connection.ts";
import { exactCandles } from "./net/exactCandles.ts";
import type { PageConfig } from "./net/protocol.ts";
import { createSocket, type SocketHandlers } from "./net/socket.ts";
import { ChartPane, type Named } from "./pane/chartPane.ts";
import { ActiveState } from "./state/activeState.ts";
import { chosenSeries, usualSeries } from "./state/chosenSeries.ts";
import { ExchangeMarkets } from "./state/exchangeMarkets.ts";
import { FollowedMarkets } from "./state/followedMarkets.ts";
import { followSight } from "./state/marketsInSight.ts";
import { OpenParts } from "./state/pageState.ts";
import { Preferences, type PanelName, type SeriesName } from "./state/preferences.ts";
import type { SessionHandlers } from "./state/session.ts";
import { Tickers } from "./state/tickers.ts";
import { Watchlist } from "./state/watchlist.ts";
import { Announcer } from "./ui/announcer.ts";
import { mount } from "./ui/app.tsx";
import { browserStore } from "./ui/browserStore.ts";
import { element } from "./ui/element.ts";
import { pageTitle } from "./ui/format.ts";
import { toggleDateSheet } from "./ui/goToDate.tsx";
import { later } from "./ui/laterOn.ts";
import { address, mayWrite, type Page, type SharedParts } from "./ui/page.ts";
import { Shortcuts, isElsewhere } from "./ui/shortcuts.ts";
import { TakingOut } from "./ui/takingOut.ts";
import { wear } from "./ui/worn.ts";

const config: PageConfig = JSON.parse(element(document, "config").textContent!);
const csrfToken = document.querySelector<HTMLMetaElement>('meta[name="csrf-token"]')!.content;

const api = createApi({ fetch: fetchBelow, csrfToken });
const markets = new FollowedMarkets(api, config.markets);
const announcer = new Announcer();
const kept = browserStore(config.user, mayWrite(config) && config.settings ? (settings) => api.saveSettings(settings) : null);
const preferences = new Preferences(config.settings, kept, browserClock);
kept.onTold((settings) => preferences.heard(settings));
wear(preferences);

const takingOut = new TakingOut({
  view: () => page.state.view.peek(),
  picture: () => active.peek().chart.picture(),
  bars: () => active.peek().session.bars(),
  visibleMs: () => active.peek().chart.view.endsMs,
  pointed: () => page.state.pointed.peek(),
  precision: () => active.peek().chart.precision,
  base: () => markets.get(active.peek().session.view().symbol)?.base ?? "",
  exact: (span) => exactCandles(fetchBelow, span),
  say: (text) => announcer.tell(text),
});
const flip = (key: "inverted") => () => preferences.set(key, !preferences.get(key));
const scale = (wanted: "log" | "percent") => () => preferences.set("scale", preferences.get("scale") === wanted ? "normal" : wanted);
const open = new OpenParts();
const shortcuts = new Shortcuts({
  intervals: config.intervals,
  isOn: () => preferences.get("shortcuts"),
  clock: browserClock,
  go: (interval) => page.actions.go({ interval }),
  openSearch,
  openList: () => { open.dialog.value = "shortcuts"; },
  say: (text) => announcer.tell(text),
  alt: {
    KeyR: () => page.actions.resetView(), KeyL: scale("log"), KeyP: scale("percent"), KeyI: flip("inverted"),
    KeyG: () => toggleDateSheet(active.peek().page), KeyZ: () => { open.dialog.value = "zone"; },
    KeyS: () => void takingOut.picture(), KeyE: () => void takingOut.table(), KeyC: () => void takingOut.copy(),
  },
});
const exchange = new ExchangeMarkets(api, browserClock);
const tickers = new Tickers(api, browserClock, config.ticker);
const watchlist = new Watchlist(browserClock);
const connection = new Connection(browserClock);
const panes = signal<readonly ChartPane[]>([]);
const shared: SharedParts = {
  config, markets, exchange, tickers, watchlist, announcer, preferences, shortcuts, takingOut, dialog: open.dialog,
  panes: computed(() => panes.value.map((pane) => pane.page)),
};
const active = signal(newPane(1));
panes.value = [active.peek()];

/** What stands around the panes is about the active one, whichever that is when it is asked. */
const page: Page = {
  ...shared,
  state: new ActiveState(computed(() => active.value.state)),
  get truth() { return active.value.truth; },
  get actions() { return active.value.page.actions; },
};

/** Whether keys were used last: then what is known of a candle that is pointed at is read out. */
let isByKeys = false;

mount(element(document, "app"), { page, csrfToken });

const usual = usualSeries(preferences.get("last"), { followed: config.symbols, intervals: config.intervals, usual: config });

forgetLink();
listen();
open.panel.value = isNarrow() ? "none" : preferences.get("panel");
followSight({ state: page.state, preferences, markets, tickers, watchlist });
const socket = createSocket(handlers());
watchlist.start(socket.watch);
show(new URL(location.href));
connection.start(socket);

/** For tests, and for people at the browser's console: of the active chart, and `panes` of each. */
const told = (pane: () => ChartPane) => Object.freeze({
  bars: () => pane().session.bars(),
  drawn: () => pane().chart.drawn(),
  pointed: () => (pane().state.pointed.peek() ?? pane().state.hole.peek())?.time ?? null,
  marked: () => ({ ticks: pane().chart.truth.ticks, bands: pane().chart.truth.bands() }),
  visible: () => pane().chart.visible,
  version: () => pane().session.version(),
  state: () => pane().session.view(),
  sight: () => pane().chart.sight,
});
const truecandle = Object.freeze({ ...told(() => active.peek()), panes: () => panes.peek().map((pane) => told(() => pane)) });
Object.assign(globalThis, { truecandle });

function newPane(number: number): ChartPane {
  return new ChartPane({
    number, api, clock: browserClock, nextFrame, connection, open, shared, pageActions: { openSearch, open: openPanel, unfollow },
    isActive: (pane) => active.peek() === pane, onGo: go, onNamed: name,
  });
}

function go({ symbol, interval }: SeriesName) {
  const url = new URL(address(symbol, interval), location.href);
  history.pushState(null, "", url);
  show(url);
}

function name({ symbol, interval, openMs }: Named) {
  history.replaceState(null, "", address(symbol, interval, openMs));
}

/** What an address names, in the active pane. */
function show(url: URL) {
  const followed = markets.list.peek().map(({ symbol }) => symbol);
  const chosen = chosenSeries(url.searchParams, { followed, intervals: config.intervals, usual });
  const { series, isFollowed } = chosen;
  if (url.searchParams.has("symbol")) {
    url.searchParams.set("symbol", series.symbol);
    url.searchParams.set("interval", series.interval);
    if (url.href !== location.href) history.replaceState(null, "", url);
  }
  if (isFollowed) preferences.set("last", series);
  else announcer.say(`${series.symbol} is not followed here.`);
  const at = url.searchParams.get("at");
  active.peek().show(chosen, at !== null && /^\d{1,15}$/.test(at) ? Number(at) : null);
}

/** Letters that are typed while it opens go into it too. */
function openSearch(text: string) {
  open.searchText.value = open.dialog.peek() === "search" ? open.searchText.peek() + text : text;
  open.dialog.value = "search";
}

/** On a phone a panel hides half of the chart: there it is opened for the moment, and not kept. */
function openPanel(panel: PanelName) {
  const wasInside = document.activeElement?.closest(".panel") != null;
  const openers = open.panel.peek() === "truth" ? ".truth-button, .truth-status" : "#watchlist";
  open.panel.value = panel;
  if (wasInside) [...document.querySelectorAll<HTMLElement>(openers)].find((button) => button.checkVisibility())?.focus();
  if (!isNarrow()) preferences.set("panel", panel);
}

function isNarrow() {
  return matchMedia("(max-width: 640px)").matches;
}

async function unfollow(symbol: string) {
  await markets.unfollow(symbol);
  if (page.state.shown.peek()?.symbol === symbol) show(new URL(location.href));
}

/** The panes' ears and the watchlist's: all hear over one socket. */
function handlers(): SocketHandlers {
  const tell = (what: (to: SessionHandlers) => void) => { for (const pane of panes.peek()) what(pane.handlers); };
  return {
    heard: () => tell((to) => to.heard()),
    resync: () => tell((to) => to.resync()),
    dataUpdated: (event) => tell((to) => to.dataUpdated(event)),
    liveCandle: (event) => tell((to) => to.liveCandle(event)),
    gapProven: (event) => tell((to) => to.gapProven(event)),
    freshness: (event) => tell((to) => to.freshness(event)),
    up: () => {
      connection.up();
      watchlist.up();
    },
    down: (why) => {
      connection.down(why);
      watchlist.down();
    },
    livePrice: (event) => {
      tell((to) => to.livePrice(event));
      watchlist.heard(event);
    },
  };
}

/** With the next frame; a hidden page draws none, and is brought up to date all the same. */
function nextFrame(callback: () => void) {
  if (document.hidden) setTimeout(callback);
  else requestAnimationFrame(callback);
}

/** Once its words are there: they come with the note below the legend, which a correction makes wanted. */
function sayCorrection() {
  const [correction, loaded] = [page.truth.details.detail.value?.correction, later.value];
  if (isByKeys && correction && loaded !== null) announcer.say(loaded.correctionSpoken(correction));
}

/** Who is signed in already is sent here from a one-time link, and the browser keeps what is behind its #. */
function forgetLink() {
  if (location.hash.startsWith("#link=")) history.replaceState(null, "", location.pathname + location.search);
}

function listen() {
  const all = (what: (pane: ChartPane) => void) => panes.peek().forEach(what);
  effect(() => {
    const { view: { value: view }, precision, absent: { value: absent } } = page.state;
    if (view !== null) document.title = pageTitle(view, precision.value);
    else if (absent !== null) document.title = `${absent.symbol} ${absent.interval} · TrueCandle`;
  });
  addEventListener("keydown", (event) => {
    if (!isElsewhere(event) && shortcuts.press(event)) event.preventDefault();
  });
  addEventListener("popstate", () => show(new URL(location.href)));
  effect(() => {
    const isOpen = open.panel.value === "truth";
    for (const pane of panes.value) pane.truth.report.show(isOpen && pane === active.value);
  });
  effect(sayCorrection);
  document.addEventListener("pointerdown", () => { isByKeys = false; });
  document.addEventListener("keydown", () => { isByKeys = true; }, { capture: true });
  addEventListener("pagehide", () => preferences.flush());
  for (const change of ["online", "offline"]) addEventListener(change, () => all((pane) => pane.session.wake(navigator.onLine))); // asks, and so finds out
  addEventListener("pageshow", (event) => {
    if (event.persisted) all((pane) => pane.session.wake());
  });
  document.addEventListener("visibilitychange", () => {
    const isVisible = document.visibilityState === "visible";
    all((pane) => pane.session.setVisible(isVisible));
    tickers.setVisible(isVisible);
  });
}
