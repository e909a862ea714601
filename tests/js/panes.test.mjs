import assert from "node:assert/strict";
import { test } from "node:test";

import { parseInterval } from "../../static/src/candles/interval.ts";
import { parseSeries } from "../../static/src/candles/series.ts";
import { momentAt, placeOf, timeAt } from "../../static/src/candles/places.ts";
import { GridState, NO_LINKS } from "../../static/src/state/gridState.ts";
import { checkedLayout } from "../../static/src/state/layout.ts";
import { Layouts } from "../../static/src/state/layouts.ts";
import { PaneChoices } from "../../static/src/state/paneChoices.ts";
import { Preferences } from "../../static/src/state/preferences.ts";
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

test("a chart that is not shown follows nothing and asks nothing, and catches up when it is shown again", async () => {
  const { page, other } = await two();
  const asked = () => page.server.requests.length;
  other.session.setShown(false);
  assert.deepEqual(page.unsubscribed, ["ETHUSDT:1m"]);
  const before = [asked(), page.subscribed.filter((name) => name === "ETHUSDT:1m").length];
  page.server.write("ETHUSDT:1m", [row(10)]);
  await page.clock.advance(60_000);
  assert.deepEqual([asked(), page.subscribed.filter((name) => name === "ETHUSDT:1m").length], before);
  other.session.setShown(true);
  await settled();
  assert.equal(other.session.version(), page.server.of("ETHUSDT:1m").version);
  assert.equal(other.session.bars().filter((bar) => bar.state === "final").length, 11);
});

test("what a chart has of its own changes no other, and all else is the page's", () => {
  const page = new Preferences(null, { read: () => null, write: () => {}, tell: () => {}, save: null }, { setTimeout: () => 0, clearTimeout: () => {} });
  page.set("type", "bars");
  const own = new PaneChoices(page);
  assert.equal(own.get("type"), "bars");
  own.set("type", "line");
  own.set("zone", "Asia/Tokyo");
  assert.deepEqual([page.get("type"), own.of("type").value, page.get("zone"), own.get("zone")], ["bars", "line", "Asia/Tokyo", "Asia/Tokyo"]);
});

test("in a narrow window the active chart alone is shown, else as many as were chosen", () => {
  const grid = new GridState();
  [grid.count.value, grid.active.value] = [3, 2];
  assert.deepEqual([1, 2, 3, 4].map((number) => grid.isShown(number)), [true, true, true, false]);
  grid.isNarrow.value = true;
  assert.deepEqual([1, 2, 3, 4].map((number) => grid.isShown(number)), [false, true, false, false]);
});

const PANE = { symbol: "BTCUSDT", interval: "1h" };

test("what was kept is a layout as a whole, or none", () => {
  const whole = { grid: 2, panes: [{ ...PANE, type: "line", scale: "log", inverted: true, studies: [] }, PANE], links: { ...NO_LINKS, range: true } };
  assert.deepEqual(checkedLayout(whole), whole);
  assert.deepEqual(checkedLayout({ grid: 1, panes: [{ ...PANE, type: "pie", scale: 7 }] }), { grid: 1, panes: [PANE], links: NO_LINKS });
  const broken = [null, [], {}, { grid: 5, panes: [] }, { ...whole, grid: 3 }, { grid: 1, panes: [{ symbol: "BTCUSDT" }] }, { grid: 1, panes: [{ ...PANE, symbol: "<b>" }] }];
  for (const one of broken) assert.equal(checkedLayout(one), null);
});

function keeper(kept = {}) {
  const store = new Map(Object.entries(kept).map(([name, layout]) => [name, { layout, version: 1 }]));
  const fail = (text) => { throw new Error(text); };
  const shown = [];
  const layouts = new Layouts({
    keeping: {
      names: async () => [...store].map(([name, { version }]) => ({ name, version })),
      read: async (name) => store.get(name)?.layout ?? null,
      save: async (name, layout, version) => { if ((store.get(name)?.version ?? 0) !== version) fail("It was changed meanwhile."); store.set(name, { layout, version: version + 1 }); },
      remove: async (name) => { store.delete(name); },
    },
    current: () => ({ grid: 1, panes: [PANE], links: NO_LINKS }),
    apply: (layout) => shown.push(layout.grid),
  });
  return { layouts, store, shown };
}

test("a layout is saved, saved anew, renamed, shown and taken away", async () => {
  const { layouts, store, shown } = keeper({ b: { grid: 2, panes: [PANE, PANE] } });
  await layouts.refresh();
  assert.ok(await layouts.save("a"));
  assert.ok(await layouts.save("a"));
  assert.deepEqual(layouts.list.value.map(({ name, version }) => [name, version]), [["a", 2], ["b", 1]]);
  assert.ok(await layouts.show("b"));
  assert.deepEqual([shown, layouts.open.value], [[2], "b"]);
  assert.ok(await layouts.rename("b", "c"));
  assert.deepEqual([[...store.keys()], layouts.open.value], [["a", "c"], "c"]);
  assert.ok(await layouts.remove("c"));
  assert.deepEqual([[...store.keys()], layouts.open.value], [["a"], ""]);
});

test("a layout that is not there, was changed elsewhere or is none is said, and nothing is shown or overwritten", async () => {
  const { layouts, store, shown } = keeper({ odd: { grid: 9 }, kept: { grid: 1, panes: [PANE] } });
  for (const name of ["nothing", "odd"]) assert.equal(await layouts.show(name), false);
  assert.match(layouts.problem.value, /There is no layout/);
  await layouts.refresh();
  store.get("kept").version = 7;
  assert.equal(await layouts.save("kept"), false);
  assert.match(layouts.problem.value, /meanwhile/);
  assert.deepEqual([shown, store.get("kept").version], [[], 7]);
  assert.equal(layouts.list.value.find(({ name }) => name === "kept").version, 7);
});
