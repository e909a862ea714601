import assert from "node:assert/strict";
import { test } from "node:test";

import { LiveCandleBuilder, PENDING_MAX } from "../../static/src/candles/builder.ts";
import { INTERVALS } from "../../static/src/candles/interval.ts";
import { Feed } from "../support/js/feed.mjs";
import { randomOf, shuffled } from "../support/js/random.mjs";
import { intervalOf, vectors } from "../support/js/vectors.mjs";

const { cases } = vectors("builder");
const MINUTE = INTERVALS["1m"];
const T0 = 1722470400000;

const price = (at, value, first, last = first, more = {}) => ({
  price: value, timestamp: T0 + at, high: value, low: value, volume: last - first + 1, trades: last - first + 1, first_id: first, last_id: last, ...more,
});
const server = (at, updated, close, last, more = {}) => ({
  time: T0 + at, open: 100, high: 110, low: 90, close, volume: 5, trades: 5, source: "live", is_complete: false, exact: true,
  first_id: last - 4, last_id: last, updated_at: T0 + updated, ...more,
});

function shown(candle) {
  const { time, open, high, low, close, volume, trades } = candle;
  return { time, open, high, low, close, volume, trades };
}

test("trades in order, each once, build the candles of the shared vectors", () => {
  const ordered = cases.filter((item) => item.ordered);
  assert.ok(ordered.length > 0);
  for (const item of ordered) {
    const builder = new LiveCandleBuilder(intervalOf(item));
    for (const { trade, newest } of item.events) {
      const { price: value, quantity, time, first_id: first, last_id: last } = trade;
      builder.addPrice(price(time - T0, value, first, last, { volume: quantity }));
      if (newest) assert.deepEqual(shown(builder.forming), newest, item.name);
    }
    assert.deepEqual([...builder.pending, builder.forming].filter(Boolean).map(shown), item.candles, item.name);
  }
});

test("a price that follows the server's candle is added exactly; one that is in it changes nothing", () => {
  const builder = new LiveCandleBuilder(MINUTE);
  builder.addCandle(server(0, 5_000, 105, 20));
  assert.equal(builder.addPrice(price(4_000, 104, 18, 20)), false);
  assert.deepEqual([builder.forming.close, builder.forming.volume, builder.forming.isExact], [105, 5, true]);
  assert.equal(builder.addPrice(price(6_000, 120, 21, 23)), true);
  assert.deepEqual(shown(builder.forming), { time: T0, open: 100, high: 120, low: 90, close: 120, volume: 8, trades: 8 });
  assert.deepEqual([builder.forming.last_id, builder.forming.isExact, builder.isAdrift], [23, true, false]);
});

test("after a missed price, or one half known, the candle moves on but is not exact until the server tells", () => {
  for (const [first, last, volume] of [[23, 24, 7], [19, 24, 5]]) {
    const builder = new LiveCandleBuilder(MINUTE);
    builder.addCandle(server(0, 5_000, 105, 20));
    builder.addPrice(price(6_000, 120, first, last));
    assert.deepEqual([builder.forming.close, builder.forming.high, builder.forming.volume], [120, 120, volume]);
    assert.deepEqual([builder.forming.isExact, builder.isAdrift], [false, true]);
    builder.addPrice(price(6_500, 119, 25));
    assert.equal(builder.forming.isExact, false);
    builder.addCandle(server(0, 6_500, 119, 25, { high: 120 }));
    assert.deepEqual([builder.forming.isExact, builder.isAdrift], [true, false]);
  }
});

test("a price with trades missing in itself is never exact", () => {
  const builder = new LiveCandleBuilder(MINUTE);
  builder.addCandle(server(0, 5_000, 105, 20));
  builder.addPrice(price(6_000, 120, 21, 24, { trades: 3 }));
  assert.deepEqual([builder.forming.isExact, builder.isAdrift], [false, true]);
});

test("what the server itself doubts stays in doubt, and asks for nothing", () => {
  const builder = new LiveCandleBuilder(MINUTE);
  builder.addCandle(server(0, 5_000, 105, 20, { exact: false }));
  builder.addPrice(price(6_000, 106, 21));
  assert.deepEqual([builder.forming.isExact, builder.isAdrift], [false, false]);
});

test("the server's candle of ids that have begun anew takes the place of the one before, and not the reverse", () => {
  const builder = new LiveCandleBuilder(MINUTE);
  builder.addCandle(server(0, 5_000, 105, 2_000));
  builder.addPrice(price(5_500, 106, 2_001));
  assert.equal(builder.addCandle(server(0, 9_000, 107, 20, { exact: false, first_id: -1 })), true);
  assert.deepEqual([builder.forming.close, builder.forming.last_id, builder.isAdrift], [107, 20, false]);
  assert.equal(builder.addCandle(server(0, 5_600, 106, 2_002)), false);
  builder.addPrice(price(9_500, 108, 21));
  assert.deepEqual([builder.forming.close, builder.forming.volume, builder.isAdrift], [108, 6, false]);
  builder.addCandle(server(0, 10_000, 108, 21));
  assert.equal(builder.forming.isExact, true);
});

test("prices of ids that have begun anew move the candle, which is adrift until the server tells", () => {
  for (const id of [20, 2_000]) {
    const builder = new LiveCandleBuilder(MINUTE);
    builder.addCandle(server(0, 5_000, 105, 2_000));
    builder.addPrice(price(5_500, 106, 2_001));
    assert.equal(builder.addPrice(price(9_000, 120, id)), true);
    assert.deepEqual([builder.forming.close, builder.forming.volume, builder.forming.last_id], [120, 7, id]);
    assert.deepEqual([builder.forming.isExact, builder.isAdrift], [false, true]);
    assert.equal(builder.addPrice(price(5_500, 106, 2_001)), false);
    builder.addCandle(server(0, 9_000, 120, id, { high: 120, exact: false, first_id: -1 }));
    assert.deepEqual([builder.forming.close, builder.isAdrift], [120, false]);
  }
});

test("an older candle from the server never takes the place of a newer", () => {
  const builder = new LiveCandleBuilder(MINUTE);
  assert.equal(builder.addCandle(server(0, 5_000, 105, 20)), true);
  assert.equal(builder.addCandle(server(0, 4_000, 95, 20)), false);
  assert.equal(builder.addCandle(server(0, 6_000, 95, 19)), false);
  assert.equal(builder.forming.close, 105);
  assert.equal(builder.addCandle(server(0, 61_000, 101, 24, { is_complete: true })), true);
  assert.equal(builder.addCandle(server(0, 62_000, 99, 24)), false);
});

test("a server candle older than the prices keeps them on top: nothing jumps back", () => {
  const builder = new LiveCandleBuilder(MINUTE);
  builder.addCandle(server(0, 1_000, 100, 20));
  [2_000, 3_000, 4_000].forEach((at, i) => builder.addPrice(price(at, 111 + i, 21 + i)));
  builder.addCandle(server(0, 2_000, 111, 21, { high: 111, volume: 6, trades: 6 }));
  assert.deepEqual(shown(builder.forming), { time: T0, open: 100, high: 113, low: 90, close: 113, volume: 8, trades: 8 });
  assert.equal(builder.forming.isExact, true);
});

test("prices in another order are put in order by their ids", () => {
  const builder = new LiveCandleBuilder(MINUTE);
  builder.addCandle(server(0, 1_000, 100, 20));
  builder.addPrice(price(3_000, 102, 22));
  assert.equal(builder.isAdrift, true);
  builder.addPrice(price(2_000, 101, 21));
  assert.deepEqual([builder.forming.close, builder.forming.volume, builder.forming.isExact, builder.isAdrift], [102, 7, true, false]);
});

test("a browser's candle gives way to the feed's, and never takes its place while it is older", () => {
  const builder = new LiveCandleBuilder(MINUTE);
  const client = (updated) => server(0, updated, 99, 20, { source: "client", exact: false, first_id: -1, last_id: -1 });
  builder.addCandle(client(9_000));
  assert.equal(builder.forming.source, "client");
  assert.equal(builder.addCandle(server(0, 5_000, 105, 20)), true);
  assert.equal(builder.addCandle(client(5_000)), false);
  assert.equal(builder.addCandle(client(30_000)), true);
});

test("the next interval's first price opens it; with ids that follow on and one price it is exact", () => {
  const builder = new LiveCandleBuilder(MINUTE);
  builder.addCandle(server(0, 59_000, 105, 20));
  builder.addPrice(price(60_500, 106, 21, 22));
  assert.deepEqual([builder.pending.length, builder.pending[0].close, builder.forming.time], [1, 105, T0 + 60_000]);
  assert.deepEqual([builder.forming.source, builder.forming.isExact, builder.pending[0].isExact], ["live", true, true]);
  builder.addPrice(price(120_500, 106, 23, 24, { low: 101 })); // at which of them did it open?
  assert.deepEqual([builder.forming.isExact, builder.isAdrift], [false, true]);
});

test("a price that does not follow opens the next interval too, but neither of the two is exact then", () => {
  const builder = new LiveCandleBuilder(MINUTE);
  builder.addCandle(server(0, 59_000, 105, 20));
  builder.addPrice(price(60_500, 106, 30));
  assert.deepEqual([builder.pending[0].isExact, builder.forming.isExact, builder.isAdrift], [false, false, true]);
  builder.addCandle(server(0, 60_500, 105, 29, { is_complete: true }));
  builder.addCandle(server(60_000, 60_500, 106, 30, { first_id: 30, trades: 1 }));
  assert.deepEqual([builder.pending[0].isExact, builder.forming.isExact, builder.isAdrift], [true, true, false]);
});

test("a candle whose end was not told is not exact once a later one is here, unless ids follow on", () => {
  for (const [first, isExact] of [[21, true], [25, false]]) {
    const builder = new LiveCandleBuilder(MINUTE);
    builder.addCandle(server(0, 59_000, 105, 20));
    builder.addCandle(server(60_000, 61_000, 106, first, { first_id: first, trades: 1 }));
    assert.deepEqual([builder.pending[0].isExact, builder.isAdrift], [isExact, !isExact]);
  }
});

test("intervals without a trade between ids that follow on are flat at the last price", () => {
  const builder = new LiveCandleBuilder(MINUTE);
  builder.addCandle(server(0, 59_000, 105, 20));
  builder.addPrice(price(185_000, 106, 21));
  const flat = { open: 105, high: 105, low: 105, close: 105, volume: 0, trades: 0 };
  assert.deepEqual(builder.pending.slice(1).map(shown), [{ time: T0 + 60_000, ...flat }, { time: T0 + 120_000, ...flat }]);
  assert.deepEqual([builder.forming.time, builder.forming.isExact, builder.isAdrift], [T0 + 180_000, true, false]);
});

test("a price far ahead waits for the candles between, and then is in its own", () => {
  const builder = new LiveCandleBuilder(MINUTE);
  builder.addCandle(server(0, 59_000, 105, 20));
  builder.addPrice(price(125_000, 107, 30));
  builder.addPrice(price(126_000, 108, 31));
  assert.deepEqual([builder.forming.time, builder.isAdrift], [T0, true]);
  builder.addCandle(server(60_000, 119_000, 106, 29, { is_complete: true }));
  assert.deepEqual([builder.forming.time, builder.forming.close, builder.forming.trades], [T0 + 120_000, 108, 2]);
});

test("an official candle counts as known: the price after it opens the next", () => {
  const builder = new LiveCandleBuilder(MINUTE);
  builder.addCandle(server(0, 59_000, 105, 20));
  builder.forget([T0, T0 + 60_000]);
  assert.equal(builder.forming, null);
  builder.addPrice(price(121_000, 106, 21));
  assert.deepEqual([builder.forming.time, builder.forming.isExact, builder.pending.length], [T0 + 120_000, true, 0]);
});

test("a price of a candle before the newest changes nothing", () => {
  const builder = new LiveCandleBuilder(MINUTE);
  builder.addPrice(price(1_000, 100, 1));
  builder.addPrice(price(60_001, 101, 3));
  const before = JSON.stringify([builder.pending, builder.forming]);
  assert.equal(builder.addPrice(price(59_999, 1, 2)), false);
  assert.equal(JSON.stringify([builder.pending, builder.forming]), before);
});

test("lost, doubled and disordered events: what is called exact is the truth, and the next answer heals all", () => {
  for (let seed = 0; seed < 150; seed += 1) {
    const random = randomOf(seed);
    const feed = new Feed(random, T0);
    const builder = new LiveCandleBuilder(INTERVALS["1s"]);
    const [lost, doubled, swapped] = [random() * 0.4, random() * 0.3, random() * 0.3];
    let events = [];
    for (let i = 0; i < 60; i += 1) {
      events.push(...feed.step().filter(() => random() > lost));
      events = events.flatMap((event) => (random() < doubled ? [event, event] : [event]));
      if (random() < swapped) events = shuffled(events, random);
      else if (random() < 0.9) for (const { kind, event } of events.splice(0)) hear(builder, kind, event);
      if (random() < 0.05) for (const candle of feed.live) builder.addCandle(candle);
      isHonest(builder, feed, `seed ${seed}, step ${i}`);
    }
    const truth = feed.live;
    for (const candle of truth) builder.addCandle(candle);
    const held = [...builder.pending, builder.forming].slice(-truth.length);
    assert.deepEqual(held.map(shown), truth.map(shown), `seed ${seed}`);
    assert.equal(builder.forming.isExact, truth.at(-1).exact, `seed ${seed}`);
    for (const { kind, event } of events) hear(builder, kind, event); // what comes too late
    assert.deepEqual([...builder.pending, builder.forming].slice(-truth.length).map(shown), truth.map(shown), `seed ${seed}`);
  }
});

function hear(builder, kind, event) {
  if (kind === "price") builder.addPrice(event);
  else builder.addCandle(event.candle);
}

function isHonest({ forming, pending }, feed, message) {
  for (const candle of [...pending, forming]) {
    if (!candle?.isExact || candle.trades === 0) continue;
    const { trades, ...bar } = shown(candle);
    assert.deepEqual(bar, feed.truth(candle.time, candle.last_id), message);
  }
}

test("junk is refused without an exception and without a trace", () => {
  const builder = new LiveCandleBuilder(MINUTE);
  builder.addPrice(price(0, 100, 1));
  const before = JSON.stringify(builder.forming);
  const good = price(1_000, 101, 2);
  const poisons = [
    { price: "101" }, { price: NaN }, { timestamp: "now" }, { timestamp: 1.5 }, { high: 1 }, { low: 0 }, { volume: -1 }, { trades: 0.5 },
    { first_id: -1 }, { last_id: 1 }, { first_id: "2" }, { last_id: undefined },
  ];
  for (const poison of poisons) assert.equal(builder.addPrice({ ...good, ...poison }), false, JSON.stringify(poison));
  for (const poison of [{ time: "abc" }, { time: T0 + 1 }, { close: "x" }, { updated_at: null }, { last_id: 0.5 }]) {
    assert.equal(builder.addCandle({ ...server(0, 1_000, 100, 9), ...poison }), false, JSON.stringify(poison));
  }
  assert.equal(JSON.stringify(builder.forming), before);
});

test("a 3d candle waits for its grid before prices can move it", () => {
  const builder = new LiveCandleBuilder(INTERVALS["3d"]);
  assert.equal(builder.addPrice(price(0, 100, 1)), false);
  builder.learn(INTERVALS["3d"].withPhase(Date.UTC(2017, 7, 17)));
  assert.equal(builder.addPrice(price(1_000, 100, 2)), true);
});

test("no more candles are kept than the bound says", () => {
  const builder = new LiveCandleBuilder(INTERVALS["1s"]);
  for (let i = 0; i < 1_000; i += 1) builder.addPrice(price(i * 1_000, 100 + (i % 7), 1 + i));
  assert.equal(builder.pending.length, PENDING_MAX);
});
