// Mounts parts of the real page in a browser, on signals that the test writes.
import { signal } from "@preact/signals";
import { h, render } from "preact";
import { browserClock } from "../../../static/src/clock.ts";
import { Announcer } from "../../../static/src/ui/announcer.ts";
import { Legend } from "../../../static/src/ui/legend.tsx";
import { MarketSearch } from "../../../static/src/ui/marketSearch.tsx";
import { Stage } from "../../../static/src/ui/stage.tsx";
import { StatusBadge } from "../../../static/src/ui/statusBadge.tsx";
import { Truth } from "../../../static/src/state/truth.ts";
import { WatchlistPanel } from "../../../static/src/ui/watchlistPanel.tsx";
import { ExchangeMarkets } from "../../../static/src/state/exchangeMarkets.ts";
import { FollowedMarkets } from "../../../static/src/state/followedMarkets.ts";
import { followSight } from "../../../static/src/state/marketsInSight.ts";
import { Preferences } from "../../../static/src/state/preferences.ts";
import { Tickers } from "../../../static/src/state/tickers.ts";
import { Watchlist } from "../../../static/src/state/watchlist.ts";
import { PageState } from "../../../static/src/state/pageState.ts";

const FRESH = { tone: "busy", text: "Loading", more: "", detail: "Loading candles." };

/** A badge and what is read out beside it: `show(said, nowMs)`, and `heard` in order. */
export function newBadge(root) {
  const said = signal(FRESH);
  const announcer = new Announcer();
  const heard = [];
  announcer.text.subscribe((text) => { if (text !== "") heard.push(text); });
  render(h(StatusBadge, { said }), root);
  const show = (next, nowMs) => {
    said.value = next;
    announcer.fresh(next, nowMs);
  };
  return { show, heard };
}

/** The legend's cells for one candle. */
export async function legend(root, candle, interval, precision) {
  const state = new PageState((callback) => callback());
  state.render({ interval, nowMs: candle?.time ?? 0, closesInMs: null }, precision);
  state.pointed.value = candle;
  const preferences = { of: () => signal("candles") };
  render(h(Legend, { page: { state, markets: { list: signal([]) }, preferences, id: (name) => name } }), root);
  await new Promise(requestAnimationFrame);
  return Object.fromEntries([...root.querySelectorAll("[data-cell]")].map((cell) => [cell.dataset.cell, cell.textContent]));
}

/** A market of the exchange's list. */
const listed = (symbol, more = {}) => ({
  symbol, base: symbol.slice(0, -4), quote: symbol.slice(-4), status: "TRADING", price: 100, open: 99, high: 101, low: 98,
  volume: 1, quote_volume: 1_000, change: 1, ...more,
});

/** The page's markets: `symbols` are listed, `followed` of them followed; `calls` is what was done. */
export function newMarkets(root, { symbols, followed, signedIn = true, role = "admin", mayUnfollow = role === "admin", refusal = "" }) {
  const clock = browserClock;
  const calls = [];
  const refuse = () => { if (refusal !== "") throw new Error(refusal); };
  const api = {
    exchangeMarkets: async (named) => ({ updated_at: 1, markets: symbols.map((symbol, at) => listed(symbol, { quote_volume: 1e6 - at })).filter(({ symbol }) => named.length === 0 || named.includes(symbol)) }),
    markets: async () => { throw new Error("not asked here"); },
    follow: async (symbol) => { calls.push(`follow ${symbol}`); refuse(); return { symbol, tick_size: 0.01, base: null, quote: null, may_unfollow: true }; },
    unfollow: async (symbol) => { calls.push(`unfollow ${symbol}`); refuse(); },
  };
  const state = new PageState((callback) => callback());
  const preferences = new Preferences({}, { read: () => null, write: () => {}, tell: () => {}, save: null }, clock);
  const markets = new FollowedMarkets(api, followed.map((symbol) => ({ symbol, base: symbol.slice(0, -4), quote: symbol.slice(-4), tick_size: "0.01", may_unfollow: signedIn && mayUnfollow })));
  const [exchange, tickers, watchlist] = [new ExchangeMarkets(api, clock), new Tickers(api, clock, null), new Watchlist(clock)];
  const actions = {
    go: ({ symbol }) => calls.push(`go ${symbol}`), open: (panel) => { state.panel.value = panel; }, openSearch: () => calls.push("search"),
    unfollow: (symbol) => markets.unfollow(symbol),
  };
  const config = { signed_in: signedIn, role: signedIn ? role : null, interval: "1m", symbol: followed[0], intervals: ["1m"] };
  const page = { config, state, markets, exchange, tickers, watchlist, preferences, announcer: new Announcer(), dialog: state.dialog, actions };
  state.render({ symbol: followed[0], interval: "1m", price: 100, link: { kind: "up" } }, 2);
  followSight(page);
  watchlist.start(async () => ({ ok: true, prices: {} }));
  watchlist.up();
  const mount = (text) => {
    state.searchText.value = text;
    state.dialog.value = "search";
    render(h(Search, { page }), root);
  };
  const watch = () => {
    state.panel.value = "watchlist";
    render(h(WatchlistPanel, { page }), root);
  };
  return { page, calls, mount, watch };
}

function Search({ page }) {
  return page.dialog.value === "search" ? h(MarketSearch, { page }) : null;
}
/** The stage in one state: `pressed` is what was asked for; the next `show` is another state. */
export function newStage(root) {
  const state = new PageState((callback) => callback());
  const pressed = [];
  const actions = { retry: () => pressed.push("retry"), toNow: () => {}, key: () => false, go: () => {}, candles: () => [] };
  const show = async (view, message = "") => {
    state.render({ ...VIEW, ...view }, 2);
    state.message.value = message;
    await new Promise(requestAnimationFrame);
  };
  const preferences = new Preferences(null, { read: () => null, write: () => {}, tell: () => {}, save: null }, globalThis);
  const shortcuts = { typed: signal(""), meant: null };
  const config = { symbol: "BTCUSDT", interval: "1m" };
  const page = {
    config, state, actions, preferences, shortcuts, announcer: new Announcer(), truth: new Truth({ api: {}, clock: globalThis }), markets: { list: signal([]) },
    number: 1, id: (name) => name, place: () => {}, panes: signal([]),
  };
  page.panes.value = [page];
  render(h(Stage, { page }), root);
  return { show, pressed };
}

const NOW = Date.UTC(2024, 7, 1, 14, 2, 14);
const VIEW = {
  symbol: "BTCUSDT", interval: "1m", nowMs: NOW, isClockKnown: true, link: { kind: "up", sinceMs: NOW - 60_000, retryInMs: null },
  load: { kind: "ready", status: null, detail: "", retryInMs: null }, version: 7, officialToMs: NOW - 74_000, pending: 0, formingMs: null,
  closesInMs: null, price: 1, lastNewsMs: NOW - 500, bars: 500, isOnline: true, polledMs: null, silentSinceMs: null, isLive: true,
  freshness: { state: "live", since: NOW - 60_000, why: "Trades arrive." }, forming: null,
};
