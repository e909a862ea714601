// Wires the chart page together and starts it: config → parts → page → session → address bar.
// Never here: rules of any kind.
// Invariant: the address always names the series that is shown.

import { decimals } from "./candles/candle.ts";
import { parseSeries, type Series } from "./candles/series.ts";
import { Chart } from "./chart/chart.ts";
import { browserClock } from "./clock.ts";
import { createApi } from "./net/api.ts";
import type { PageConfig } from "./net/protocol.ts";
import { createSocket } from "./net/socket.ts";
import { FollowedMarkets } from "./state/followedMarkets.ts";
import { PageState } from "./state/pageState.ts";
import { Session } from "./state/session.ts";
import { Announcer } from "./ui/announcer.ts";
import { mount } from "./ui/app.tsx";
import { element } from "./ui/element.ts";
import { standing } from "./ui/format.ts";
import { spoken } from "./ui/legend.tsx";
import { address, type Page } from "./ui/page.ts";

const config: PageConfig = JSON.parse(element(document, "config").textContent!);
const csrfToken = document.querySelector<HTMLMetaElement>('meta[name="csrf-token"]')!.content;

const api = createApi({ fetch: (...request) => fetch(...request), csrfToken });
const markets = new FollowedMarkets(api, config.markets);
const state = new PageState(nextFrame);
const announcer = new Announcer();
const page: Page = { config, state, markets, announcer, actions: { go, toNow, goTo, older: older(), key } };

mount(element(document, "app"), { page, csrfToken });

const chart = new Chart(element(document, "plot"), { leastDecimals, onPoint: state.pointed, onNow: state.isAtNow });
const session = new Session({
  api,
  chart,
  page: state,
  clock: browserClock,
  limit: config.limit,
  canPost: config.signed_in,
  hasDays: config.intervals.includes("1d"),
});

listen();
session.start(createSocket(session.handlers), chosen(new URL(location.href)));

/** For tests, and for people at the browser's console. */
const truecandle = Object.freeze({
  bars: () => session.bars(),
  drawn: () => chart.drawn(),
  visible: () => chart.visible,
  version: () => session.version(),
  state: () => session.view(),
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
  chart.toNow();
}

function goTo(timeMs: number) {
  session.edge.goTo(timeMs);
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
  document.title = `${symbol} ${interval} · TrueCandle`;
  return parseSeries(symbol, interval);
}

/** As many decimals as a market's prices have at least; -1 where that is not known. */
function leastDecimals(symbol: string) {
  const tick = markets.get(symbol)?.tick_size ?? null;
  return tick === null ? -1 : decimals(Number(tick));
}

function key({ key: name }: KeyboardEvent) {
  if (!chart.key(name)) return false;
  const candle = state.pointed.peek();
  if (name.startsWith("Arrow") && candle !== null) announcer.say(spoken(candle, session.view(), chart.precision));
  return true;
}

/** With the next frame; a hidden page draws none, and is brought up to date all the same. */
function nextFrame(callback: () => void) {
  if (document.hidden) setTimeout(callback);
  else requestAnimationFrame(callback);
}

function listen() {
  addEventListener("popstate", () => session.open(chosen(new URL(location.href))));
  addEventListener("online", () => session.wake());
  addEventListener("offline", () => session.wake()); // asks, and finds out if the answer does not come
  addEventListener("pageshow", (event) => {
    if (event.persisted) session.wake();
  });
  document.addEventListener("visibilitychange", () => session.setVisible(document.visibilityState === "visible"));
}
