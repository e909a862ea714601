import assert from "node:assert/strict";
import { test } from "node:test";

import { HELD_MAX } from "../../static/src/candles/history.ts";
import { Zone } from "../../static/src/candles/zone.ts";
import { ApiError } from "../../static/src/net/api.ts";
import { RENEW_MS, WISH_LEAST } from "../../static/src/state/historyOnDemand.ts";
import { dateMs, dateText } from "../../static/src/ui/dateInput.ts";
import { olderWords } from "../../static/src/ui/olderWords.ts";
import { Page, T0, row, settled } from "../support/js/world.mjs";

const NAME = "BTCUSDT:1m";
const MINUTE = 60_000;
const DAY = 1_440;
const rows = (from, to) => Array.from({ length: to - from }, (_, i) => row(from + i));
const atEdge = (page) => { page.chart.reach = { left: 10, width: 120 }; };
const away = (page) => { page.chart.reach = { left: 50_000, width: 120 }; };
const words = (page) => olderWords(page.view)?.text ?? null;

async function opened(count, options = {}, from = 0) {
  const page = new Page({ startMs: T0 + count * MINUTE + 10_000, ...options });
  page.server.write(NAME, rows(from, count));
  await page.open();
  return page;
}

/** The reader pages back until that many candles are held. */
async function back(page, count) {
  while (page.session.view().older.held < count) {
    page.chart.scrollBack();
    await settled();
  }
}

/** All that is held, tells apart what is drawn and what is stored. */
function heldEqualsTruth(page, message = "") {
  const first = page.view.older.firstMs;
  const truth = [...page.server.of(NAME).rows.values()].filter((bar) => bar.time >= first).sort((a, b) => a.time - b.time);
  assert.deepEqual([...page.chart.history.values()], truth, message);
  assert.equal(page.session.version(), page.server.of(NAME).version, message);
}

test("older candles that are fetched elsewhere load nothing anew: paging brings them", async () => {
  const page = await opened(600, { limit: 500 });
  await back(page, 600);
  const before = page.server.requests.length;
  await page.hear(page.server.write(NAME, rows(-1_000, 0), "backfill"));
  await page.hear(page.server.write(NAME, rows(-2_000, -1_000), "backfill"));
  assert.equal(page.server.requests.length, before);
  heldEqualsTruth(page);
  atEdge(page);
  page.chart.scrollBack();
  await settled();
  away(page);
  assert.equal(page.server.requests.length, before + 1);
  heldEqualsTruth(page);
});

test("an event late after the page that holds its candles changes nothing and asks for nothing", async () => {
  const page = await opened(600, { limit: 500 });
  await back(page, 600);
  const events = [-1_000, -2_000].map((from) => page.server.write(NAME, rows(from, from + 1_000), "backfill"));
  page.session.edge.goTo(T0 - 500 * MINUTE);
  await page.hear(events[0]);
  await page.clock.advance(300);
  assert.equal(page.view.older.firstMs, T0 - 2_000 * MINUTE);
  const before = page.server.requests.length;
  await page.hear(events[1]);
  assert.equal(page.server.requests.length, before);
  heldEqualsTruth(page);
});

test("a change among candles that are held is loaded, however it is told", async () => {
  const page = await opened(600, { limit: 500 });
  await back(page, 600);
  await page.hear(page.server.write(NAME, rows(100, 200).map((bar) => ({ ...bar, close: 111 })), "correction"));
  assert.equal(page.chart.history.get(T0 + 150 * MINUTE).close, 111);
  heldEqualsTruth(page);
});

test("events that come while a load is on its way are taken in after it, without another one", async () => {
  const page = await opened(600, { limit: 500 });
  await back(page, 600);
  const waiting = [];
  page.server.hold = (answer) => new Promise((resolve) => waiting.push(() => resolve(answer)));
  page.server.write(NAME, [row(600)]);
  await page.hear(page.server.write(NAME, [row(601)])); // one was lost: a load
  await page.hear(page.server.write(NAME, rows(-1_000, 0), "backfill"));
  await page.hear(page.server.write(NAME, [row(602)]));
  page.server.hold = null;
  const before = page.server.requests.length;
  for (const answer of waiting) answer();
  await settled();
  assert.equal(page.server.requests.length, before);
  heldEqualsTruth(page);
});

test("with 20,000 candles held an acknowledgement ahead of its event loads nothing", async () => {
  const page = await opened(20_000, { limit: 500 });
  await back(page, 20_000);
  const before = page.server.requests.length;
  const event = page.server.write(NAME, [row(20_000)]);
  page.session.wake();
  await settled();
  await page.hear(event);
  await page.clock.advance(2_000);
  assert.equal(page.server.requests.length, before);
  heldEqualsTruth(page);
  page.server.write(NAME, [row(20_001)]); // this event is lost
  page.session.wake();
  await settled();
  await page.clock.advance(2_000);
  heldEqualsTruth(page);
});

test("nobody near the first candle: /history is never asked", async () => {
  const page = await opened(600);
  await page.clock.advance(60_000);
  assert.deepEqual([page.server.histories, words(page)], [[], null]);
});

test("near the first candle stored, older ones are wished for, with progress, for as long as somebody is there", async () => {
  const page = await opened(600);
  await back(page, 600);
  atEdge(page);
  await page.clock.advance(900);
  assert.deepEqual(page.server.histories, [null, T0 - WISH_LEAST * MINUTE]);
  assert.equal(words(page), "Stored from 1 Aug 2024 00:00 UTC · fetching older candles, back to 28 Jul 12:40");
  page.server.wished = { ...page.server.wished, fetched: 3_988, reached: T0 - 3_988 * MINUTE };
  await page.hear(page.server.write(NAME, rows(-3_988, 0), "backfill"));
  await page.clock.advance(RENEW_MS + 300);
  assert.equal(words(page), "Stored from 29 Jul 2024 05:32 UTC · fetching older candles, 3,988 so far, back to 28 Jul 12:40");
  heldEqualsTruth(page);
  const asked = page.server.histories.length;
  away(page);
  await page.clock.advance(30_000);
  assert.equal(page.server.histories.length, asked);
  assert.equal(words(page), null);
});

test("a reader without an account looks on, is told how to ask, and wishes for nothing", async () => {
  const page = await opened(600, { canAsk: false });
  await back(page, 600);
  atEdge(page);
  await page.clock.advance(30_000);
  assert.ok(page.server.histories.length <= 5);
  assert.ok(page.server.histories.every((wished) => wished === null));
  assert.deepEqual([words(page), olderWords(page.view).step], ["Stored from 1 Aug 2024 00:00 UTC", "signIn"]);
});

test("whoever stops it is heard, and goes on with a click", async () => {
  const page = await opened(600);
  await back(page, 600);
  atEdge(page);
  await page.clock.advance(900);
  const asked = page.server.histories.length;
  page.session.edge.stop();
  page.server.wished = null;
  await page.clock.advance(300);
  assert.deepEqual([words(page), olderWords(page.view).step], ["Stored from 1 Aug 2024 00:00 UTC", "fetch"]);
  assert.ok(page.server.histories.slice(asked).every((wished) => wished === null));
  page.session.edge.goOn();
  await page.clock.advance(900);
  assert.ok(page.server.histories.at(-1) !== null);
});

test("a hidden page waits for nothing", async () => {
  const page = await opened(600);
  await back(page, 600);
  atEdge(page);
  await page.clock.advance(900);
  page.session.setVisible(false);
  const asked = page.server.histories.length;
  await page.clock.advance(60_000);
  assert.equal(page.server.histories.length, asked);
});

test("a refusal is told in the server's words and tried again, now or later", async () => {
  const page = await opened(600);
  await back(page, 600);
  atEdge(page);
  page.server.fail = new ApiError(503, "busy", "Older candles of 20 other series are waited for. Nothing began.", 5_000);
  await page.clock.advance(500);
  assert.equal(words(page), "Older candles of 20 other series are waited for. Nothing began. Trying again in 5 s.");
  const asked = page.server.histories.length;
  await page.clock.advance(3_000);
  assert.equal(page.server.histories.length, asked);
  page.server.fail = null;
  page.session.edge.goOn();
  await page.clock.advance(900);
  assert.match(words(page), /fetching older candles/);
});

test("the limit that is reached is said, with its setting, and no more is wished for", async () => {
  const page = await opened(600);
  page.server.storedMax = 600;
  await back(page, 600);
  atEdge(page);
  await page.clock.advance(30_000);
  assert.equal(words(page), "Stored from 1 Aug 2024 00:00 UTC · the limit of 600 candles a series is reached (the setting HISTORY_STORED_MAX).");
  assert.ok(page.server.histories.every((wished) => wished === null));
});

test("the market's first candle is marked, and asked about no more", async () => {
  const page = await opened(600);
  page.server.firstMs = T0;
  await back(page, 600);
  atEdge(page);
  await page.clock.advance(900);
  assert.deepEqual([page.chart.start, words(page), page.server.histories.length], [T0, "BTCUSDT begins here, 1 Aug 2024 00:00 UTC", 1]);
  await page.clock.advance(60_000);
  assert.equal(page.server.histories.length, 1);
});

test("a date that is stored is paged to, by as few requests as there are pages, one at a time", async () => {
  const page = await opened(12_000);
  const before = page.server.requests.length;
  page.session.edge.goTo(T0 + 1_234 * MINUTE + 17_000);
  await page.clock.advance(2_000);
  assert.deepEqual([page.chart.revealed, page.chart.pointed], [T0 + 1_234 * MINUTE, T0 + 1_234 * MINUTE]);
  assert.equal(page.server.requests.length, before + 3); // 1,000, then 5,000 each, until it is there
  assert.deepEqual([page.view.older.aimMs, page.view.older.end, page.server.histories], [null, null, []]);
});

test("a date that is not stored is fetched, with progress, and gone to", async () => {
  const page = await opened(600);
  const aim = T0 - 2 * DAY * MINUTE;
  page.session.edge.goTo(aim);
  await page.clock.advance(1_500);
  assert.match(words(page), /^Going to 30 Jul 2024 00:00 UTC · fetching older candles/);
  assert.equal(page.server.histories.at(-1), aim - 120 * MINUTE);
  await page.hear(page.server.write(NAME, rows(-3_100, 0), "backfill"));
  await page.clock.advance(RENEW_MS + 1_000);
  assert.equal(page.chart.revealed, aim);
  assert.equal(words(page), null);
  heldEqualsTruth(page);
});

test("a date before the market's first candle ends there, in words", async () => {
  const page = await opened(600);
  page.server.firstMs = T0;
  page.session.edge.goTo(T0 - 99 * MINUTE);
  await page.clock.advance(1_500);
  assert.equal(page.chart.revealed, T0);
  assert.equal(words(page), "BTCUSDT begins on 1 Aug 2024 00:00 UTC: there is no candle of 31 Jul 2024 22:21 UTC.");
  page.session.edge.dismiss();
  assert.equal(olderWords(page.session.view()), null);
});

test("a date to come, and one further back than the page can hold, end at once", async () => {
  const page = await opened(600);
  page.session.edge.goTo(T0 + 999 * MINUTE);
  await page.clock.advance(300);
  assert.equal(page.chart.revealed, "now");
  assert.equal(words(page), "1 Aug 2024 16:39 UTC has not come yet. This is the newest candle.");
  page.session.edge.goTo(T0 - HELD_MAX * MINUTE);
  await page.clock.advance(300);
  assert.equal(olderWords(page.view).step, "longer");
  assert.deepEqual(page.server.histories, []);
});

test("at another interval the same time stays in the middle; where it is not stored that is said", async () => {
  const page = await opened(5_000);
  await back(page, 3_000);
  page.chart.middleMs = T0 + 2_500 * MINUTE;
  page.server.write("BTCUSDT:1h", Array.from({ length: 84 }, (_, i) => row(i, 100, 60 * MINUTE)));
  await page.choose("BTCUSDT", "1h");
  await page.clock.advance(300);
  assert.equal(page.chart.revealed, T0 + 41 * 60 * MINUTE);
  page.chart.middleMs = T0 + 3 * 60 * MINUTE;
  await page.choose("BTCUSDT", "1m");
  await page.clock.advance(2_000);
  assert.deepEqual([page.chart.revealed, page.chart.pointed], [T0 + 180 * MINUTE, undefined]); // nobody asked for that candle
  page.server.write("BTCUSDT:3m", Array.from({ length: 100 }, (_, i) => row(i + 1_000, 100, 3 * MINUTE)));
  await page.choose("BTCUSDT", "3m");
  await page.clock.advance(1_000);
  assert.equal(words(page), "1 Aug 2024 03:00 UTC is not stored at 3m, only what follows on 3 Aug 2024 02:00 UTC.");
  assert.equal(olderWords(page.view).step, "fetchTo");
});

test("another market begins at its newest candle", async () => {
  const page = await opened(600);
  page.chart.middleMs = T0 + 10 * MINUTE;
  page.server.write("ETHUSDT:1m", rows(0, 600));
  await page.choose("ETHUSDT", "1m");
  await page.clock.advance(1_000);
  assert.equal(page.chart.revealed, undefined);
});

test("what a date field shows it gives back", () => {
  assert.equal(dateText(T0 + 61 * MINUTE, false), "2024-08-01T01:01");
  assert.equal(dateMs("2024-08-01T01:01"), T0 + 61 * MINUTE);
  assert.equal(dateMs("2024-08-01T01:01:07"), T0 + 61 * MINUTE + 7_000);
  assert.equal(dateMs(dateText(T0, true)), T0);
  for (const junk of ["", "2024-08", "2024-13-01", "1969-01-01", "soon"]) assert.equal(dateMs(junk), null, junk);
});

test("a date is shown and taken in the zone of the page, also where its clocks change", () => {
  const berlin = new Zone("Europe/Berlin");
  assert.equal(dateText(T0, false, berlin), "2024-08-01T02:00");
  assert.equal(dateMs("2024-08-01T02:00", berlin), T0);
  assert.equal(dateMs(dateText(T0, true, berlin), berlin), T0);
  assert.equal(dateMs("2024-03-31T02:30", berlin), Date.UTC(2024, 2, 31, 1, 30)); // left out: 03:30
  assert.equal(dateMs("2024-10-27T02:30", berlin), Date.UTC(2024, 9, 27, 0, 30)); // twice: the first
  const [start, end] = [Date.UTC(2024, 9, 26), Date.UTC(2024, 9, 29)];
  for (let ms = start; ms < end; ms += 30 * MINUTE) assert.ok([ms, ms - 60 * MINUTE].includes(dateMs(dateText(ms, false, berlin), berlin)), String(ms));
});

test("what the page itself can hold is said, with the way to see further back", () => {
  const state = { told: null, failure: null, isFull: true, isStopped: false, canAsk: true };
  const older = { firstMs: T0, held: HELD_MAX, heldMax: HELD_MAX, aimMs: null, end: null, state };
  const said = olderWords({ symbol: "BTCUSDT", interval: "1m", nowMs: T0, older });
  assert.deepEqual([said.text, said.step], ["This page holds no more than 200,000 candles of a series.", "longer"]);
});
