// Wires the page together and starts it: config → parts → session → address bar.
// Never here: rules of any kind.
// Invariant: the address always names the series that is shown.

import { createApi } from "./api.js";
import { parseSeries } from "./candles/series.js";
import { Chart } from "./chart.js";
import { Session } from "./session.js";
import { createSocket } from "./socket.js";
import { toggle } from "./theme.js";
import { Ui } from "./ui.js";

const config = JSON.parse(document.getElementById("config").textContent);
const csrfToken = document.querySelector('meta[name="csrf-token"]').content;

const clock = Object.freeze({
  now: () => Date.now(),
  random: () => Math.random(),
  setTimeout: (callback, ms) => setTimeout(callback, ms),
  clearTimeout: (timer) => clearTimeout(timer),
});

const plot = document.getElementById("plot");
const legend = document.getElementById("legend");
const chart = new Chart(plot, { legend, toNow: document.getElementById("to-now") });
const ui = new Ui(document, { navigate });
const api = createApi({ fetch: (...request) => fetch(...request), csrfToken });
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

function navigate(url) {
  history.pushState(null, "", url);
  session.open(chosen(url));
}

/** The series that an address names; what it can't name falls back, and the page says so. */
function chosen(url) {
  const asked = { symbol: url.searchParams.get("symbol"), interval: url.searchParams.get("interval") };
  const symbol = config.symbols.includes(asked.symbol) ? asked.symbol : config.symbol;
  const interval = config.intervals.includes(asked.interval) ? asked.interval : config.interval;
  const wrong = [
    asked.symbol !== null && asked.symbol !== symbol ? `${asked.symbol.slice(0, 20)} is not followed here` : "",
    asked.interval !== null && asked.interval !== interval ? `the interval ${asked.interval.slice(0, 8)} is not offered here` : "",
  ].filter(Boolean);
  ui.say(wrong.length > 0 ? `In that link, ${wrong.join(" and ")}. This is ${symbol} ${interval}.` : "");
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
