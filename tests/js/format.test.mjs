import assert from "node:assert/strict";
import { test } from "node:test";

import { Zone } from "../../static/src/candles/zone.ts";
import {
  axisMark, candleState, change, clock, clockWithZone, countdown, duration, fullMoment, moment, price, standing, status, volume, pageTitle, zoneName,
} from "../../static/src/ui/format.ts";
import { shownZone } from "../../static/src/ui/shownZone.ts";

const NOW = Date.UTC(2024, 7, 1, 14, 2, 14);
const VIEW = {
  symbol: "BTCUSDT", interval: "1m", nowMs: NOW, isClockKnown: true, link: { kind: "up", sinceMs: NOW - 60_000, retryInMs: null },
  load: { kind: "ready", status: null, detail: "", retryInMs: null }, version: 7, officialToMs: Date.UTC(2024, 7, 1, 14, 1),
  pending: 1, formingMs: Date.UTC(2024, 7, 1, 14, 2), closesInMs: 41_000, price: 1, lastNewsMs: NOW - 500, bars: 500,
};

test("the status line tells the product's promise in one row", () => {
  assert.deepEqual(Object.values(status(VIEW)), [
    "14:02:14 UTC", "official up to 14:01", "1 pending", "version 7",
  ]);
  const nothing = { ...VIEW, isClockKnown: false, officialToMs: null, pending: 0, version: null };
  assert.deepEqual(Object.values(status(nothing)), ["", "", "", ""]);
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

test("how long something has lasted is told in its largest unit", () => {
  const [MINUTE, HOUR] = [60_000, 3_600_000];
  assert.deepEqual(
    [-5, 999, 12_400, MINUTE - 1, MINUTE, HOUR - 1, HOUR, 3 * HOUR + 5 * MINUTE, 24 * HOUR - 1, 50 * HOUR].map(duration),
    ["0 s", "0 s", "12 s", "59 s", "1 min", "59 min", "1 h 00 min", "3 h 05 min", "23 h 59 min", "2 d"],
  );
});

test("countdowns, prices, volumes and changes read as traders write them", () => {
  assert.deepEqual([41_000, 3_761_000, 183_022_000, -5, 100].map(countdown), ["00:41", "1:02:41", "2 d 02:50:22", "00:00", "00:01"]);
  assert.deepEqual([price(61234.5, 2), price(0.00000908, 8)], ["61,234.50", "0.00000908"]);
  assert.deepEqual([price(61234.5, -1), price(0.00000908, -1)], ["61,234.5", "0.00000908"], "its own where the market's are not known");
  assert.deepEqual([12.345678, 1234.56, 1_234_567, 0.00012].map(volume), ["12.346", "1,234.6", "1.235M", "0.00012"]);
  assert.deepEqual([change(100, 101.25), change(100, 98), change(100, 100)], ["+1.25 %", "−2.00 %", "0.00 %"]);
  assert.deepEqual([change(63_815.2, 63_815.19), change(63_815.2, 63_815.21)], ["0.00 %", "0.00 %"]);
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

test("every word that tells a time tells it in the chosen zone, and names it", () => {
  const tokyo = new Zone("Asia/Tokyo");
  shownZone.value = tokyo;
  try {
    const evening = NOW + 60 * 60_000;
    assert.deepEqual([clock(NOW), clockWithZone(NOW)], ["23:02:14", "23:02:14 UTC+9"]);
    assert.deepEqual([moment(NOW, "1m", NOW), moment(NOW, "1m", evening), moment(evening, "1m", NOW)], ["23:02", "1 Aug 23:02", "2 Aug 00:02"]);
    assert.equal(fullMoment(evening, "1m"), "2 Aug 2024 00:02 UTC+9");
    assert.deepEqual(Object.values(status(VIEW)).slice(0, 2), ["23:02:14 UTC+9", "official up to 23:01"]);
    assert.equal(moment(Date.UTC(2024, 11, 31, 15), "1h", Date.UTC(2024, 11, 31, 14)), "1 Jan 2025 00:00");
  } finally {
    shownZone.value = new Zone("UTC");
  }
});

test("a candle of a day or longer is named after the exchange's day, whatever the zone", () => {
  const newYork = new Zone("America/New_York");
  const midnight = Date.UTC(2024, 7, 1);
  assert.equal(moment(midnight, "1d", NOW, newYork), "1 Aug 2024");
  assert.equal(fullMoment(midnight, "1w", newYork), "1 Aug 2024 (UTC day)");
});

test("the axis tells what begins at a line, in the zone", () => {
  const berlin = new Zone("Europe/Berlin");
  const newYear = Date.UTC(2025, 11, 31, 23);
  assert.deepEqual(["year", "month", "day", "minute", "second"].map((begins) => axisMark(newYear, begins, berlin)), ["2026", "Jan", "1", "00:00", "00:00:00"]);
  assert.deepEqual([zoneName(berlin), zoneName(new Zone("America/Argentina/Buenos_Aires"))], ["Berlin", "Buenos Aires"]);
});

test("the title begins with the price", () => {
  assert.equal(pageTitle({ symbol: "BTCUSDT", interval: "1m", price: 61234.5 }, 2), "61,234.50 BTCUSDT 1m · TrueCandle");
  assert.equal(pageTitle({ symbol: "BTCUSDT", interval: "1m", price: null }, 2), "BTCUSDT 1m · TrueCandle");
});
