import assert from "node:assert/strict";
import { test } from "node:test";

import { FollowedMarkets } from "../../static/src/state/followedMarkets.ts";
import { followSight } from "../../static/src/state/marketsInSight.ts";
import { PageState } from "../../static/src/state/pageState.ts";
import { Preferences } from "../../static/src/state/preferences.ts";
import { Tickers } from "../../static/src/state/tickers.ts";
import { Watchlist } from "../../static/src/state/watchlist.ts";
import { watched } from "../../static/src/net/socket.ts";
import { Clock, settled } from "../support/js/world.mjs";

const KEEPING = { read: () => null, write: () => {}, tell: () => {}, save: null };

function watching(answers = {}) {
  const clock = new Clock(0);
  const watchlist = new Watchlist(clock);
  const asked = [];
  let answer = async () => ({ ok: true, prices: answers });
  watchlist.start((symbols) => {
    asked.push(symbols);
    return answer();
  });
  return { clock, watchlist, asked, answerWith: (next) => { answer = next; } };
}

test("prices are heard of what is in sight, drawn together, and at most four times a second", async () => {
  const { clock, watchlist, asked } = watching({ BTCUSDT: 100, ETHUSDT: null });
  const drawn = [];
  watchlist.prices.subscribe((prices) => drawn.push(prices.size));
  watchlist.show(["BTCUSDT", "ETHUSDT"]);
  assert.deepEqual(asked, []);
  watchlist.up();
  await settled();
  await clock.advance(250);
  assert.deepEqual(asked, [["BTCUSDT", "ETHUSDT"]]);
  assert.deepEqual(watchlist.prices.value.get("BTCUSDT"), { price: 100, direction: null });
  const before = drawn.length;
  for (let i = 0; i < 100; i += 1) {
    watchlist.heard({ symbol: "BTCUSDT", price: 101 + i });
    watchlist.heard({ symbol: "ETHUSDT", price: 50 - i / 10 });
    await clock.advance(10);
  }
  assert.ok(drawn.length - before <= 4, String(drawn.length - before));
  assert.deepEqual(watchlist.prices.value.get("BTCUSDT").direction, "up");
  assert.deepEqual(watchlist.prices.value.get("ETHUSDT").direction, "down");
  const same = watchlist.prices.value.get("BTCUSDT");
  watchlist.heard({ symbol: "BTCUSDT", price: same.price });
  await clock.advance(250);
  assert.equal(watchlist.prices.value.get("BTCUSDT"), same);
});

test("junk and markets out of sight change nothing", async () => {
  const { clock, watchlist } = watching();
  watchlist.show(["BTCUSDT"]);
  for (const event of [{ symbol: "XRPUSDT", price: 1 }, { symbol: "BTCUSDT", price: "1" }, { symbol: "BTCUSDT", price: NaN }, { price: 1 }, {}]) watchlist.heard(event);
  await clock.advance(1_000);
  assert.equal(watchlist.prices.value.size, 0);
});

test("a new connection is told again, a list that is shut tells the server so, and silence is asked again", async () => {
  const { clock, watchlist, asked, answerWith } = watching();
  watchlist.up();
  assert.deepEqual(asked, []);
  watchlist.show(["BTCUSDT"]);
  await settled();
  watchlist.down();
  watchlist.up();
  await settled();
  watchlist.show(["BTCUSDT"]);
  watchlist.show([]);
  await settled();
  assert.deepEqual(asked, [["BTCUSDT"], ["BTCUSDT"], []]);
  answerWith(async () => ({ ok: false }));
  watchlist.show(["ETHUSDT"]);
  await settled();
  answerWith(async () => { throw new Error("no answer"); });
  await clock.advance(5_000);
  assert.equal(asked.length, 5);
  watchlist.down();
  await clock.advance(60_000);
  assert.equal(asked.length, 5);
});

test("an acknowledgement is read as prices, or as a refusal", () => {
  assert.deepEqual(watched({ ok: true, prices: { BTCUSDT: 1, ETHUSDT: null } }), { ok: true, prices: { BTCUSDT: 1, ETHUSDT: null } });
  for (const junk of [null, "no", {}, { ok: false, code: "symbols" }, { ok: true }, { ok: true, prices: 7 }]) assert.deepEqual(watched(junk), { ok: false });
});

const row = (symbol) => ({ symbol, base: null, quote: null, status: null, price: 1, open: 1, high: 1, low: 1, volume: 1, quote_volume: 1, change: 0 });

function asking(first = null) {
  const clock = new Clock(0);
  const asked = [];
  const world = { listed: ["BTCUSDT", "ETHUSDT", "DOGEUSDT"], updated: 1, fail: false };
  const exchangeMarkets = async (symbols) => {
    asked.push(symbols.join());
    if (world.fail) throw new Error("away");
    return { updated_at: world.updated, markets: symbols.filter((symbol) => world.listed.includes(symbol)).map(row) };
  };
  return { clock, asked, world, tickers: new Tickers({ exchangeMarkets }, clock, first) };
}

test("24 hours come with the page, then every 20 s while it is seen, in one request for all that is in sight", async () => {
  const { clock, asked, tickers } = asking(row("BTCUSDT"));
  tickers.want("bar", ["BTCUSDT"]);
  await settled();
  assert.deepEqual(asked, []);
  await clock.advance(20_000);
  assert.deepEqual(asked, ["BTCUSDT"]);
  tickers.want("watchlist", ["ETHUSDT", "BTCUSDT"]);
  await settled();
  assert.deepEqual(asked, ["BTCUSDT", "BTCUSDT,ETHUSDT"]);
  tickers.setVisible(false);
  await clock.advance(60_000);
  assert.equal(asked.length, 2);
  tickers.setVisible(true);
  assert.equal(asked.length, 3);
});

test("what a list that was read lacks is not listed; before that, and when nobody answers, it is unknown", async () => {
  const { clock, tickers, world } = asking();
  world.updated = null;
  tickers.want("bar", ["NONEUSDT"]);
  await settled();
  assert.equal(tickers.rows.value.has("NONEUSDT"), false);
  world.fail = true;
  await clock.advance(20_000);
  assert.equal(tickers.rows.value.has("NONEUSDT"), false);
  Object.assign(world, { fail: false, updated: 1 });
  await clock.advance(20_000);
  assert.equal(tickers.rows.value.get("NONEUSDT"), null);
});

test("the watchlist's markets are favourites first, each once, and none while it is shut", async () => {
  const clock = new Clock(0);
  const state = new PageState((callback) => callback());
  const preferences = new Preferences({ favourites: ["DOGEUSDT"] }, KEEPING, clock);
  const gone = [];
  const markets = new FollowedMarkets({ unfollow: async (symbol) => { gone.push(symbol); } }, [{ symbol: "BTCUSDT" }, { symbol: "ETHUSDT" }]);
  const wanted = { bar: null, watchlist: null };
  const shown = [];
  followSight({ state, preferences, markets, tickers: { want: (place, symbols) => { wanted[place] = symbols; } }, watchlist: { show: (symbols) => shown.push(symbols.join()) } });
  state.render({ symbol: "BTCUSDT", interval: "1m" }, 2);
  assert.deepEqual(wanted, { bar: ["BTCUSDT"], watchlist: [] });
  state.panel.value = "watchlist";
  preferences.set("favourites", ["DOGEUSDT", "ETHUSDT"]);
  await markets.unfollow("ETHUSDT");
  state.panel.value = "none";
  assert.deepEqual(shown, ["", "DOGEUSDT,BTCUSDT,ETHUSDT", "DOGEUSDT,ETHUSDT,BTCUSDT", "DOGEUSDT,ETHUSDT,BTCUSDT", ""]);
  assert.deepEqual(gone, ["ETHUSDT"]);
});

test("a market that is not followed has the page to itself", () => {
  const state = new PageState((callback) => callback());
  state.render({ symbol: "BTCUSDT", interval: "1m" }, 2);
  state.setAbsent({ symbol: "DOGEUSDT", interval: "1h" });
  state.render({ symbol: "BTCUSDT", interval: "1m" }, 2);
  assert.deepEqual([state.view.value, state.shown.value], [null, { symbol: "DOGEUSDT", interval: "1h" }]);
  state.setAbsent(null);
  state.render({ symbol: "ETHUSDT", interval: "1m" }, 2);
  assert.equal(state.shown.value.symbol, "ETHUSDT");
});
