import assert from "node:assert/strict";
import { test } from "node:test";

import { INTERVALS } from "../../static/src/candles/interval.ts";
import { Marks, gapsOf, without } from "../../static/src/candles/marks.ts";
import { spaced } from "../../static/src/candles/whitespace.ts";
import { Page, T0, row, settled } from "../support/js/world.mjs";

const MINUTE = 60_000;
const minute = INTERVALS["1m"];
const gap = (from, to, reason = "maintenance") => ({ startMs: T0 + from * MINUTE, endMs: T0 + to * MINUTE, reason });
const page = (from, to, more = {}) => ({ fromMs: T0 + from * MINUTE, toMs: to === Infinity ? to : T0 + to * MINUTE, corrected: [], gaps: [], ...more });
const at = (i) => T0 + i * MINUTE;
const candles = (...minutes) => minutes.map((i) => ({ time: at(i) }));

test("what is no gap on the wire is left out", () => {
  const triples = [[20, 30, "delisted"], [0, 10, "maintenance"], [10, 5, "maintenance"], [0, 10, "a word"], [0.5, 1, "delisted"], [0, 10], null, "x"];
  assert.deepEqual(gapsOf(triples), [{ startMs: 0, endMs: 10, reason: "maintenance" }, { startMs: 20, endMs: 30, reason: "delisted" }]);
  assert.deepEqual(gapsOf({}), []);
});

test("in the range of an answer nothing else counts, beyond it all stays", () => {
  const marks = new Marks();
  marks.take(page(0, 9, { corrected: [at(2), at(8)], gaps: [gap(3, 5)] }));
  marks.take(page(10, Infinity, { corrected: [at(12)], gaps: [gap(15, 17, "unproven")] }));
  assert.deepEqual(marks.corrected, [at(2), at(8), at(12)]);
  assert.deepEqual(marks.gaps, [gap(3, 5), gap(15, 17, "unproven")]);
  marks.take(page(8, Infinity, { corrected: [at(12)], gaps: [] }));
  assert.deepEqual(marks.corrected, [at(2), at(12)]);
  assert.deepEqual(marks.gaps, [gap(3, 5)]);
});

test("a gap between two pages, told by both, is one", () => {
  const marks = new Marks();
  marks.take(page(10, Infinity, { gaps: [gap(6, 10)] }));
  marks.take(page(0, 5, { gaps: [gap(6, 10)] }));
  assert.deepEqual(marks.gaps, [gap(6, 10)]);
  assert.equal(marks.gapAt(at(5)), null);
  assert.deepEqual(marks.gapAt(at(6)), gap(6, 10));
  assert.deepEqual(marks.gapAt(at(9)), gap(6, 10));
  assert.equal(marks.gapAt(at(10)), null);
});

test("what is proven is a gap at once, and what is known of it stays", () => {
  const marks = new Marks();
  marks.take(page(0, Infinity, { gaps: [gap(3, 5), gap(8, 10, "unproven")] }));
  marks.miss([gap(3, 5), gap(8, 10)]);
  assert.deepEqual(marks.gaps, [gap(3, 5), gap(8, 10, null)]);
});

test("where a candle has come there is no gap", () => {
  const marks = new Marks();
  marks.take(page(0, Infinity, { gaps: [gap(3, 8)] }));
  marks.change(minute, candles(5), []);
  assert.deepEqual(marks.gaps, [gap(3, 5), gap(6, 8)]);
  marks.change(minute, candles(3, 4, 7), candles(1));
  assert.deepEqual(marks.gaps, [gap(6, 7)]);
  assert.ok(marks.isCorrected(at(1)) && !marks.isCorrected(at(2)));
  const gaps = [gap(0, 3)];
  assert.equal(without(gaps, minute, [at(3)]), gaps);
});

test("marks are bounded", () => {
  const marks = new Marks();
  const many = Array.from({ length: 3_000 }, (_, i) => i);
  marks.take(page(0, Infinity, { corrected: many.map(at), gaps: many.map((i) => gap(2 * i, 2 * i + 1)) }));
  assert.equal(marks.corrected.length, 1_000);
  assert.equal(marks.corrected.at(-1), at(2_999));
  assert.equal(marks.gaps.length, 1_000);
});

test("the newest holes are drawn whole, older ones as far as the places reach", () => {
  const points = spaced(minute, [{ time: at(0) }, { time: at(1_000) }, { time: at(1_101) }]);
  const times = new Set(points.map((point) => point.time));
  assert.ok(Array.from({ length: 100 }, (_, i) => at(1_001 + i)).every((time) => times.has(time)));
  assert.equal(points.length, 3 + 500);
});

test("the page's first answer and older ones mark their candles", async () => {
  const page = new Page({ limit: 10 });
  page.server.write("BTCUSDT:1m", Array.from({ length: 600 }, (_, i) => row(i)).filter((_, i) => i < 594 || i > 595));
  page.server.corrected = [at(5), at(597)];
  page.server.gaps = [gap(594, 596)];
  await page.open();
  assert.deepEqual(page.chart.marks, { corrected: [at(597)], gaps: [gap(594, 596)] });
  await page.chart.scrollBack();
  await settled();
  assert.deepEqual(page.chart.marks, { corrected: [at(5), at(597)], gaps: [gap(594, 596)] });
});

test("a correction that arrives live is marked at once; what heals damage is none", async () => {
  const page = new Page();
  const rows = Array.from({ length: 20 }, (_, i) => row(i));
  page.server.write("BTCUSDT:1m", rows);
  await page.open();
  await page.hear(page.server.write("BTCUSDT:1m", [row(7, 91)], "correction"));
  assert.deepEqual(page.chart.marks.corrected, [at(7)]);
  await page.hear(page.server.write("BTCUSDT:1m", [row(19, 93), row(20)], "new"));
  assert.deepEqual(page.chart.marks.corrected, [at(7), at(19)]);
  await page.hear(page.server.write("BTCUSDT:1m", [row(3, 92)], "repair"));
  assert.deepEqual(page.chart.marks.corrected, [at(7), at(19)]);
});

test("a gap that is proven is marked at once, and its reason comes with the next answer", async () => {
  const page = new Page();
  page.server.write("BTCUSDT:1m", Array.from({ length: 20 }, (_, i) => row(i)).filter((_, i) => i !== 12));
  await page.open();
  page.server.gaps = [gap(12, 13)];
  page.handlers.gapProven({ symbol: "BTCUSDT", interval: "1m", missing: [{ startMs: at(12), endMs: at(13) }] });
  assert.deepEqual(page.chart.marks.gaps, [gap(12, 13, null)]);
  await settled();
  assert.deepEqual(page.chart.marks.gaps, [gap(12, 13)]);
  page.server.gaps = [];
  await page.hear(page.server.write("BTCUSDT:1m", [row(12)], "backfill"));
  assert.deepEqual(page.chart.marks.gaps, []);
});

test("another series has marks of its own", async () => {
  const page = new Page();
  page.server.write("BTCUSDT:1m", [row(0), row(1)]);
  page.server.write("ETHUSDT:1m", [row(0), row(1)]);
  page.server.corrected = [at(1)];
  await page.open();
  page.server.corrected = [];
  await page.choose("ETHUSDT", "1m");
  assert.deepEqual(page.chart.marks.corrected, []);
});

test("a candle is paged back to, as far as any is stored", async () => {
  const page = new Page({ limit: 10 });
  page.server.write("BTCUSDT:1m", Array.from({ length: 12_000 }, (_, i) => row(i)));
  await page.open();
  assert.equal(await page.session.reach(at(11_995)), "held");
  assert.equal(page.server.requests.length, 1);
  assert.equal(await page.session.reach(at(3)), "held");
  assert.equal(await page.session.reach(at(-1)), "end");
  assert.equal(page.session.bars().length, 12_000);
});

test("paging back waits for what is in flight, and says when it can't go on", async () => {
  const page = new Page({ limit: 10 });
  page.server.write("BTCUSDT:1m", Array.from({ length: 100 }, (_, i) => row(i)));
  await page.open();
  let release;
  page.server.hold = (answer) => new Promise((resolve) => { release = () => resolve(answer); });
  page.handlers.gapProven({ symbol: "BTCUSDT", interval: "1m", missing: [{ startMs: at(500), endMs: at(501) }] });
  const reached = page.session.reach(at(3));
  page.server.hold = null;
  release();
  assert.equal(await reached, "held");
  const other = new Page({ limit: 10 });
  other.server.write("BTCUSDT:1m", Array.from({ length: 600 }, (_, i) => row(i)));
  await other.open();
  other.server.fail = Object.assign(new Error("away"), { status: 503 });
  const asked = other.server.requests.length;
  const stopped = other.session.reach(at(3));
  await other.clock.advance(10_000);
  assert.equal(await stopped, "stopped");
  assert.equal(other.server.requests.length - asked, 4);
});

test("paging back outlasts a server that is busy for a moment", async () => {
  const page = new Page({ limit: 10 });
  page.server.write("BTCUSDT:1m", Array.from({ length: 600 }, (_, i) => row(i)));
  await page.open();
  page.server.fail = Object.assign(new Error("busy"), { status: 503 });
  const reached = page.session.reach(at(3));
  await page.clock.advance(500);
  page.server.fail = null;
  await page.clock.advance(1_000);
  assert.equal(await reached, "held");
});
