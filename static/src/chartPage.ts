// Wires the chart page together and starts it: config → parts → page → session → address bar.
// Never here: rules of any kind.
// Invariant: the address always names the series that is shown.

import { decimals } from "./candles/candle.ts";
import { parseSeries, type Series } from "./candles/series.ts";
import { Chart } from "./chart/chart.ts";
import { browserClock } from "./clock.ts";
import { createApi } from "./net/api.ts";
import { exactCandles } from "./net/exactCandles.ts";
import type { PageConfig } from "./net/protocol.ts";
import { createSocket } from "./net/socket.ts";
import { FollowedMarkets } from "./state/followedMarkets.ts";
import { PageState } from "./state/pageState.ts";
import { Preferences } from "./state/preferences.ts";
import { Session } from "./state/session.ts";
import { Announcer } from "./ui/announcer.ts";
import { mount } from "./ui/app.tsx";
import { browserStore } from "./ui/browserStore.ts";
import { element } from "./ui/element.ts";
import { pageTitle, standing } from "./ui/format.ts";
import { freshness } from "./ui/freshness.ts";
import { toggleDateSheet } from "./ui/goToDate.tsx";
import { keyed } from "./ui/keyWords.ts";
import { openMarketMenu } from "./ui/marketMenu.tsx";
import { address, type Page } from "./ui/page.ts";
import { Shortcuts, isElsewhere } from "./ui/shortcuts.ts";
import { TakingOut } from "./ui/takingOut.ts";
import { wear } from "./ui/worn.ts";

const config: PageConfig = JSON.parse(element(document, "config").textContent!);
const csrfToken = document.querySelector<HTMLMetaElement>('meta[name="csrf-token"]')!.content;

const api = createApi({ fetch: (...request) => fetch(...request), csrfToken });
const markets = new FollowedMarkets(api, config.markets);
const state = new PageState(nextFrame);
const announcer = new Announcer();
const kept = browserStore(config.signed_in && config.settings ? (settings) => api.saveSettings(settings) : null);
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
  exact: (span) => exactCandles((...request) => fetch(...request), span),
  say: (text) => announcer.tell(text),
});
const flip = (key: "inverted") => () => preferences.set(key, !preferences.get(key));
const scale = (wanted: "log" | "percent") => () => preferences.set("scale", preferences.get("scale") === wanted ? "normal" : wanted);
const shortcuts = new Shortcuts({
  intervals: config.intervals,
  isOn: () => preferences.get("shortcuts"),
  clock: browserClock,
  go: (interval) => go({ interval }),
  openSearch: openMarketMenu,
  openList: () => { state.dialog.value = "shortcuts"; },
  say: (text) => announcer.tell(text),
  alt: {
    KeyR: resetView, KeyL: scale("log"), KeyP: scale("percent"), KeyI: flip("inverted"), KeyG: toggleDateSheet, KeyZ: () => { state.dialog.value = "zone"; },
    KeyS: () => void takingOut.picture(), KeyE: () => void takingOut.table(), KeyC: () => void takingOut.copy(),
  },
});
const actions = {
  go, toNow, goTo: (timeMs: number) => session.edge.goTo(timeMs), older: older(), retry: () => session.wake(), candles: (count: number) => session.bars().slice(-count),
  resetView, openSearch: openMarketMenu, key,
};
const page: Page = { config, state, markets, announcer, preferences, shortcuts, takingOut, dialog: state.dialog, actions };

mount(element(document, "app"), { page, csrfToken });

const onAuto = (isAuto: boolean) => preferences.set("auto", isAuto);
const chart = new Chart(element(document, "plot"), { leastDecimals, onPoint: state.pointed, onNow: state.isAtNow, onAuto });
preferences.of("type").subscribe((type) => chart.setType(type));
for (const key of ["scale", "inverted", "auto"] as const) preferences.of(key).subscribe(chooseAxis);
const session = new Session({
  api,
  chart,
  page: state,
  clock: browserClock,
  limit: config.limit,
  canPost: config.signed_in,
  hasDays: config.intervals.includes("1d"),
});

forgetLink();
listen();
session.start(createSocket(session.handlers), chosen(new URL(location.href)));

/** For tests, and for people at the browser's console. */
const truecandle = Object.freeze({
  bars: () => session.bars(),
  drawn: () => chart.drawn(),
  visible: () => chart.visible,
  version: () => session.version(),
  state: () => session.view(),
  sight: () => chart.sight,
});
Object.assign(globalThis, { truecandle });

function go({ symbol, interval }: { readonly symbol?: string; readonly interval?: string }) {
  const shown = session.view();
  const url = new URL(address(symbol ?? shown.symbol, interval ?? shown.interval), location.href);
  history.pushState(null, "", url);
  session.open(chosen(url));
}

function toNow() {
  session.edge.goNowhere();
  chart.view.toNow();
}

function older(): Page["actions"]["older"] {
  return { stop: () => session.edge.stop(), goOn: () => session.edge.goOn(), dismiss: () => session.edge.dismiss() };
}

/** The series that an address names; what it can't name falls back, and the page says so. */
function chosen(url: URL): Series {
  const asked = { symbol: url.searchParams.get("symbol"), interval: url.searchParams.get("interval") };
  const symbol = asked.symbol !== null && markets.get(asked.symbol) !== undefined ? asked.symbol : config.symbol;
  const interval = asked.interval !== null && config.intervals.includes(asked.interval) ? asked.interval : config.interval;
  const wrong = [
    asked.symbol !== null && asked.symbol !== symbol ? `${asked.symbol.slice(0, 20)} is not followed here` : "",
    asked.interval !== null && asked.interval !== interval ? `the interval ${asked.interval.slice(0, 8)} is not offered here` : "",
  ].filter(Boolean);
  const mistake = wrong.length > 0 ? `In that link, ${wrong.join(" and ")}. This is ${symbol} ${interval}.` : "";
  state.message.value = mistake || standing(markets.get(symbol) ?? { symbol }).text;
  return parseSeries(symbol, interval);
}

/** As many decimals as a market's prices have at least; -1 where that is not known. */
function leastDecimals(symbol: string) {
  const tick = markets.get(symbol)?.tick_size ?? null;
  return tick === null ? -1 : decimals(Number(tick));
}

function key({ key: name }: KeyboardEvent) {
  if (!chart.key(name)) return false;
  const say = () => announcer.say(keyed(name, { pointed: state.pointed.peek(), view: session.view(), precision: chart.precision, sight: chart.sight }));
  if (name === "Home") nextFrame(say); // the first candle may have to be given to the chart before it is pointed at
  else say();
  return true;
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
  addEventListener("popstate", () => session.open(chosen(new URL(location.href))));
  addEventListener("pagehide", () => preferences.flush());
  for (const change of ["online", "offline"]) addEventListener(change, () => session.wake(navigator.onLine)); // asks, and so finds out
  addEventListener("pageshow", (event) => {
    if (event.persisted) session.wake();
  });
  document.addEventListener("visibilitychange", () => session.setVisible(document.visibilityState === "visible"));
}
