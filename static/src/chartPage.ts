// Wires the chart page together and starts it: config → parts → page → session → address bar.
// Never here: rules of any kind.
// Invariant: the address always names the series that is shown.

import { decimals } from "./candles/candle.ts";
import { parseSeries } from "./candles/series.ts";
import { Chart } from "./chart/chart.ts";
import { browserClock } from "./clock.ts";
import { createApi } from "./net/api.ts";
import { fetchBelow } from "./net/basePath.ts";
import { exactCandles } from "./net/exactCandles.ts";
import type { PageConfig } from "./net/protocol.ts";
import { createSocket } from "./net/socket.ts";
import { CandleJump, type JumpOutcome } from "./state/candleJump.ts";
import { chosenSeries, usualSeries } from "./state/chosenSeries.ts";
import { ExchangeMarkets } from "./state/exchangeMarkets.ts";
import { FollowedMarkets } from "./state/followedMarkets.ts";
import { followSight } from "./state/marketsInSight.ts";
import { PageState } from "./state/pageState.ts";
import { Preferences, type PanelName } from "./state/preferences.ts";
import { Session } from "./state/session.ts";
import { Tickers } from "./state/tickers.ts";
import { Watchlist } from "./state/watchlist.ts";
import { Truth } from "./state/truth.ts";
import { Announcer } from "./ui/announcer.ts";
import { mount } from "./ui/app.tsx";
import { browserStore } from "./ui/browserStore.ts";
import { element } from "./ui/element.ts";
import { pageTitle, standing } from "./ui/format.ts";
import { freshness } from "./ui/freshness.ts";
import { holeWords, jumpWords } from "./ui/gapWords.ts";
import { toggleDateSheet } from "./ui/goToDate.tsx";
import { keyed } from "./ui/keyWords.ts";
import { later } from "./ui/laterOn.ts";
import { spoken } from "./ui/legend.tsx";
import { address, mayWrite, type Page } from "./ui/page.ts";
import { Shortcuts, isElsewhere } from "./ui/shortcuts.ts";
import { TakingOut } from "./ui/takingOut.ts";
import { wear } from "./ui/worn.ts";

const config: PageConfig = JSON.parse(element(document, "config").textContent!);
const csrfToken = document.querySelector<HTMLMetaElement>('meta[name="csrf-token"]')!.content;

const api = createApi({ fetch: fetchBelow, csrfToken });
const markets = new FollowedMarkets(api, config.markets);
const state = new PageState(nextFrame);
const announcer = new Announcer();
const kept = browserStore(config.user, mayWrite(config) && config.settings ? (settings) => api.saveSettings(settings) : null);
const preferences = new Preferences(config.settings, kept, browserClock);
kept.onTold((settings) => preferences.heard(settings));
wear(preferences);

const takingOut = new TakingOut({
  view: () => state.view.peek(),
  picture: () => chart.picture(),
  bars: () => session.bars(),
  visibleMs: () => chart.view.endsMs,
  pointed: () => state.pointed.peek(),
  precision: () => chart.precision,
  base: () => markets.get(session.view().symbol)?.base ?? "",
  exact: (span) => exactCandles(fetchBelow, span),
  say: (text) => announcer.tell(text),
});
const flip = (key: "inverted") => () => preferences.set(key, !preferences.get(key));
const scale = (wanted: "log" | "percent") => () => preferences.set("scale", preferences.get("scale") === wanted ? "normal" : wanted);
const shortcuts = new Shortcuts({
  intervals: config.intervals,
  isOn: () => preferences.get("shortcuts"),
  clock: browserClock,
  go: (interval) => go({ interval }),
  openSearch,
  openList: () => { state.dialog.value = "shortcuts"; },
  say: (text) => announcer.tell(text),
  alt: {
    KeyR: resetView, KeyL: scale("log"), KeyP: scale("percent"), KeyI: flip("inverted"), KeyG: toggleDateSheet, KeyZ: () => { state.dialog.value = "zone"; },
    KeyS: () => void takingOut.picture(), KeyE: () => void takingOut.table(), KeyC: () => void takingOut.copy(),
  },
});
const actions = {
  go, toNow, goTo: (timeMs: number) => session.edge.goTo(timeMs), older: older(), retry: () => session.wake(), candles, resetView, openSearch, open, unfollow, key,
  jump: (openMs: number) => jump.want(openMs), pick, copyLink,
};
const exchange = new ExchangeMarkets(api, browserClock);
const tickers = new Tickers(api, browserClock, config.ticker);
const watchlist = new Watchlist(browserClock);
const truth = new Truth({ api, clock: browserClock });
const page: Page = {
  config, state, markets, exchange, tickers, watchlist, truth, announcer, preferences, shortcuts, takingOut, dialog: state.dialog, actions,
};

mount(element(document, "app"), { page, csrfToken });

const onAuto = (isAuto: boolean) => preferences.set("auto", isAuto);
const chart = new Chart(element(document, "plot"), {
  leastDecimals, onPoint: state.pointed, onHole: state.hole, onNow: state.isAtNow, onAuto,
  onSight: (fromMs, toMs) => truth.shown.look(fromMs, toMs),
  onClick: (openMs) => pick(openMs === state.picked.peek() || state.hole.peek() !== null ? null : openMs),
});
preferences.of("type").subscribe((type) => chart.setType(type));
for (const key of ["scale", "inverted", "auto"] as const) preferences.of(key).subscribe(chooseAxis);
const session = new Session({
  api,
  chart,
  page: state,
  clock: browserClock,
  limit: config.limit,
  canPost: mayWrite(config),
  canAsk: config.signed_in,
});

const jump = new CandleJump({ reach: session.reach, goTo: (ms) => chart.goTo(ms), bars: () => session.bars(), gapAt: (ms) => chart.truth.hole(ms).gap }, arrived);

/** Whether keys were used last: then what is known of a candle that is pointed at is read out. */
let isByKeys = false;

const usual = usualSeries(preferences.get("last"), { followed: config.symbols, intervals: config.intervals, usual: config });

forgetLink();
listen();
state.panel.value = isNarrow() ? "none" : preferences.get("panel");
followSight({ state, preferences, markets, tickers, watchlist });
const socket = createSocket(handlers());
watchlist.start(socket.watch);
show(new URL(location.href), (series) => session.start(socket, series));

/** For tests, and for people at the browser's console. */
const truecandle = Object.freeze({
  bars: () => session.bars(),
  drawn: () => chart.drawn(),
  pointed: () => (state.pointed.peek() ?? state.hole.peek())?.time ?? null,
  marked: () => ({ ticks: chart.truth.ticks, bands: chart.truth.bands() }),
  visible: () => chart.visible,
  version: () => session.version(),
  state: () => session.view(),
  sight: () => chart.sight,
});
Object.assign(globalThis, { truecandle });

function go({ symbol, interval }: { readonly symbol?: string; readonly interval?: string }) {
  const shown = state.absent.peek() ?? session.view();
  const url = new URL(address(symbol ?? shown.symbol, interval ?? shown.interval), location.href);
  history.pushState(null, "", url);
  show(url);
}

/** A candle was looked for. */
function arrived(outcome: JumpOutcome) {
  const { interval, nowMs } = session.view();
  const words = jumpWords(outcome, interval, nowMs);
  state.message.value = words;
  if (outcome.kind === "there") pick(outcome.timeMs);
  if (words !== "") announcer.say(words);
  else read();
}

function pick(openMs: number | null) {
  const { symbol, interval } = session.view();
  state.picked.value = openMs;
  chart.truth.pick(openMs);
  history.replaceState(null, "", address(symbol, interval, openMs));
}

/** The address bar holds the link too, for browsers that forbid to copy. */
async function copyLink(openMs: number): Promise<boolean> {
  const { symbol, interval } = session.view();
  const link = new URL(address(symbol, interval, openMs), location.href);
  try {
    await navigator.clipboard.writeText(link.href);
    return true;
  } catch {
    pick(openMs);
    return false;
  }
}

/** What an address names. A market that is not followed has the page to itself: no other one is shown in its name. */
function show(url: URL, start = session.open.bind(session)) {
  const followed = markets.list.peek().map(({ symbol }) => symbol);
  const { series, isFollowed, mistake } = chosenSeries(url.searchParams, { followed, intervals: config.intervals, usual });
  if (url.searchParams.has("symbol")) {
    url.searchParams.set("symbol", series.symbol);
    url.searchParams.set("interval", series.interval);
    if (url.href !== location.href) history.replaceState(null, "", url);
  }
  state.setAbsent(isFollowed ? null : series);
  state.message.value = mistake || standing(markets.get(series.symbol) ?? series).text;
  if (isFollowed) preferences.set("last", series);
  else nameAbsent(series.symbol, series.interval);
  const shown = parseSeries(isFollowed ? series.symbol : followed[0]!, series.interval);
  const at = url.searchParams.get("at");
  state.picked.value = null;
  truth.open(shown);
  jump.open(shown);
  start(shown);
  if (isFollowed && at !== null && /^\d{1,15}$/.test(at)) jump.want(Number(at));
}

function nameAbsent(symbol: string, interval: string) {
  document.title = `${symbol} ${interval} · TrueCandle`;
  announcer.say(`${symbol} is not followed here.`);
}

/** Letters that are typed while it opens go into it too. */
function openSearch(text: string) {
  state.searchText.value = state.dialog.peek() === "search" ? state.searchText.peek() + text : text;
  state.dialog.value = "search";
}

/** On a phone a panel hides half of the chart: there it is opened for the moment, and not kept. */
function open(panel: PanelName) {
  const wasInside = document.activeElement?.closest(".panel") != null;
  const openers = state.panel.peek() === "truth" ? ".truth-button, .truth-status" : "#watchlist";
  state.panel.value = panel;
  if (wasInside) [...document.querySelectorAll<HTMLElement>(openers)].find((button) => button.checkVisibility())?.focus();
  if (!isNarrow()) preferences.set("panel", panel);
}

function isNarrow() {
  return matchMedia("(max-width: 640px)").matches;
}

async function unfollow(symbol: string) {
  await markets.unfollow(symbol);
  if (state.shown.peek()?.symbol === symbol) show(new URL(location.href));
}

/** The session's ears, the watchlist's and the truth's. */
function handlers(): typeof session.handlers {
  const { up, down, livePrice, dataUpdated, gapProven, ...others } = session.handlers;
  return {
    ...others,
    dataUpdated: (event) => {
      dataUpdated(event);
      truth.dataUpdated(event);
    },
    gapProven: (event) => {
      gapProven(event);
      truth.gapProven(event);
    },
    up: () => {
      up();
      watchlist.up();
    },
    down: (why) => {
      down(why);
      watchlist.down();
    },
    livePrice: (event) => {
      livePrice(event);
      watchlist.heard(event);
    },
  };
}

function toNow() {
  session.edge.goNowhere();
  chart.view.toNow();
}

function older(): Page["actions"]["older"] {
  return { stop: () => session.edge.stop(), goOn: () => session.edge.goOn(), dismiss: () => session.edge.dismiss() };
}

/** As many decimals as a market's prices have at least; -1 where that is not known. */
function leastDecimals(symbol: string) {
  const tick = markets.get(symbol)?.tick_size ?? null;
  return tick === null ? -1 : decimals(Number(tick));
}

function key({ key: name }: KeyboardEvent) {
  const pointed = state.pointed.peek();
  if (name === "Enter" && pointed !== null) pick(pointed.time);
  else if (!chart.key(name)) return false;
  if (name === "Escape") pick(null);
  if (state.hole.peek() !== null) read();
  else if (name === "Home") nextFrame(() => sayKey(name)); // the first candle may have to be given to the chart before it is pointed at
  else if (name !== "Enter") sayKey(name);
  return true;
}

function sayKey(name: string) {
  announcer.say(keyed(name, { pointed: state.pointed.peek(), view: session.view(), precision: chart.precision, sight: chart.sight }));
}

/** Reads out what is pointed at. */
function read() {
  const [candle, hole, view] = [state.pointed.peek(), state.hole.peek(), session.view()];
  if (hole !== null) announcer.say(holeWords(hole, view.interval, view.nowMs));
  else if (candle !== null) announcer.say(spoken(candle, view, chart.precision));
}

/** The last candles that are shown, as they would be pointed at. */
function candles(count: number) {
  return session.bars().slice(-count).map((bar) => ({ ...bar, isCorrected: chart.truth.isCorrected(bar.time) }));
}

function chooseAxis() {
  const { scale: mode, inverted: isInverted, auto: isAuto } = preferences.all;
  chart.axis.choose({ mode, isInverted, isAuto });
}

function resetView() {
  session.edge.goNowhere();
  chart.view.reset();
  chart.axis.follow();
  preferences.set("auto", true);
  announcer.tell("View reset.");
}

/** With the next frame; a hidden page draws none, and is brought up to date all the same. */
function nextFrame(callback: () => void) {
  if (document.hidden) setTimeout(callback);
  else requestAnimationFrame(callback);
}

/** Once its words are there: they come with the note below the legend, which a correction makes wanted. */
function sayCorrection() {
  const [correction, loaded] = [truth.details.detail.peek()?.correction, later.peek()];
  if (isByKeys && correction && loaded !== null) announcer.say(loaded.correctionSpoken(correction));
}

/** Who is signed in already is sent here from a one-time link, and the browser keeps what is behind its #. */
function forgetLink() {
  if (location.hash.startsWith("#link=")) history.replaceState(null, "", location.pathname + location.search);
}

function listen() {
  state.view.subscribe((view) => {
    if (view === null) return;
    document.title = pageTitle(view, state.precision.peek());
    chart.setNews({ isLive: ["live", "quiet"].includes(freshness(view).tone), closesInMs: view.closesInMs });
  });
  addEventListener("keydown", (event) => {
    if (!isElsewhere(event) && shortcuts.press(event)) event.preventDefault();
  });
  addEventListener("popstate", () => show(new URL(location.href)));
  state.pointed.subscribe((candle) => truth.details.point(candle?.isCorrected ? candle.time : null));
  state.view.subscribe((view) => view !== null && jump.look(view));
  state.panel.subscribe((panel) => truth.report.show(panel === "truth"));
  truth.shown.state.subscribe((shown) => chart.truth.compare(shown));
  for (const change of [truth.details.detail, later]) change.subscribe(sayCorrection);
  document.addEventListener("pointerdown", () => { isByKeys = false; });
  document.addEventListener("keydown", () => { isByKeys = true; }, { capture: true });
  addEventListener("pagehide", () => preferences.flush());
  for (const change of ["online", "offline"]) addEventListener(change, () => session.wake(navigator.onLine)); // asks, and so finds out
  addEventListener("pageshow", (event) => {
    if (event.persisted) session.wake();
  });
  document.addEventListener("visibilitychange", () => {
    session.setVisible(document.visibilityState === "visible");
    tickers.setVisible(document.visibilityState === "visible");
  });
}
