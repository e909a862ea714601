// Wires the chart page together and starts it: config → parts → pane → page → address bar.
// Never here: rules of any kind, what is one chart's own (pane/chartPane.ts).
// Invariant: the address always names the series that the active chart shows.

import { computed, effect, signal } from "@preact/signals-core";
import { browserClock } from "./clock.ts";
import { createApi } from "./net/api.ts";
import { fetchBelow } from "./net/basePath.ts";
import { Connection } from "./net/connection.ts";
import type { PageConfig } from "./net/pageConfig.ts";
import { createSocket, type SocketHandlers } from "./net/socket.ts";
import { ChartPane, type Named } from "./pane/chartPane.ts";
import type { ChartGrid } from "./pane/grid.ts";
import { ActiveState } from "./state/activeState.ts";
import { chosenSeries, usualSeries } from "./state/chosenSeries.ts";
import { ExchangeMarkets } from "./state/exchangeMarkets.ts";
import { FollowedMarkets } from "./state/followedMarkets.ts";
import { GridState, type Grid } from "./state/gridState.ts";
import { followSight } from "./state/marketsInSight.ts";
import { OpenParts } from "./state/pageState.ts";
import { Preferences, type Choices, type PanelName, type SeriesName } from "./state/preferences.ts";
import type { SessionHandlers } from "./state/session.ts";
import { Tickers } from "./state/tickers.ts";
import { Watchlist } from "./state/watchlist.ts";
import { Announcer } from "./ui/announcer.ts";
import { mount } from "./ui/app.tsx";
import { browserStore, hadSeveralCharts, hasDrawings } from "./ui/browserStore.ts";
import { DrawingDoor } from "./ui/drawingDoor.tsx";
import { element } from "./ui/element.ts";
import { pageTitle } from "./ui/format.ts";
import { toggleDateSheet } from "./ui/goToDate.tsx";
import { later, laterStyle } from "./ui/laterOn.ts";
import { address, layoutAddress, mayWrite, type Page, type SharedParts } from "./ui/page.ts";
import { Shortcuts, isElsewhere } from "./ui/shortcuts.ts";
import { styled } from "./ui/styled.ts";
import { TakingOut } from "./ui/takingOut.ts";
import { wear } from "./ui/worn.ts";

await styled();

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
  say: (text) => announcer.tell(text),
});
const flip = (key: "inverted") => () => page.preferences.set(key, !page.preferences.get(key));
const scale = (wanted: "log" | "percent") => () => page.preferences.set("scale", page.preferences.get("scale") === wanted ? "normal" : wanted);
const choose = (number: number) => () => void withSeveral((several) => several.choose(number));
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
    KeyW: () => { open.dialog.value = "charts"; }, Digit1: choose(1), Digit2: choose(2), Digit3: choose(3), Digit4: choose(4),
    KeyS: () => void takingOut.picture(), KeyE: () => void takingOut.table(), KeyC: () => void takingOut.copy(), KeyU: () => { open.dialog.value = "studies"; },
    KeyD: () => preferences.set("tools", !preferences.get("tools")), KeyT: tool("trend"), KeyH: tool("horizontal"), KeyV: tool("vertical"), KeyF: tool("fibonacci"), KeyM: tool("measure"),
  },
});
const exchange = new ExchangeMarkets(api, browserClock);
const tickers = new Tickers(api, browserClock, config.ticker);
const watchlist = new Watchlist(browserClock);
const connection = new Connection(browserClock);
const grid = new GridState();
const panes = signal<readonly ChartPane[]>([]);
const several = signal<ChartGrid | null>(null);
const drawings = new DrawingDoor(async () => {
  const [{ openDrawings }] = await Promise.all([import("./drawingPart.ts"), laterStyle()]);
  return openDrawings({ api, page, panes });
}, () => announcer.tell("Drawing could not be loaded: the server can't be reached."));
const shared: SharedParts = {
  config, markets, exchange, tickers, watchlist, announcer, preferences, shortcuts, takingOut, drawings, dialog: open.dialog,
  panes: computed(() => panes.value.map((pane) => pane.page)), grid, several, wantSeveral: () => void withSeveral(() => {}),
};
panes.value = [newPane(1, preferences)]; // the first chart's choices are the reader's own
const active = computed(() => panes.value[grid.active.value - 1]!);

/** What stands around the panes is about the active one, whichever that is when it is asked. */
const page: Page = {
  ...shared,
  state: new ActiveState(computed(() => active.value.state)),
  get truth() { return active.value.truth; },
  get actions() { return active.value.page.actions; },
  get preferences() { return active.value.page.preferences; },
};

/** What measures events that are traced, once there was one. */
let tracing: Promise<typeof import("./net/traceReport.ts")> | null = null;

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
void arrive(new URL(location.href));
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
  studies: async () => (await pane().studies)?.told() ?? [],
  drawings: () => drawings.part.peek()?.painted(pane().page.number) ?? [],
});
const truecandle = Object.freeze({ ...told(() => active.peek()), panes: () => panes.peek().map((pane) => told(() => pane)) });
Object.assign(globalThis, { truecandle });

function newPane(number: number, choices: Choices): ChartPane {
  return new ChartPane({
    number, api, clock: browserClock, nextFrame, connection, open, shared, pageActions: { openSearch, open: openPanel, unfollow },
    choices, isActive: (pane) => active.value === pane, onGo: go, onNamed: name,
    onTouched: (pane, isChosen) => several.peek()?.touched(pane, isChosen),
  });
}

/** Several charts are loaded when they are first wanted. */
async function withSeveral(what: (loaded: ChartGrid) => void | Promise<unknown>) {
  try {
    const [{ ChartGrid }] = await Promise.all([import("./pane/grid.ts"), laterStyle()]);
    several.value ??= new ChartGrid({
      state: grid, panes, newPane, preferences, chosen: (series) => chosen(seriesQuery(series)), followed, intervals: config.intervals,
      csrfToken: mayWrite(config) ? csrfToken : null, onChange: located,
    });
  } catch {
    announcer.tell("That could not be loaded: the server can't be reached.");
    return;
  }
  await what(several.value);
}

/** Takes a drawing tool in hand, once it is loaded. */
function tool(kind: string) {
  return () => drawings.want((part) => part.take(kind));
}

/** Whether there is something to load for drawings: tools that are shown, or what was drawn on a market in sight. */
function wantDrawings() {
  const symbols = panes.value.map((pane) => pane.state.shown.value?.symbol);
  const isDrawn = symbols.some((symbol) => symbol !== undefined && (config.drawn.includes(symbol) || hasDrawings(config.user, symbol)));
  if (preferences.of("tools").value || isDrawn) drawings.want();
}

function go(pane: ChartPane, { symbol, interval }: SeriesName) {
  if (grid.isSeveral.peek()) {
    several.peek()!.go(pane, { symbol, interval });
    return;
  }
  const url = new URL(address(symbol, interval), location.href);
  if (several.peek() !== null) several.peek()!.layouts.open.value = "";
  history.pushState(null, "", url);
  show(url);
}

function name(pane: ChartPane, { symbol, interval, openMs }: Named) {
  if (!grid.isSeveral.peek()) history.replaceState(null, "", address(symbol, interval, openMs));
  else if (pane === active.peek()) located();
}

/** Of several charts the address names the layout, or how many there are and the active one. */
function located() {
  const { symbol, interval } = active.peek().series.peek() ?? config;
  const layout = several.peek()?.layouts.open.peek() ?? "";
  const plain = address(symbol, interval);
  if (!grid.isSeveral.peek() && active.peek().state.absent.peek() === null) preferences.set("last", { symbol, interval });
  if (layout !== "") history.replaceState(null, "", layoutAddress(layout));
  else history.replaceState(null, "", grid.isSeveral.peek() ? `${plain}&charts=${grid.count.peek()}` : plain);
}

/** What an address asks for: one chart, so many, a layout, or what there was last. */
async function arrive(url: URL) {
  const query = url.searchParams;
  const [layout, isBare] = [query.get("layout"), !query.has("symbol")];
  const charts = /^[234]$/.test(query.get("charts") ?? "") ? Number(query.get("charts")) as Grid : null;
  const isOpen = charts !== null || isBare;
  if (several.peek() === null && layout === null && charts === null && !(isBare && hadSeveralCharts())) {
    show(url);
    return;
  }
  let isArrived = false;
  await withSeveral(async (loaded) => {
    isArrived = await loaded.arrive({ layout, charts, series: isBare ? null : chosen(query).series, isOpen });
    if (isArrived) return;
    show(url);
    if (charts !== null) loaded.setCount(charts);
    if (layout !== null) page.state.message.value = loaded.layouts.problem.peek();
    isArrived = true;
  });
  if (!isArrived) show(url); // they could not be loaded
}

/** What an address names, in the active pane. */
function show(url: URL) {
  const found = chosen(url.searchParams);
  const { series, isFollowed } = found;
  if (url.searchParams.has("symbol")) {
    url.searchParams.set("symbol", series.symbol);
    url.searchParams.set("interval", series.interval);
    if (url.href !== location.href) history.replaceState(null, "", url);
  }
  if (isFollowed) preferences.set("last", series);
  else announcer.say(`${series.symbol} is not followed here.`);
  const at = url.searchParams.get("at");
  active.peek().show(found, at !== null && /^\d{1,15}$/.test(at) ? Number(at) : null);
}

function seriesQuery({ symbol, interval }: SeriesName) {
  return new URLSearchParams({ symbol, interval });
}

function followed(): string[] {
  return markets.list.peek().map(({ symbol }) => symbol);
}

function chosen(query: URLSearchParams) {
  return chosenSeries(query, { followed: followed(), intervals: config.intervals, usual });
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
  for (const pane of panes.peek()) {
    const series = pane.series.peek();
    if (series?.symbol === symbol) pane.show(chosen(seriesQuery(series)));
  }
}

/** The panes' ears and the watchlist's: all hear over one socket. */
function handlers(): SocketHandlers {
  const tell = (what: (to: SessionHandlers) => void) => { for (const pane of panes.peek()) if (pane.isHearing) what(pane.handlers); };
  return {
    heard: () => tell((to) => to.heard()),
    traced: (traceparent) => {
      const heardMs = performance.now();
      (tracing ??= import("./net/traceReport.ts")).then((part) => part.reportDrawn(traceparent, heardMs, socket.traced), () => {});
    },
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
  const all = (what: (pane: ChartPane) => void) => panes.peek().filter((pane) => pane.isHearing).forEach(what);
  effect(() => {
    const { view: { value: view }, precision, absent: { value: absent } } = page.state;
    if (view !== null) document.title = pageTitle(view, precision.value);
    else if (absent !== null) document.title = `${absent.symbol} ${absent.interval} · TrueCandle`;
  });
  addEventListener("keydown", (event) => {
    if (!isElsewhere(event) && shortcuts.press(event)) event.preventDefault();
  });
  addEventListener("popstate", () => void arrive(new URL(location.href)));
  effect(() => {
    const isOpen = open.panel.value === "truth";
    for (const pane of panes.value) pane.truth.report.show(isOpen && pane === active.value);
  });
  effect(sayCorrection);
  effect(wantDrawings);
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
