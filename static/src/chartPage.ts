// Wires the page together and starts it: config → parts → session → address bar.
// Never here: rules of any kind.
// Invariant: the address always names the series that is shown.

import { decimals } from "./candles/candle.ts";
import { parseSeries, type Series } from "./candles/series.ts";
import { Chart } from "./chart/chart.ts";
import { browserClock } from "./clock.ts";
import { createApi } from "./net/api.ts";
import type { Market, MarketInPage, PageConfig } from "./net/protocol.ts";
import { createSocket } from "./net/socket.ts";
import { Session } from "./state/session.ts";
import { element } from "./ui/element.ts";
import { standing } from "./ui/format.ts";
import { toggle } from "./ui/theme.ts";
import { Ui } from "./ui/ui.ts";

const config: PageConfig = JSON.parse(element(document, "config").textContent!);
const csrfToken = document.querySelector<HTMLMetaElement>('meta[name="csrf-token"]')!.content;

const plot = element(document, "plot");
const legend = element(document, "legend");
const api = createApi({ fetch: (...request) => fetch(...request), csrfToken });
const markets = new Map<string, Market | MarketInPage>(config.markets.map((market) => [market.symbol, market]));
const tick = (symbol: string) => markets.get(symbol)?.tick_size ?? null;
const leastDecimals = (symbol: string) => (tick(symbol) === null ? -1 : decimals(Number(tick(symbol))));
const chart = new Chart(plot, { legend, toNow: element(document, "to-now"), leastDecimals });
const ui = new Ui(document, { navigate, list, follow: config.signed_in ? follow : null });
const session = new Session({
  api,
  chart,
  ui,
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
  version: () => session.version(),
  state: () => session.view(),
});
Object.assign(globalThis, { truecandle });

/** The followed markets as they are now. */
async function list(): Promise<readonly Market[]> {
  const found = await api.markets();
  markets.clear();
  for (const market of found) markets.set(market.symbol, market);
  return found;
}

async function follow(symbol: string): Promise<Market> {
  const market = await api.follow(symbol);
  markets.set(market.symbol, market);
  return market;
}

function navigate(url: URL) {
  history.pushState(null, "", url);
  session.open(chosen(url));
}

/** The series that an address names; what it can't name falls back, and the page says so. */
function chosen(url: URL): Series {
  const asked = { symbol: url.searchParams.get("symbol"), interval: url.searchParams.get("interval") };
  const symbol = asked.symbol !== null && markets.has(asked.symbol) ? asked.symbol : config.symbol;
  const interval = asked.interval !== null && config.intervals.includes(asked.interval) ? asked.interval : config.interval;
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
  addEventListener("pageshow", (event) => {
    if (event.persisted) session.wake();
  });
  document.addEventListener("visibilitychange", () => session.setVisible(document.visibilityState === "visible"));
  element(document, "theme").addEventListener("click", toggle);
  plot.addEventListener("keydown", (event) => {
    if (event.metaKey || event.ctrlKey || event.altKey || !chart.key(event.key)) return;
    event.preventDefault();
    if (event.key.startsWith("Arrow")) ui.read(legend);
  });
}
