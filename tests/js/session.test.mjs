import assert from "node:assert/strict";
import { test } from "node:test";

import { dataUpdated } from "../../static/src/net/socket.ts";
import { randomOf, shuffled } from "../support/js/random.mjs";
import { Page, T0, live, price, row, settled } from "../support/js/world.mjs";

const NAME = "BTCUSDT:1m";
const MINUTE = 60_000;
const rows = (from, to) => Array.from({ length: to - from }, (_, i) => row(from + i));
const drawnTimes = (page) => page.chart.drawn.map((bar) => (bar.time - T0) / MINUTE);

async function opened(count = 10, options = {}) {
  const page = new Page({ startMs: T0 + count * MINUTE + 10_000, ...options });
  page.server.write(NAME, rows(0, count));
  await page.open();
  return page;
}

function equalsTruth(page, name = NAME, message = "") {
  const truth = [...page.server.of(name).rows.values()].sort((a, b) => a.time - b.time);
  assert.deepEqual(page.session.bars().filter((bar) => bar.state === "final").map(({ state, ...bar }) => bar), truth, message);
  assert.deepEqual([...page.chart.history.values()], truth, message);
  assert.equal(page.session.version(), page.server.of(name).version, message);
}

test("a page loads, subscribes and is live", async () => {
  const page = await opened();
  equalsTruth(page);
  assert.deepEqual([page.view.load.kind, page.view.link.kind, page.server.requests.length], ["ready", "up", 1]);
  assert.equal(page.view.officialToMs, T0 + 10 * MINUTE);
});

test("an event right after the known version is merged without asking anything", async () => {
  const page = await opened();
  await page.hear(page.server.write(NAME, [row(10)]));
  equalsTruth(page);
  assert.equal(page.server.requests.length, 1);
});

test("a late correction replaces the old bar and nothing else", async () => {
  const page = await opened();
  await page.hear(page.server.write(NAME, [row(3, 111)], "correction"));
  equalsTruth(page);
  assert.equal(page.chart.history.get(T0 + 3 * MINUTE).close, 111);
  assert.equal(page.server.requests.length, 1);
});

test("a skipped version is asked for", async () => {
  const page = await opened();
  page.server.write(NAME, [row(10)]);
  await page.hear(page.server.write(NAME, [row(11)]));
  equalsTruth(page);
  assert.equal(page.server.requests.length, 2);
});

test("a change too big for an event is asked for", async () => {
  const page = await opened();
  await page.hear(page.server.write(NAME, rows(10, 40), "backfill"));
  equalsTruth(page);
});

test("a filled hole between older candles is drawn in its place", async () => {
  const page = new Page({ startMs: T0 + 10 * MINUTE });
  page.server.write(NAME, [...rows(0, 4), ...rows(6, 10)]);
  await page.open();
  await page.hear(page.server.write(NAME, rows(4, 6), "repair"));
  equalsTruth(page);
});

test("lost, doubled and disordered events end in the truth, 1000 times of 1000", async () => {
  for (let seed = 0; seed < 1000; seed += 1) {
    const random = randomOf(seed);
    const page = await opened(5);
    let sent = [];
    for (let i = 5; i < 17; i += 1) {
      page.clock.ms += 1 + Math.floor(random() * 3);
      const changed = random() < 0.3 ? [row(Math.floor(random() * i), 81 + Math.floor(random() * 30))] : [row(i)];
      sent.push(page.server.write(NAME, changed));
    }
    sent = shuffled([...sent.filter(() => random() > 0.3), ...sent.filter(() => random() < 0.2)], random);
    for (const event of sent) {
      page.handlers.dataUpdated(dataUpdated(event));
      if (random() < 0.3) await settled(1);
    }
    await settled();
    await page.clock.advance(16_000);
    equalsTruth(page, NAME, `seed ${seed}`);
  }
});

test("a quiet pub/sub is found out within 15 s, without any event and without a reload", async () => {
  const page = await opened();
  page.server.write(NAME, rows(10, 13));
  await page.clock.advance(15_500);
  equalsTruth(page);
});

test("a version that went back with the store is taken as the truth it is", async () => {
  const page = await opened();
  const series = page.server.of(NAME);
  series.rows.delete(T0 + 9 * MINUTE);
  series.version -= 5;
  await page.clock.advance(15_500);
  equalsTruth(page);
});

test("an answer older than what an event brought is not shown", async () => {
  const page = await opened();
  const waiting = [];
  page.server.hold = (answer) => new Promise((resolve) => waiting.push(() => resolve(answer)));
  page.server.write(NAME, [row(10)]);
  await page.hear(page.server.write(NAME, [row(11)])); // asks; the answer is held back
  page.clock.ms += 1_000;
  await page.hear(page.server.write(NAME, [row(12)]));
  page.server.hold = null;
  for (const answer of waiting) answer();
  await settled();
  equalsTruth(page);
});

test("after any number of fast switches only the last series is shown", async () => {
  const page = new Page({ startMs: T0 + 10 * MINUTE });
  const symbols = ["BTCUSDT", "ETHUSDT", "SOLUSDT"];
  symbols.forEach((symbol, i) => page.server.write(`${symbol}:1m`, rows(0, 5 + i).map((bar) => ({ ...bar, volume: i }))));
  const random = randomOf(7);
  page.server.hold = (answer) => new Promise((resolve) => setTimeout(() => resolve(answer), Math.floor(random() * 4)));
  await page.open();
  for (let i = 0; i < 100; i += 1) {
    page.session.open({ ...page.chart.series, symbol: symbols[i % 3], name: `${symbols[i % 3]}:1m` });
    if (random() < 0.5) await settled(1);
  }
  await page.choose("SOLUSDT", "1m");
  await new Promise((resolve) => setTimeout(resolve, 20));
  await settled();
  equalsTruth(page, "SOLUSDT:1m");
  assert.equal(page.subscribed.at(-1), "SOLUSDT:1m");
});

test("events of another series change nothing; 1m and 1M are two", async () => {
  const page = await opened();
  const before = JSON.stringify(page.session.bars());
  await page.hear(page.server.write("ETHUSDT:1m", [row(10)]));
  await page.hear(page.server.write("BTCUSDT:1M", [row(10)]));
  page.handlers.livePrice(price(page.clock.ms, 1, 1, 1, { symbol: "ETHUSDT" }));
  page.handlers.liveCandle({ symbol: "BTCUSDT", interval: "1M", candle: live(10, 1, page.clock.ms) });
  assert.equal(JSON.stringify(page.session.bars()), before);
});

test("an empty history with a live candle shows the live candle", async () => {
  const page = new Page({ startMs: T0 + 10_000 });
  page.server.live = [live(0, 101, T0 + 9_000)];
  await page.open();
  assert.deepEqual(page.session.bars().map((bar) => [bar.time, bar.state]), [[T0, "forming"]]);
  assert.equal(page.chart.tail.size, 1);
});

test("a live candle older than, equal to or closed beside an official one changes nothing official", async () => {
  const page = await opened();
  const before = JSON.stringify([...page.chart.history.values()]);
  for (const candle of [live(3, 71, page.clock.ms), live(9, 71, page.clock.ms), live(9, 72, page.clock.ms + 1, { is_complete: true })]) {
    page.handlers.liveCandle({ symbol: "BTCUSDT", interval: "1m", candle });
  }
  assert.equal(JSON.stringify([...page.chart.history.values()]), before);
  assert.equal(page.chart.tail.size, 0);
});

test("forming, pending, official: at no moment is a bar missing or doubled", async () => {
  const page = await opened();
  const seen = new Set();
  const watch = () => {
    assert.deepEqual(drawnTimes(page), [...drawnTimes(page).keys()], "a bar is missing or doubled");
    for (const bar of page.chart.tail.values()) seen.add(bar.state);
  };
  for (let i = 10; i < 14; i += 1) {
    for (let s = 10; s < 60; s += 5) {
      page.clock.ms = T0 + i * MINUTE + s * 1_000;
      if (s % 10 === 0) page.handlers.liveCandle({ symbol: "BTCUSDT", interval: "1m", candle: live(i, 100 + s / 10, page.clock.ms) });
      page.handlers.livePrice(price(page.clock.ms + 1, 100 + s / 10, 100 * i + s));
      watch();
    }
    page.clock.ms = T0 + (i + 1) * MINUTE + 200;
    await page.clock.advance(300);
    watch();
    page.handlers.livePrice(price(page.clock.ms, 105, 100 * i + 99));
    watch();
    await page.clock.advance(3_000);
    await page.hear(page.server.write(NAME, [row(i)]));
    watch();
  }
  equalsTruth(page);
  assert.deepEqual([...seen].sort(), ["forming", "pending"]);
  assert.equal(page.closed.length, 4);
});

test("junk in answers and events never keeps the chart from drawing", async () => {
  const page = new Page({ startMs: T0 + 10 * MINUTE });
  page.server.write(NAME, rows(0, 10));
  page.server.live = [{ time: "abc" }, null, 7, live(10, "x", T0), live(10, 101, T0 + 10 * MINUTE)];
  await page.open();
  await page.hear({ symbol: "BTCUSDT", interval: "1m", version: page.clock.ms + 1, previous: page.session.version(), candles: [["abc"]], from: 1, to: 1 });
  page.handlers.liveCandle({ symbol: "BTCUSDT", interval: "1m", candle: { time: "abc" } });
  page.handlers.livePrice({ symbol: "BTCUSDT" });
  equalsTruth(page);
  assert.equal(page.chart.tail.size, 1);
});

test("doubled and unsorted rows of an answer are drawn once, in order", async () => {
  const page = new Page({ startMs: T0 + 10 * MINUTE });
  page.server.write(NAME, rows(0, 6));
  page.server.hold = async (answer) => ({ ...answer, candles: shuffled([...answer.candles, ...answer.candles.slice(0, 3)], randomOf(1)) });
  await page.open();
  equalsTruth(page);
});

test("a machine clock that is a day off shows the same bars and countdown", async () => {
  const views = [];
  for (const skewMs of [0, -86_400_000, 86_400_000]) {
    const page = await opened(10, { skewMs });
    page.handlers.liveCandle({ symbol: "BTCUSDT", interval: "1m", candle: live(10, 101, T0 + 10 * MINUTE + 9_000) });
    await page.clock.advance(1_000);
    views.push({ bars: page.session.bars(), closesInMs: page.view.closesInMs, nowMs: page.view.nowMs, forming: page.view.formingMs });
  }
  assert.deepEqual(views[1], views[0]);
  assert.deepEqual(views[2], views[0]);
  assert.equal(views[0].closesInMs, 49_000);
});

test("a lost connection is said at once, tried again with growing pauses, and healed without a reload", async () => {
  const page = await opened();
  page.isReachable = false;
  page.drop();
  assert.equal(page.view.link.kind, "away");
  await page.clock.advance(60_000);
  assert.ok(page.connects > 8 && page.connects < 20, `${page.connects} tries`);
  page.server.write(NAME, rows(10, 15));
  page.isReachable = true;
  await page.clock.advance(5_100);
  assert.equal(page.view.link.kind, "up");
  equalsTruth(page);
});

test("a connection that swallows everything is found out and made anew", async () => {
  const page = await opened();
  page.isDeaf = true;
  await page.clock.advance(15_500);
  assert.equal(page.view.link.kind, "away");
  page.isDeaf = false;
  await page.clock.advance(5_100);
  assert.equal(page.view.link.kind, "up");
});

test("after a long sleep everything missed is there, also more than one answer holds", async () => {
  const page = await opened(10);
  page.clock.ms += 7_000 * MINUTE;
  page.server.write(NAME, rows(10, 7_000));
  page.session.wake();
  await settled(20);
  equalsTruth(page);
});

test("where the socket is shut out REST is asked every 5 s, and the chart goes on", async () => {
  const page = await opened();
  page.isReachable = false;
  page.drop();
  await page.clock.advance(2_900);
  assert.deepEqual([page.view.polledMs, page.view.isLive], [null, false]);
  await page.clock.advance(500);
  assert.equal(page.view.isLive, true);
  page.server.write(NAME, [row(10), row(11)]);
  page.server.live = [live(12, 105, page.clock.ms)];
  const asked = page.server.requests.length;
  await page.clock.advance(15_000);
  assert.equal(page.server.requests.length, asked + 3);
  equalsTruth(page);
  assert.equal(page.view.price, 105);
  assert.equal(page.view.link.kind, "away");
});

test("what a poll could not see is loaded once the socket is back", async () => {
  const page = await opened(300);
  page.isReachable = false;
  page.drop();
  page.server.write(NAME, [row(5, 106)], "correction");
  await page.clock.advance(9_000);
  assert.equal(page.session.version(), page.server.of(NAME).version);
  page.isReachable = true;
  await page.clock.advance(5_100);
  assert.deepEqual([page.view.link.kind, page.view.polledMs], ["up", null]);
  equalsTruth(page);
});

test("a poll that fails means that the server is away, one that wants a sign-in that it is signed out", async () => {
  const page = await opened();
  page.isReachable = false;
  page.drop();
  await page.clock.advance(4_000);
  page.server.fail = Object.assign(new Error("The server can't be reached."), { status: 0 });
  await page.clock.advance(5_000);
  assert.deepEqual([page.view.polledMs, page.view.isLive, page.view.load.kind], [null, false, "ready"]);
  page.server.fail = Object.assign(new Error("Sign in."), { status: 401 });
  await page.clock.advance(5_000);
  assert.deepEqual([page.view.load.kind, page.view.load.status], ["failed", 401]);
});

test("a server that falls silent is asked, and within 3 s what it told is not called live any more", async () => {
  const page = await opened();
  assert.equal(page.view.isLive, true);
  page.isDeaf = "mute";
  await page.clock.advance(3_300);
  assert.deepEqual([page.view.isLive, page.view.link.kind], [false, "up"]);
  assert.ok(page.view.silentSinceMs !== null);
});

test("a market without a trade is asked about now and then, and stays current", async () => {
  const page = await opened();
  page.server.freshness = { state: "quiet", since: T0, why: "Nothing trades." };
  await page.clock.advance(3_000);
  const asked = page.subscribed.length;
  for (let second = 0; second < 30; second += 1) {
    await page.clock.advance(1_000);
    assert.deepEqual([page.view.isLive, page.view.silentSinceMs], [true, null]);
  }
  assert.ok(page.subscribed.length - asked <= 7, `${page.subscribed.length - asked} times in 30 s`);
});

test("a refused connection means signed out, and is not tried again by itself", async () => {
  const page = await opened();
  page.isRefused = true;
  page.drop();
  await page.clock.advance(120_000);
  assert.equal(page.view.link.kind, "out");
  const tries = page.connects;
  await page.clock.advance(120_000);
  assert.equal(page.connects, tries);
  page.isRefused = false;
  page.session.setVisible(true);
  await settled();
  assert.equal(page.view.link.kind, "up");
});

test("a subscription that is refused for the moment is asked for again, and said meanwhile", async () => {
  const page = await opened();
  page.refuse = true;
  await page.clock.advance(15_500);
  assert.deepEqual([page.view.link.kind, page.view.load.kind, page.view.load.detail], ["refused", "failed", "not followed"]);
  page.refuse = false;
  page.server.write(NAME, [row(10)]);
  await page.clock.advance(5_100);
  assert.deepEqual([page.view.link.kind, page.view.load.kind], ["up", "ready"]);
  equalsTruth(page);
});

test("a failing server is asked again later and says so meanwhile", async () => {
  const page = new Page({ startMs: T0 + 10 * MINUTE });
  page.server.write(NAME, rows(0, 10));
  page.server.fail = Object.assign(new Error("The store is away."), { status: 503 });
  await page.open();
  assert.deepEqual([page.view.load.kind, page.view.load.detail], ["failed", "The store is away."]);
  assert.ok(page.view.load.retryInMs > 0);
  page.server.fail = null;
  await page.clock.advance(2_000);
  equalsTruth(page);
});

test("a market that is not followed is said, and not asked for again", async () => {
  const page = new Page({ startMs: T0 });
  page.server.fail = Object.assign(new Error("NOPE is not followed."), { status: 404 });
  await page.open();
  await page.clock.advance(10_000);
  assert.deepEqual([page.view.load.retryInMs, page.server.requests.length], [null, 1]);
});

test("scrolling back brings older candles, one request at a time, until there are no more", async () => {
  const page = await opened(2_000);
  assert.equal(page.chart.history.size, 500);
  for (let i = 0; i < 3; i += 1) page.chart.scrollBack();
  await settled();
  assert.equal(page.server.requests.length, 2);
  page.chart.scrollBack();
  await settled();
  equalsTruth(page);
  page.chart.scrollBack();
  await settled();
  assert.equal(page.server.requests.length, 3);
});

test("a skipped version heals what was scrolled back to as well", async () => {
  const page = await opened(2_000);
  page.chart.scrollBack();
  await settled();
  page.server.write(NAME, [row(600, 117)], "correction");
  await page.hear(page.server.write(NAME, [row(2_000)]));
  assert.equal(page.chart.history.get(T0 + 600 * MINUTE).close, 117);
  const times = drawnTimes(page);
  assert.deepEqual(times, [...times.keys()].map((i) => times[0] + i), "older candles held on to are not whole");
});

test("a 3d series learns its grid from its first official candle", async () => {
  const day = 86_400_000;
  const first = Date.UTC(2024, 0, 1) + day;
  const page = new Page({ startMs: first + 7 * day });
  page.server.write("BTCUSDT:3d", [{ ...row(0), time: first }, { ...row(1), time: first + 3 * day }]);
  page.server.live = [{ ...live(0, 101, first + 6 * day + 5), time: first + 6 * day }];
  await page.open("BTCUSDT", "3d");
  assert.deepEqual(page.session.bars().map((bar) => bar.state), ["final", "final", "forming"]);
  assert.equal(page.view.closesInMs, 2 * day);
});
