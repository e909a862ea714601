import assert from "node:assert/strict";
import { test } from "node:test";

import { ExchangeMarkets } from "../../static/src/state/exchangeMarkets.ts";
import { MarketRanking, wordsOf } from "../../static/src/state/marketRanking.ts";
import { chosenSeries, usualSeries } from "../../static/src/state/chosenSeries.ts";
import { dayChange, dayFigures, listedPrecision, precisionOf, priceText, turnover } from "../../static/src/ui/marketWords.ts";
import { Clock, settled } from "../support/js/world.mjs";

const NOBODY = { followed: [], favourites: [] };

function market(base, quote, price, quoteVolume, more = {}) {
  const prices = { price, open: price, high: price, low: price };
  return { symbol: base + quote, base, quote, status: "TRADING", ...prices, volume: quoteVolume / price, quote_volume: quoteVolume, change: 0, ...more };
}

/** In USDT: BTCUSDT 900M, ETHBTC 600M, BTCTRY 40M, PEPEUSDT 30M, BNBBTC 12M, SOLBNB 6M, BTCDOMUSDT 5M, PEPETRY 1M. */
const MARKETS = [
  market("PEPE", "TRY", 0.0004, 40e6), market("BTC", "USDT", 60_000, 900e6), market("ETH", "BTC", 0.05, 10_000), market("BTC", "TRY", 2.4e6, 1_600e6),
  market("BTCDOM", "USDT", 1_000, 5e6), market("PEPE", "USDT", 0.00001, 30e6), market("BNB", "BTC", 0.01, 200), market("SOL", "BNB", 0.3, 10_000),
  market("USDT", "TRY", 40, 1e6),
];
const symbols = (ranked) => ranked.map(({ market: { symbol } }) => symbol);
const found = (text, known = NOBODY) => symbols(new MarketRanking(MARKETS).rank(text, known));

test("what is typed finds markets by symbol, base and part, each the most traded first", () => {
  assert.deepEqual(found("btc"), ["BTCUSDT", "BTCTRY", "BTCDOMUSDT", "ETHBTC", "BNBBTC"]);
  assert.deepEqual(found("btcd"), ["BTCDOMUSDT"]);
  assert.deepEqual(found("pepe"), ["PEPEUSDT", "PEPETRY"]);
  assert.deepEqual(found("bnb"), ["BNBBTC", "SOLBNB"]);
  assert.deepEqual(found("nothing"), []);
});

test("base and quote may stand apart, whatever lies between them, and in either case", () => {
  for (const text of ["btcusdt", "BTC usdt", " btc/usdt ", "BTC-USDT", "btc_usdt", "btc usd"]) assert.equal(found(text)[0], "BTCUSDT", text);
  assert.deepEqual(found("usdt btc"), ["BTCUSDT", "BTCDOMUSDT"]);
  assert.deepEqual(wordsOf("  Btc / uSdt "), ["BTC", "USDT"]);
});

test("an exact name comes first, however little it is traded", () => {
  const small = [...MARKETS, market("BT", "C", 1, 1)];
  assert.equal(symbols(new MarketRanking(small).rank("btc", NOBODY))[0], "BTC");
});

test("of those that fit as well the reader's own come first, favourite or followed", () => {
  const known = { followed: ["ETHBTC"], favourites: ["BTCTRY"] };
  assert.deepEqual(found("btc", known), ["BTCTRY", "BTCUSDT", "BTCDOMUSDT", "ETHBTC", "BNBBTC"]);
  assert.equal(found("btcusdt", known)[0], "BTCUSDT");
});

test("volumes are compared in USDT, by the list's own prices: direct, turned around, over another asset", () => {
  assert.deepEqual(found(""), ["BTCUSDT", "ETHBTC", "BTCTRY", "PEPEUSDT", "BNBBTC", "SOLBNB", "BTCDOMUSDT", "PEPETRY", "USDTTRY"]);
  const odd = [market("A", "XYZ", 1, 1e12), market("B", "USDT", 1, 1), { ...market("C", "USDT", 1, 1), quote_volume: null }];
  assert.deepEqual(symbols(new MarketRanking(odd).rank("", NOBODY)), ["BUSDT", "AXYZ", "CUSDT"]);
});

test("without a text favourites come first in their own order, then the followed ones, then the rest", () => {
  const ranked = new MarketRanking(MARKETS).rank(" ", { followed: ["ETHBTC", "SOLBNB"], favourites: ["SOLBNB", "GONEUSDT"] });
  assert.deepEqual(symbols(ranked).slice(0, 4), ["SOLBNB", "GONEUSDT", "ETHBTC", "BTCUSDT"]);
  assert.deepEqual(ranked.slice(0, 4).map(({ group }) => group), ["favourite", "favourite", "followed", "other"]);
  assert.equal(ranked.length, MARKETS.length + 1);
});

test("a price has the market's own decimals: its step where it is followed, else those of the list", () => {
  const pepe = market("PEPE", "USDT", 0.0000084, 1, { high: 0.00000845 });
  assert.equal(listedPrecision(pepe), 8);
  assert.equal(priceText(pepe.price, precisionOf(pepe, undefined)), "0.00000840");
  assert.equal(priceText(60_000, precisionOf(MARKETS[1], { tick_size: "0.01" })), "60,000.00");
  assert.equal(priceText(null, 2), "–");
});

test("24 hours are told up to the newest price, with a sign, and a dash where nobody knows", () => {
  const row = market("BTC", "USDT", 110, 1_234_567, { open: 100, high: 112, low: 95, change: 10 });
  assert.deepEqual(dayChange(row), { change: "+10.00 %", direction: "up" });
  assert.deepEqual(dayFigures(row, 90, 2), { change: "−10.00 %", direction: "down", high: "112.00", low: "90.00", turnover: "1.23M USDT" });
  assert.deepEqual(dayChange({ ...row, open: null }), { change: "+10.00 %", direction: "up" });
  assert.deepEqual(dayChange({ ...row, open: null, change: null }), { change: "–", direction: null });
  assert.deepEqual(dayChange({ ...row, change: 0 }, 100), { change: "0.00 %", direction: null });
  assert.deepEqual([turnover(735_123_456), turnover(12.3456), turnover(0.012345)], ["735M", "12.3", "0.0123"]);
});

test("the list is asked for while it is looked at, every 20 s, and stays when an answer fails", async () => {
  const clock = new Clock(0);
  const asked = [];
  let answer = async () => ({ updated_at: 1, markets: MARKETS });
  const exchange = new ExchangeMarkets({ exchangeMarkets: (named) => { asked.push([clock.ms, named]); return answer(); } }, clock);
  const listed = (name) => exchange.list.value.find(({ symbol }) => symbol === name);
  exchange.open();
  await settled();
  assert.equal(listed("BTCUSDT").price, 60_000);
  await clock.advance(5_000);
  exchange.close();
  exchange.open();
  await clock.advance(14_999);
  assert.deepEqual(asked, [[0, []]]);
  answer = async () => { throw new Error("The server can't be reached."); };
  await clock.advance(1);
  assert.deepEqual([asked.length, exchange.problem.value], [2, "The server can't be reached."]);
  assert.ok(listed("BTCUSDT"));
  answer = async () => ({ updated_at: 2, markets: [] });
  exchange.retry();
  await settled();
  assert.deepEqual([asked.length, exchange.problem.value], [3, ""]);
  exchange.close();
  await clock.advance(60_000);
  assert.equal(asked.length, 3);
});

const KNOWN = { followed: ["BTCUSDT", "ETHUSDT"], intervals: ["1m", "1h", "1d", "1M"], usual: { symbol: "BTCUSDT", interval: "1m" } };
const chosen = (text, known = KNOWN) => chosenSeries(new URLSearchParams(text), known);

test("an address means its market and interval in whatever case; a month is no minute", () => {
  assert.deepEqual(chosen("symbol=ethusdt&interval=1H"), { series: { symbol: "ETHUSDT", interval: "1h" }, isFollowed: true, mistake: "" });
  assert.deepEqual(chosen(""), { series: KNOWN.usual, isFollowed: true, mistake: "" });
  assert.equal(chosen("interval=1M").series.interval, "1M");
  assert.match(chosen("interval=1M", { ...KNOWN, intervals: ["1m"] }).mistake, /interval 1M is not offered/);
});

test("a market that is not followed keeps its name, and what can be no name is told", () => {
  assert.deepEqual(chosen("symbol=dogeusdt&interval=1d"), { series: { symbol: "DOGEUSDT", interval: "1d" }, isFollowed: false, mistake: "" });
  const wrong = chosen("symbol=<b>&interval=7m");
  assert.deepEqual([wrong.series, wrong.isFollowed], [KNOWN.usual, true]);
  assert.equal(wrong.mistake, "In that link, <B> is no market's name and the interval 7m is not offered here. This is BTCUSDT 1m.");
});

test("an address without a market means the last one that was open, if it still can be", () => {
  assert.deepEqual(usualSeries({ symbol: "ETHUSDT", interval: "1d" }, KNOWN), { symbol: "ETHUSDT", interval: "1d" });
  assert.deepEqual(usualSeries({ symbol: "ETHUSDT", interval: "2d" }, KNOWN), { symbol: "ETHUSDT", interval: "1m" });
  assert.deepEqual(usualSeries({ symbol: "GONEUSDT", interval: "1d" }, KNOWN), KNOWN.usual);
  assert.deepEqual(usualSeries(null, KNOWN), KNOWN.usual);
});
