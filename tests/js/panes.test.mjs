import assert from "node:assert/strict";
import { test } from "node:test";

import { parseInterval } from "../../static/src/candles/interval.ts";
import { parseSeries } from "../../static/src/candles/series.ts";
import { momentAt, placeOf, timeAt } from "../../static/src/chart/places.ts";
import { Page, T0, price, row, settled } from "../support/js/world.mjs";

const MINUTE = 60_000;
const rows = (count) => Array.from({ length: count }, (_, i) => row(i));

async function two(first = ["BTCUSDT", "1m"], second = ["ETHUSDT", "1m"]) {
  const page = new Page({ startMs: T0 + 10 * MINUTE });
  for (const [symbol, interval] of [first, second]) page.server.write(`${symbol}:${interval}`, rows(10));
  await page.open(...first);
  return { page, other: await page.beside(...second) };
}

test("two charts are live over one connection, and each hears its own series", async () => {
  const { page, other } = await two();
  assert.deepEqual([page.connects, page.subscribed, page.view.link.kind, other.view.link.kind], [1, ["BTCUSDT:1m", "ETHUSDT:1m"], "up", "up"]);
  for (const { handlers } of [page, other]) handlers.livePrice(price(page.clock.ms, 7, 1, 1, { symbol: "ETHUSDT" }));
  await settled();
  assert.notEqual(page.session.view().price, 7);
  assert.equal(other.session.view().price, 7);
});

test("a series is let go of when no chart follows it any more, and not before", async () => {
  const { page, other } = await two(["BTCUSDT", "1m"], ["BTCUSDT", "1m"]);
  other.session.open(parseSeries("ETHUSDT", "1m"));
  assert.deepEqual(page.unsubscribed, []);
  page.session.open(parseSeries("ETHUSDT", "1m"));
  assert.deepEqual(page.unsubscribed, ["BTCUSDT:1m"]);
});

test("one try at a time connects again, and then every chart is up", async () => {
  const { page, other } = await two();
  page.isReachable = false;
  page.drop();
  const before = page.connects;
  await page.clock.advance(10_000);
  const tries = page.connects - before;
  assert.ok(tries >= 2 && tries <= 6, `${tries} tries`);
  assert.deepEqual([page.view.link, other.view.link].map(({ kind, retryInMs }) => [kind, retryInMs > 0]), [["away", true], ["away", true]]);
  assert.equal(page.view.link.retryInMs, other.view.link.retryInMs);
  page.isReachable = true;
  await page.clock.advance(6_000);
  assert.deepEqual([page.view.link.kind, other.view.link.kind], ["up", "up"]);
});

test("a refusal of one market is its own chart's alone", async () => {
  const { page, other } = await two();
  page.refuse = true;
  other.session.open(parseSeries("SOLUSDT", "1m"));
  await settled();
  assert.deepEqual([page.view.link.kind, other.view.link.kind], ["up", "refused"]);
});

test("places of the time axis and moments are each other's inverse, between, before and after the bars", () => {
  const bars = [0, 1, 2, 5, 6].map((i) => T0 + i * MINUTE); // three minutes without a place of their own
  const times = { length: bars.length, at: (index) => bars[index] };
  const minute = parseInterval("1m");
  bars.forEach((time, index) => assert.equal(placeOf(times, minute, time), index));
  for (const place of [-7.25, -1, 0, 0.5, 2.5, 4, 4.75, 30]) {
    assert.ok(Math.abs(placeOf(times, minute, momentAt(times, minute, place)) - place) < 1e-6, `${place}`);
  }
  assert.equal(timeAt(times, minute, 6), T0 + 8 * MINUTE);
  assert.equal(timeAt(times, minute, -2), T0 - 2 * MINUTE);
  assert.equal(placeOf({ length: 0, at: () => 0 }, minute, T0), null);
  const months = [0, 1].map((i) => Date.UTC(2024, i, 1));
  const month = parseInterval("1M");
  const ofMonths = { length: 2, at: (index) => months[index] };
  assert.equal(placeOf(ofMonths, month, Date.UTC(2024, 6, 1)), 6);
  assert.equal(timeAt(ofMonths, month, -1), Date.UTC(2023, 11, 1));
});
