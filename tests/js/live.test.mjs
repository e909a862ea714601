import assert from "node:assert/strict";
import { test } from "node:test";

import { VisibleTail, PATIENCE_MS } from "../../static/src/candles/visibleTail.ts";
import { INTERVALS } from "../../static/src/candles/interval.ts";
import { Feed } from "../support/js/feed.mjs";
import { randomOf } from "../support/js/random.mjs";
import { Page, T0, live, price, row, settled } from "../support/js/world.mjs";

const NAME = "BTCUSDT:1m";
const MINUTE = 60_000;
const rows = (from, to) => Array.from({ length: to - from }, (_, i) => row(from + i));
const drawn = (page) => page.chart.drawn.map((bar) => (bar.time - T0) / MINUTE);
const tail = (page) => [...page.chart.tail.values()].map((bar) => [(bar.time - T0) / MINUTE, bar.state]);
const candle = (fields) => ({ symbol: "BTCUSDT", interval: "1m", candle: fields });
const waiting = (i, more = {}) => live(i, 100, T0 + (i + 1) * MINUTE, { is_complete: true, ...more });

async function opened(count = 10, options = {}) {
  const page = new Page({ startMs: T0 + count * MINUTE + 10_000, ...options });
  page.server.write(NAME, rows(0, count));
  await page.open();
  return page;
}

test("what closed between the answer and the subscription comes with the acknowledgement, before anything is drawn", async () => {
  const page = new Page({ startMs: T0 + 10 * MINUTE + 10_000 });
  page.server.write(NAME, rows(0, 10));
  page.server.live = [live(10, 101, page.clock.ms)];
  const { ack } = page;
  page.ack = (series) => {
    page.ack = ack;
    page.server.live = [waiting(10), waiting(11), live(12, 103, T0 + 12 * MINUTE + 5_000, { first_id: 30, last_id: 32 })];
    page.handlers.livePrice(price(T0 + 12 * MINUTE + 6_000, 104, 33));
    return page.ack(series);
  };
  await page.open();
  assert.deepEqual(drawn(page), [...Array(13).keys()]);
  assert.deepEqual([page.session.bars().at(-1).close, page.view.forming], [104, { isExact: true, source: "live" }]);
});

test("a candle beyond a hole is asked about once and waits: no frame shows a hole that can be filled", async () => {
  const page = await opened();
  page.handlers.liveCandle(candle(live(10, 100, T0 + 10 * MINUTE)));
  page.server.live = [waiting(10), live(12, 100, T0 + 12 * MINUTE)];
  for (let i = 0; i < 20; i += 1) {
    page.handlers.liveCandle(candle(live(12, 100 + i, T0 + 12 * MINUTE + i)));
    await settled(2);
    assert.deepEqual(tail(page).map(([at]) => at), [10]);
  }
  assert.equal(page.server.requests.length, 2);
  page.handlers.liveCandle(candle(waiting(11)));
  assert.deepEqual(tail(page).map(([at]) => at), [10, 11, 12]);
});

test("a hole that nobody fills is shown as one after a while", async () => {
  const page = await opened();
  page.handlers.liveCandle(candle(live(15, 100, T0 + 15 * MINUTE)));
  await page.clock.advance(PATIENCE_MS - 1_000);
  assert.equal(page.chart.tail.size, 0);
  await page.clock.advance(2_000);
  assert.deepEqual(drawn(page), [...Array(10).keys(), 15]);
  page.handlers.liveCandle(candle(live(16, 100, T0 + 16 * MINUTE, { first_id: 9 })));
  assert.deepEqual(drawn(page).at(-1), 16);
});

test("a hole in the first answer is a hole: the first paint waits for nothing", async () => {
  const page = new Page({ startMs: T0 + 13 * MINUTE });
  page.server.write(NAME, rows(0, 10));
  page.server.live = [live(12, 100, T0 + 12 * MINUTE)];
  await page.open();
  assert.deepEqual(drawn(page).slice(-2), [9, 12]);
});

const gap = (from, to) => ({ symbol: "BTCUSDT", interval: "1m", missing: [{ startMs: T0 + from * MINUTE, endMs: T0 + to * MINUTE }] });

async function withHole() {
  const page = await opened();
  for (const i of [10, 11, 12]) page.handlers.liveCandle(candle(waiting(i)));
  page.handlers.liveCandle(candle(live(13, 100, T0 + 13 * MINUTE)));
  assert.deepEqual(tail(page).map(([at]) => at), [10, 11, 12, 13]);
  return page;
}

test("what the exchange is proven not to have leaves the chart with the word of it, and never comes back", async () => {
  const page = await withHole();
  page.handlers.gapProven({ ...gap(11, 13), interval: "5m" });
  page.handlers.gapProven({ ...gap(11, 13), symbol: "ETHUSDT" });
  assert.deepEqual(tail(page).map(([at]) => at), [10, 11, 12, 13]);
  page.handlers.gapProven(gap(11, 13));
  assert.deepEqual(tail(page).map(([at]) => at), [10, 13]);
  page.handlers.liveCandle(candle(waiting(11, { updated_at: T0 + 20 * MINUTE })));
  page.server.live = [waiting(12)];
  page.drop();
  await page.clock.advance(6_000);
  assert.deepEqual(tail(page).map(([at]) => at), [10, 13]);
  await page.hear(page.server.write(NAME, [row(11)]));
  assert.ok(drawn(page).includes(11)); // the exchange has it after all
});

test("who has missed the word of it is told with the next acknowledgement", async () => {
  const page = await withHole();
  page.server.missing = [[T0 - 9 * MINUTE, T0 - 8 * MINUTE], [T0 + 11 * MINUTE, T0 + 13 * MINUTE]];
  page.drop();
  await page.clock.advance(6_000);
  assert.deepEqual(tail(page).map(([at]) => at), [10, 13]);
});

test("who loads later, or anew, never sees it", async () => {
  const page = await withHole();
  page.server.missing = [[T0 + 11 * MINUTE, T0 + 13 * MINUTE]];
  page.server.live = [waiting(10), waiting(11), waiting(12), live(13, 100, T0 + 13 * MINUTE)];
  page.server.write(NAME, [row(10)]);
  await page.hear(page.server.write(NAME, [row(9)])); // a version was skipped: the page loads
  assert.deepEqual(tail(page).map(([at]) => at), [13]);
  await page.choose("BTCUSDT", "1m");
  assert.deepEqual(tail(page).map(([at]) => at), [13]);
});

test("what was shown is shown on, whatever is missing later", () => {
  const chain = new VisibleTail();
  const items = (...at) => at.map((i) => ({ candle: { time: T0 + i * MINUTE } }));
  const shown = (list, now, official = T0) => chain.shown(INTERVALS["1m"], official, list, now).map(({ candle: { time } }) => (time - T0) / MINUTE);
  assert.deepEqual(shown(items(1, 2, 3), 0), [1, 2, 3]);
  assert.deepEqual(shown(items(1, 3), 1), [1, 3]);
  assert.deepEqual(shown(items(1, 3, 5), 2), [1, 3]);
  assert.deepEqual(shown(items(1, 3, 4, 5), 3), [1, 3, 4, 5]);
  assert.equal(chain.isWaiting, false);
});

test("a missed price is asked about if no candle comes within 2 s, and until then nothing is called exact", async () => {
  const page = await opened();
  page.chatter();
  page.handlers.liveCandle(candle(live(10, 101, page.clock.ms, { first_id: 1, last_id: 3 })));
  page.handlers.livePrice(price(page.clock.ms, 104, 9));
  assert.deepEqual([page.view.forming.isExact, page.session.bars().at(-1).close], [false, 104]);
  page.server.live = [live(10, 104, page.clock.ms, { first_id: 1, last_id: 9, trades: 9, volume: 8 })];
  const asked = page.subscribed.length;
  await page.clock.advance(1_500);
  assert.equal(page.subscribed.length, asked);
  await page.clock.advance(1_000);
  assert.equal(page.subscribed.length, asked + 1);
  assert.deepEqual([page.view.forming.isExact, page.session.bars().at(-1).volume], [true, 8]);
  await page.clock.advance(10_000);
  assert.equal(page.subscribed.length, asked + 1);
});

test("what no answer mends is asked about less and less often", async () => {
  const page = await opened();
  page.chatter();
  page.server.live = [live(10, 101, page.clock.ms, { first_id: 1, last_id: 3 })];
  page.handlers.liveCandle(candle(page.server.live[0]));
  page.handlers.livePrice(price(page.clock.ms, 104, 9));
  const asked = page.subscribed.length;
  await page.clock.advance(45_000);
  assert.ok(page.subscribed.length - asked <= 7, `asked ${page.subscribed.length - asked} times`);
});

test("an acknowledgement that takes its time is waited for, not asked for again and again", async () => {
  const page = await opened();
  page.handlers.livePrice(price(page.clock.ms, 104, 9));
  const { ack } = page;
  let answer;
  page.ack = () => new Promise((resolve) => (answer = resolve));
  await page.clock.advance(9_000);
  assert.equal(page.subscribed.length, 2);
  answer(ack.call(page, { name: NAME }));
  await settled();
  assert.equal(page.view.link.kind, "up");
});

test("after timers were held up, as in sleep, the page asks at once", async () => {
  const page = await opened();
  page.server.live = [live(10, 107, page.clock.ms + 14_000)];
  const asked = page.subscribed.length;
  page.clock.ms += 14_000; // less than the next ask is away
  await page.clock.advance(300);
  assert.equal(page.subscribed.length, asked + 1);
  assert.equal(page.session.bars().at(-1).close, 107);
});

test("lost, doubled and late events, sleeps and reconnections: never a hole, never doubled, and the truth after an answer", async () => {
  for (let seed = 0; seed < 20; seed += 1) await live1s(seed);
});

async function live1s(seed) {
  const random = randomOf(seed);
  const feed = new Feed(random, T0 + 100_000);
  const page = new Page({ startMs: T0 + 100_000 });
  const sent = [];
  while (feed.live.length === 0) feed.step();
  const count = (feed.live[0].time - T0) / 1_000;
  page.server.write("BTCUSDT:1s", Array.from({ length: count }, (_, i) => row(i, 100, 1_000)));
  page.clock.ms = feed.ms;
  page.server.live = feed.live;
  await page.open("BTCUSDT", "1s");
  for (let i = 0; i < 120; i += 1) {
    sent.push(...feed.step().filter(() => random() > 0.15));
    const official = feed.settle(feed.ms - 4_000);
    page.server.live = feed.live;
    await page.clock.advance(feed.ms - page.clock.ms);
    if (official.length > 0) sent.push({ kind: "official", event: page.server.write("BTCUSDT:1s", official) });
    if (random() < 0.2) continue; // all of it comes later
    for (const { kind, event } of sent.splice(0)) {
      if (kind === "official" && random() < 0.8) await page.hear(event);
      for (let times = random() < 0.1 ? 2 : 1; times > 0 && kind !== "official"; times -= 1) {
        page.handlers[kind === "price" ? "livePrice" : "liveCandle"](structuredClone(event));
      }
      whole(page, `seed ${seed}, step ${i}`);
    }
    if (random() < 0.02) page.drop();
    if (random() < 0.02) page.clock.ms += 5_000 * random();
  }
  const asked = page.subscribed.length;
  page.server.live = feed.live;
  page.session.wake();
  await page.clock.advance(6_000);
  assert.ok(page.subscribed.length > asked);
  const bars = page.session.bars();
  const truth = [...page.server.of("BTCUSDT:1s").rows.values(), ...feed.live];
  assert.deepEqual(bars.map(plain), truth.map(plain), `seed ${seed}`);
  assert.equal(page.view.forming === null || page.view.forming.isExact === feed.live.at(-1).exact, true, `seed ${seed}`);
}

function whole(page, message) {
  const times = page.session.bars().map((bar) => bar.time);
  for (let i = 1; i < times.length; i += 1) assert.equal(times[i] - times[i - 1], 1_000, `${message}: ${times[i - 1]} to ${times[i]}`);
}

function plain({ time, open, high, low, close, volume }) {
  return { time, open, high, low, close, volume };
}

test("the server's word on how fresh the market is comes with the acknowledgement, and with events", async () => {
  const page = await opened();
  assert.deepEqual(page.view.freshness, { state: "live", since: T0, why: "Trades arrive." });
  page.handlers.freshness({ symbol: "ETHUSDT", state: "offline", since: T0, why: "no" });
  assert.equal(page.view.freshness.state, "live");
  page.handlers.freshness({ symbol: "BTCUSDT", state: "quiet", since: T0 + 1, why: "Nothing trades." });
  assert.deepEqual(page.view.freshness, { state: "quiet", since: T0 + 1, why: "Nothing trades." });
  page.server.freshness = { state: "purple", since: "now" };
  await page.clock.advance(16_000);
  assert.equal(page.view.freshness.state, "quiet");
  page.server.freshness = null;
  await page.choose("ETHUSDT", "1m");
  assert.equal(page.view.freshness, null);
});

test("time never runs backwards by an answer that was slow, and is set right by one that proves it wrong", async () => {
  const page = await opened();
  const { ack } = page;
  let slowMs = 0;
  page.ack = async (series) => {
    const answer = ack.call(page, series);
    page.clock.ms += slowMs;
    return answer;
  };
  for (slowMs of [0, 3_000, 800, 50, 2_000]) {
    const before = page.session.view().nowMs;
    page.session.wake();
    await settled();
    assert.ok(page.session.view().nowMs >= before);
    assert.equal(page.session.view().nowMs, page.clock.ms);
  }
  page.skewMs = 3_600_000; // our clock leaps, as after a sleep that it did not count
  page.clock.ms += 3_600_000;
  page.session.wake();
  await settled();
  assert.ok(Math.abs(page.session.view().nowMs - (page.clock.ms - page.skewMs)) <= 2_000);
});

async function forming(options = {}) {
  const page = await opened(10, options);
  page.handlers.liveCandle(candle(live(10, 101, page.clock.ms, { first_id: 1, last_id: 3 })));
  return page;
}

test("a browser's candle is offered while the feed is stale or gone, at most every 5 s, every 30 s once ignored", async () => {
  const page = await forming();
  await page.clock.advance(10_000);
  page.handlers.freshness({ symbol: "BTCUSDT", state: "quiet", since: T0, why: "" });
  await page.clock.advance(10_000);
  assert.equal(page.server.saves.length, 0);
  page.server.freshness = { state: "offline", since: T0, why: "" };
  page.server.saved = { status: "saved" };
  let id = 3;
  const run = async (seconds) => {
    for (let s = 0; s < seconds; s += 1) {
      await page.clock.advance(1_000);
      page.handlers.livePrice(price(page.clock.ms, 100 + (s % 7), (id += 1)));
    }
  };
  page.handlers.freshness({ symbol: "BTCUSDT", ...page.server.freshness });
  await run(25);
  assert.ok(page.server.saves.length >= 4 && page.server.saves.length <= 6, `${page.server.saves.length} offers`);
  page.server.saved = { status: "ignored", reason: "contradicts" };
  const before = page.server.saves.length;
  await run(55);
  assert.ok(page.server.saves.length - before <= 3, `${page.server.saves.length - before} offers`);
  const gaps = page.server.saves.slice(1).map((save, i) => save.at - page.server.saves[i].at);
  assert.ok(Math.min(...gaps) >= 5_000);
  const offer = page.server.saves[0].candle;
  assert.deepEqual([offer.isIncomplete, offer.source, offer.time], [true, "client", T0 + 10 * MINUTE]);
});

test("what was saved is not offered again, and what does not form now is not offered at all", async () => {
  const page = await forming();
  page.server.saved = { status: "saved" };
  page.server.freshness = { state: "offline", since: T0, why: "" };
  page.handlers.freshness({ symbol: "BTCUSDT", ...page.server.freshness });
  await page.clock.advance(30_000);
  assert.equal(page.server.saves.length, 1);
  await page.clock.advance(120_000);
  assert.equal(page.server.saves.length, 1);
});

test("a candle that is about to close is not offered: it would arrive too late", async () => {
  const page = await forming();
  await page.clock.advance(48_500);
  page.server.freshness = { state: "offline", since: T0, why: "" };
  page.handlers.freshness({ symbol: "BTCUSDT", ...page.server.freshness });
  await page.clock.advance(1_400);
  assert.equal(page.server.saves.length, 0);
});

test("a page that has just woken, or whose machine's clock is wrong, offers nothing of another time", async () => {
  for (const skewMs of [-86_400_000, 86_400_000]) {
    const page = await forming({ skewMs });
    page.server.freshness = { state: "offline", since: T0, why: "" };
    page.handlers.freshness({ symbol: "BTCUSDT", ...page.server.freshness });
    await page.clock.advance(1_000);
    assert.equal(page.server.saves.length, 1);
    assert.equal(page.server.saves[0].candle.time, T0 + 10 * MINUTE);
    page.isDeaf = true;
    page.clock.ms += 30 * MINUTE;
    await page.clock.advance(600);
    assert.equal(page.server.saves.length, 1);
  }
});

test("a hidden, disconnected or signed-out page offers nothing", async () => {
  for (const [options, spoil] of [
    [{}, (page) => page.session.setVisible(false)],
    [{}, (page) => ((page.isReachable = false), page.drop())],
    [{ canPost: false }, () => {}],
  ]) {
    const page = await forming(options);
    page.server.freshness = { state: "offline", since: T0, why: "" };
    page.handlers.freshness({ symbol: "BTCUSDT", ...page.server.freshness });
    spoil(page);
    await page.clock.advance(40_000);
    assert.equal(page.server.saves.length, 0);
  }
});
