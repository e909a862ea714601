// Wires the page together and starts it: config → parts → session → address bar.
// Never here: rules of any kind.
// Invariant: the address always names the series that is shown.

import { createApi } from "./api.js";
import { decimals } from "./candles/candle.js";
import { parseSeries } from "./candles/series.js";
import { Chart } from "./chart.js";
import { Session } from "./session.js";
import { createSocket } from "./socket.js";
import { toggle } from "./theme.js";
import { Ui } from "./ui.js";
import { standing } from "./words.js";

const config = JSON.parse(document.getElementById("config").textContent);
const csrfToken = document.querySelector('meta[name="csrf-token"]').content;

/** Runs evenly, whatever is done to the machine's clock while the page is open. */
const clock = Object.freeze({
  now: () => Math.round(performance.timeOrigin + performance.now()),
  random: () => Math.random(),
  setTimeout: (callback, ms) => setTimeout(callback, ms),
  clearTimeout: (timer) => clearTimeout(timer),
});

const plot = document.getElementById("plot");
const legend = document.getElementById("legend");
const api = createApi({ fetch: (...request) => fetch(...request), csrfToken });
const markets = new Map(config.markets.map((market) => [market.symbol, market]));
const tick = (symbol) => markets.get(symbol)?.tickSize ?? null;
const leastDecimals = (symbol) => (tick(symbol) === null ? -1 : decimals(Number(tick(symbol))));
const chart = new Chart(plot, { legend, toNow: document.getElementById("to-now"), leastDecimals });
const ui = new Ui(document, { navigate, list, follow: config.signed_in ? follow : null });
const session = new Session({
  api,
  chart,
  ui,
  clock,
  limit: config.limit,
  canPost: config.signed_in,
  hasDays: config.intervals.includes("1d"),
});

listen();
session.start(createSocket(session.handlers), chosen(new URL(location.href)));

globalThis.truecandle = Object.freeze({
  bars: () => session.bars(),
  drawn: () => chart.drawn(),
  version: () => session.version(),
  state: () => session.view(),
});

/** The followed markets as they are now. */
async function list() {
  const found = await api.markets();
  markets.clear();
  for (const market of found) markets.set(market.symbol, market);
  return found;
}

async function follow(symbol) {
  const market = await api.follow(symbol);
  markets.set(market.symbol, market);
  return market;
}

function navigate(url) {
  history.pushState(null, "", url);
  session.open(chosen(url));
}

/** The series that an address names; what it can't name falls back, and the page says so. */
function chosen(url) {
  const asked = { symbol: url.searchParams.get("symbol"), interval: url.searchParams.get("interval") };
  const symbol = markets.has(asked.symbol) ? asked.symbol : config.symbol;
  const interval = config.intervals.includes(asked.interval) ? asked.interval : config.interval;
  const wrong = [
    asked.symbol !== null && asked.symbol !== symbol ? `${asked.symbol.slice(0, 20)} is not followed here` : "",
    asked.interval !== null && asked.interval !== interval ? `the interval ${asked.interval.slice(0, 8)} is not offered here` : "",
  ].filter(Boolean);
  const mistake = wrong.length > 0 ? `In that link, ${wrong.join(" and ")}. This is ${symbol} ${interval}.` : "";
  ui.say(mistake || standing(markets.get(symbol) ?? { symbol }).text);
  ui.choose(symbol, interval);
  return parseSeries(symbol, interval);
}

function listen() {
  addEventListener("popstate", () => session.open(chosen(new URL(location.href))));
  addEventListener("online", () => session.wake());
  addEventListener("offline", () => session.wake()); // asks, and finds out if the answer does not come
  addEventListener("pageshow", (event) => event.persisted && session.wake());
  document.addEventListener("visibilitychange", () => session.setVisible(document.visibilityState === "visible"));
  document.getElementById("theme").addEventListener("click", toggle);
  plot.addEventListener("keydown", (event) => {
    if (event.metaKey || event.ctrlKey || event.altKey || !chart.key(event.key)) return;
    event.preventDefault();
    if (event.key.startsWith("Arrow")) ui.read(legend);
  });
}
