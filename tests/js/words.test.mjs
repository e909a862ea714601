import assert from "node:assert/strict";
import { test } from "node:test";

import { candleState, change, clock, countdown, emptiness, freshness, fullMoment, moment, notice, price, standing, status, volume } from "../../static/js/words.js";

const NOW = Date.UTC(2024, 7, 1, 14, 2, 14);
const VIEW = {
  symbol: "BTCUSDT", interval: "1m", nowMs: NOW, isClockKnown: true, link: { kind: "up", sinceMs: NOW - 60_000, retryInMs: null },
  load: { kind: "ready", status: null, detail: "", retryInMs: null }, version: 7, officialToMs: Date.UTC(2024, 7, 1, 14, 1),
  pending: 1, formingMs: Date.UTC(2024, 7, 1, 14, 2), closesInMs: 41_000, price: 1, lastNewsMs: NOW - 500, bars: 500,
};
const away = (forMs, retryInMs) => ({ ...VIEW, link: { kind: "away", sinceMs: NOW - forMs, retryInMs } });

test("the status line tells the product's promise in one row", () => {
  assert.deepEqual(Object.values(status(VIEW)), [
    "14:02:14 UTC", "official up to 14:01", "1 pending", "forming 14:02", "closes in 00:41", "version 7",
  ]);
  const nothing = { ...VIEW, isClockKnown: false, officialToMs: null, pending: 0, formingMs: null, closesInMs: null, version: null };
  assert.deepEqual(Object.values(status(nothing)), ["", "", "", "", "", ""]);
});

test("freshness is said in words, from live to stale", () => {
  assert.deepEqual([freshness(VIEW).text, freshness(VIEW).tone], ["Live", "live"]);
  assert.equal(freshness({ ...VIEW, lastNewsMs: NOW - 12_400 }).text, "Quiet 12 s");
  assert.equal(freshness({ ...VIEW, lastNewsMs: NOW - 134_000 }).text, "Stale since 14:00:00");
  assert.equal(freshness({ ...VIEW, lastNewsMs: null }).text, "Quiet");
  assert.equal(freshness({ ...VIEW, load: { kind: "loading" } }).text, "Loading");
  assert.equal(freshness({ ...VIEW, link: { kind: "connecting", sinceMs: NOW } }).text, "Connecting");
});

test("a server that is away is told with since when, what next and what still holds", () => {
  assert.equal(freshness(away(4_000, 2_400)).text, "Reconnecting in 3 s");
  assert.equal(freshness(away(15_000, 2_400)).text, "Server away since 14:01:59");
  assert.equal(
    notice(away(4_000, 3_600)),
    "Server away since 14:02:10 UTC, trying again in 4 s. The candles you see are official up to 14:01.",
  );
  assert.equal(notice(away(900, 500)), "");
});

test("signed out is said as such, whether socket or answer told", () => {
  for (const view of [{ ...VIEW, link: { kind: "out", sinceMs: NOW } }, { ...VIEW, load: { kind: "failed", status: 401, detail: "", retryInMs: null } }]) {
    assert.equal(freshness(view).text, "Signed out");
    assert.match(notice(view), /^Signed out\. Sign in to go on\. The candles you see are official up to 14:01\.$/);
  }
});

test("an empty chart says why and what happens next", () => {
  assert.equal(emptiness(VIEW), null);
  assert.equal(emptiness({ ...VIEW, bars: 0, load: { kind: "loading" } }), null);
  assert.match(emptiness({ ...VIEW, bars: 0 }).title, /^No candles of BTCUSDT 1m yet$/);
  const failed = { kind: "failed", status: 503, detail: "The store is away.", retryInMs: 3_200 };
  assert.equal(emptiness({ ...VIEW, bars: 0, load: failed }).text, "The store is away. Trying again in 4 s.");
});

test("candles that are still shown while the store is away are said not to move", () => {
  const view = { ...VIEW, load: { kind: "failed", status: 503, detail: "The store is away.", retryInMs: 3_200 } };
  assert.equal(freshness(view).text, "Not updating");
  assert.equal(notice(view), "The store is away. Trying again in 4 s. The candles you see are official up to 14:01.");
});

test("times are UTC and as short as they can be told apart", () => {
  assert.equal(clock(NOW), "14:02:14");
  assert.equal(moment(NOW, "1m", NOW), "14:02");
  assert.equal(moment(NOW, "1s", NOW), "14:02:14");
  assert.equal(moment(NOW, "1h", NOW + 86_400_000), "1 Aug 14:02");
  assert.equal(moment(NOW, "1h", NOW + 366 * 86_400_000), "1 Aug 2024 14:02");
  assert.equal(moment(NOW, "1d", NOW), "1 Aug 2024");
  assert.equal(fullMoment(NOW, "1m"), "1 Aug 2024 14:02 UTC");
});

test("countdowns, prices, volumes and changes read as traders write them", () => {
  assert.deepEqual([41_000, 3_761_000, 183_022_000, -5, 100].map(countdown), ["00:41", "1:02:41", "2 d 02:50:22", "00:00", "00:01"]);
  assert.deepEqual([price(61234.5, 2), price(0.00000908, 8)], ["61,234.50", "0.00000908"]);
  assert.deepEqual([12.345678, 1234.56, 1_234_567, 0.00012].map(volume), ["12.346", "1,234.6", "1.235M", "0.00012"]);
  assert.deepEqual([change(100, 101.25), change(100, 98), change(100, 100)], ["+1.25 %", "−2.00 %", "0.00 %"]);
});

test("a candle's state is told in words", () => {
  assert.equal(candleState("forming", 41_000), "forming, closes in 00:41");
  assert.equal(candleState("pending"), "closed, waiting for the official candle");
  assert.equal(candleState("final"), "official");
});

test("a market that trades needs no words, one that does not gets them", () => {
  for (const status of ["TRADING", null, undefined]) assert.deepEqual(standing({ symbol: "AUSDT", status }), { word: "", text: "" });
  assert.deepEqual(standing({ symbol: "AUSDT", status: "HALT" }), {
    word: "halt",
    text: "AUSDT does not trade at the moment: the exchange says HALT.",
  });
  assert.match(standing({ symbol: "AUSDT", status: "UNLISTED" }).text, /does not list AUSDT/);
});
