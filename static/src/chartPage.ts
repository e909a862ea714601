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
import { CandleJump, type JumpOutcome } from "./state/candleJump.ts";
import { FollowedMarkets } from "./state/followedMarkets.ts";
import { PageState, type Panel } from "./state/pageState.ts";
import { Session } from "./state/session.ts";
import { Truth } from "./state/truth.ts";
import { Announcer } from "./ui/announcer.ts";
import { mount } from "./ui/app.tsx";
import { element } from "./ui/element.ts";
import { standing } from "./ui/format.ts";
import { keyed } from "./ui/keyWords.ts";
import { spoken } from "./ui/legend.tsx";
import { address, type Page } from "./ui/page.ts";
import { correctionSpoken, holeWords, jumpWords } from "./ui/truthWords.ts";

const config: PageConfig = JSON.parse(element(document, "config").textContent!);
const csrfToken = document.querySelector<HTMLMetaElement>('meta[name="csrf-token"]')!.content;

const api = createApi({ fetch: (...request) => fetch(...request), csrfToken });
const markets = new FollowedMarkets(api, config.markets);
const state = new PageState(nextFrame);
const announcer = new Announcer();
const truth = new Truth({ api, clock: browserClock });
const actions = {
  go, toNow: () => chart.toNow(), retry: () => session.wake(), candles, key, jump: (openMs: number) => jump.want(openMs), pick, copyLink, open,
};
const page: Page = { config, state, markets, truth, announcer, actions };

mount(element(document, "app"), { page, csrfToken });

const chart = new Chart(element(document, "plot"), {
  leastDecimals, onPoint: state.pointed, onHole: state.hole, onNow: state.isAtNow, onSight: (fromMs, toMs) => truth.shown.look(fromMs, toMs),
  onClick: (openMs) => pick(openMs === state.picked.peek() || state.hole.peek() !== null ? null : openMs),
});
const session = new Session({
  api,
  chart,
  page: state,
  clock: browserClock,
  limit: config.limit,
  canPost: config.signed_in,
  hasDays: config.intervals.includes("1d"),
});

const jump = new CandleJump({ reach: session.reach, goTo: (ms) => chart.goTo(ms), bars: () => session.bars(), gapAt: (ms) => chart.truth.hole(ms).gap }, arrived);

/** Whether keys were used last: then what is known of a candle that is pointed at is read out. */
let isByKeys = false;

forgetLink();
listen();
show(new URL(location.href), (series) => session.start(createSocket(handlers()), series));

/** For tests, and for people at the browser's console. */
const truecandle = Object.freeze({
  bars: () => session.bars(),
  drawn: () => chart.drawn(),
  pointed: () => (state.pointed.peek() ?? state.hole.peek())?.time ?? null,
  marked: () => ({ ticks: chart.truth.ticks, bands: chart.truth.bands() }),
  version: () => session.version(),
  state: () => session.view(),
  sight: () => chart.sight,
});
Object.assign(globalThis, { truecandle });

function go({ symbol, interval }: { readonly symbol?: string; readonly interval?: string }) {
  const shown = session.view();
  const url = new URL(address(symbol ?? shown.symbol, interval ?? shown.interval), location.href);
  history.pushState(null, "", url);
  show(url);
}

/** What an address names: a series, and perhaps one of its candles. */
function show(url: URL, start: (series: Series) => void = (series) => session.open(series)) {
  const series = chosen(url);
  const at = url.searchParams.get("at");
  state.picked.value = null;
  truth.open(series);
  jump.open(series);
  start(series);
  if (at !== null && /^\d{1,15}$/.test(at)) jump.want(Number(at));
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

function open(panel: Panel) {
  const wasInside = document.activeElement?.closest("#truth-panel") != null;
  state.panel.value = panel;
  if (wasInside) [...document.querySelectorAll<HTMLElement>(".truth-button, .truth-status")].find((button) => button.checkVisibility())?.focus();
}

/** The session's ears, and the truth's. */
function handlers() {
  const { dataUpdated, gapProven, ...others } = session.handlers;
  return {
    ...others,
    dataUpdated: (event: Parameters<typeof dataUpdated>[0]) => {
      dataUpdated(event);
      truth.dataUpdated(event);
    },
    gapProven: (event: Parameters<typeof gapProven>[0]) => {
      gapProven(event);
      truth.gapProven(event);
    },
  };
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
  const pointed = state.pointed.peek();
  if (name === "Enter" && pointed !== null) pick(pointed.time);
  else if (!chart.key(name)) return false;
  if (name === "Escape") pick(null);
  if (state.hole.peek() !== null) read();
  else announcer.say(keyed(name, { pointed: state.pointed.peek(), view: session.view(), precision: chart.precision, sight: chart.sight }));
  return true;
}

/** The last candles that are shown, as they would be pointed at. */
function candles(count: number) {
  return session.bars().slice(-count).map((bar) => ({ ...bar, isCorrected: chart.truth.isCorrected(bar.time) }));
}

/** Reads out what is pointed at. */
function read() {
  const [candle, hole, view] = [state.pointed.peek(), state.hole.peek(), session.view()];
  if (hole !== null) announcer.say(holeWords(hole, view.interval, view.nowMs));
  else if (candle !== null) announcer.say(spoken(candle, view, chart.precision));
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
  state.pointed.subscribe((candle) => truth.details.point(candle?.isCorrected ? candle.time : null));
  state.view.subscribe((view) => view !== null && jump.look(view));
  state.panel.subscribe((panel) => truth.report.show(panel === "truth"));
  truth.shown.state.subscribe((shown) => chart.truth.compare(shown));
  truth.details.detail.subscribe((detail) => {
    if (isByKeys && detail !== null && detail.correction !== null) announcer.say(correctionSpoken(detail.correction));
  });
  document.addEventListener("pointerdown", () => { isByKeys = false; });
  document.addEventListener("keydown", () => { isByKeys = true; }, { capture: true });
  addEventListener("popstate", () => show(new URL(location.href)));
  for (const change of ["online", "offline"]) addEventListener(change, () => session.wake(navigator.onLine)); // asks, and so finds out
  addEventListener("pageshow", (event) => {
    if (event.persisted) session.wake();
  });
  document.addEventListener("visibilitychange", () => session.setVisible(document.visibilityState === "visible"));
}
